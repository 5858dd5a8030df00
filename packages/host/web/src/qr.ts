import { encode } from "uqr";

/** A QR code as an SVG path in module units: dark modules only, on a square of `size` modules whose quiet zone is part of it. */
export interface QrDrawing {
  readonly size: number;
  readonly path: string;
}

/** ISO/IEC 18004 section 9.1: four light modules on every side, or scanners may not find the code. */
const quietZone = 4;

/** Draws a text, with level M correction (15 % may be lost). Neighbouring modules of a row are one stroke, so that no gaps appear between them. */
export function drawQr(text: string): QrDrawing {
  const { data, size } = encode(text, { ecc: "M", border: 0 });
  const strokes = data.flatMap((row, y) => runsOf(row).map(([from, length]) => `M${from + quietZone} ${y + quietZone}h${length}v1h-${length}z`));
  return { size: size + 2 * quietZone, path: strokes.join("") };
}

function runsOf(row: readonly boolean[]): readonly (readonly [number, number])[] {
  const runs: [number, number][] = [];
  row.forEach((dark, x) => {
    const last = runs.at(-1);
    if (!dark) return;
    if (last !== undefined && last[0] + last[1] === x) last[1] += 1;
    else runs.push([x, 1]);
  });
  return runs;
}
