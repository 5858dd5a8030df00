import { encode } from "uqr";

/** A QR code as an SVG path in module units: dark modules only, on a square of `size` modules whose quiet zone is part of it. */
export interface QrDrawing {
  readonly size: number;
  readonly path: string;
}

/** ISO/IEC 18004 section 9.1: four light modules on every side, or scanners may not find the code. */
const quietZone = 4;

/** A longer text makes modules that a phone cannot tell apart on a small screen. */
const textLengthMax = 600;

const svgNamespace = "http://www.w3.org/2000/svg";

/**
 * Draws a text, with level M correction (15 % may be lost). Undefined for a text of no or more than 600 characters: show the link instead.
 * Neighbouring modules of a row are one stroke, so that no gaps appear between them.
 */
export function drawQr(text: string): QrDrawing | undefined {
  if (text === "" || text.length > textLengthMax) {
    return undefined;
  }
  const { data, size } = encode(text, { ecc: "M", border: 0 });
  const strokes = data.flatMap((row, y) => runsOf(row).map(([from, length]) => `M${from + quietZone} ${y + quietZone}h${length}v1h-${length}z`));
  return { size: size + 2 * quietZone, path: strokes.join("") };
}

/**
 * The same as an element: dark on white in every colour scheme, since many scanners do not read an inverted code. `label` is what a screen reader
 * says; the link itself belongs beside the picture for those who cannot scan.
 */
export function qrElement(text: string, label: string): SVGSVGElement | undefined {
  const drawing = drawQr(text);
  if (drawing === undefined) {
    return undefined;
  }
  const { size, path } = drawing;
  const svg = document.createElementNS(svgNamespace, "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  svg.setAttribute("shape-rendering", "crispEdges");
  const paper = document.createElementNS(svgNamespace, "rect");
  paper.setAttribute("width", String(size));
  paper.setAttribute("height", String(size));
  paper.setAttribute("fill", "#fff");
  const ink = document.createElementNS(svgNamespace, "path");
  ink.setAttribute("d", path);
  ink.setAttribute("fill", "#000");
  svg.append(paper, ink);
  return svg;
}

function runsOf(row: readonly boolean[]): readonly (readonly [number, number])[] {
  const runs: [number, number][] = [];
  row.forEach((dark, x) => {
    const last = runs.at(-1);
    if (!dark) {
      return;
    }
    if (last !== undefined && last[0] + last[1] === x) {
      last[1] += 1;
    } else {
      runs.push([x, 1]);
    }
  });
  return runs;
}
