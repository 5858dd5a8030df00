import { encode } from "uqr";
import { expect, test } from "vitest";
import { terminalQr } from "../../src/local/terminal-qr.ts";

const address = "https://wallet.example/device?user_code=KMZB-JHDX";

test("what stands in the terminal is the code, module by module, dark on light", () => {
  const { data } = encode(address, { ecc: "L", border: 2 });
  const halves: Readonly<Record<string, readonly [boolean, boolean]>> = {
    " ": [false, false],
    "▀": [true, false],
    "▄": [false, true],
    "█": [true, true],
  };
  const rows: boolean[][] = [];
  for (const line of terminalQr(address).split("\n")) {
    expect(line.startsWith("\u001b[30;107m") && line.endsWith("\u001b[0m")).toBe(true);
    const cells = Array.from(line.slice("\u001b[30;107m".length, -"\u001b[0m".length), (cell) => halves[cell] ?? [false, false]);
    rows.push(
      cells.map(([upper]) => upper),
      cells.map(([, lower]) => lower),
    );
  }
  expect(rows.slice(0, data.length)).toEqual(data);
});
