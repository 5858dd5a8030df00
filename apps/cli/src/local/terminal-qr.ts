import { encode } from "uqr";

/** A QR code of a text for a terminal with colours: two rows of modules a line, black on white whatever the terminal's own colours are. */
export function terminalQr(text: string): string {
  const { data } = encode(text, { ecc: "L", border: 2 });
  const lines: string[] = [];
  for (let row = 0; row < data.length; row += 2) {
    const upper = data[row] ?? [];
    const lower = data[row + 1] ?? [];
    lines.push(`\u001b[30;107m${upper.map((dark, at) => halves[dark ? 1 : 0][lower[at] === true ? 1 : 0]).join("")}\u001b[0m`);
  }
  return lines.join("\n");
}

/** Dark is the foreground: [upper][lower]. */
const halves = [
  [" ", "▄"],
  ["▀", "█"],
] as const;
