import { encode } from "uqr";
import { describe, expect, it } from "vitest";
import { drawQr, type QrDrawing } from "../src/qr.ts";

/** The modules that a drawing darkens, as rows of the whole square. */
function modulesOf({ size, path }: QrDrawing): readonly (readonly boolean[])[] {
  const rows = Array.from({ length: size }, () => Array.from({ length: size }, () => false));
  for (const [, x = "", y = "", length = ""] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let at = 0; at < Number(length); at += 1) {
      const row = rows[Number(y)];
      if (row !== undefined) row[Number(x) + at] = true;
    }
  }
  return rows;
}

describe("drawQr", () => {
  const text = "https://wallet.example/device?user_code=WDJB-MJHT";

  it("draws every dark module and no other, within a quiet zone of four (ISO/IEC 18004)", () => {
    const drawn = modulesOf(drawQr(text));
    const { data, size } = encode(text, { ecc: "M", border: 0 });
    expect(drawn.length).toBe(size + 8);
    expect(drawn.slice(4, -4).map((row) => row.slice(4, -4))).toEqual(data);
    expect(drawn.flatMap((row, y) => row.filter((dark, x) => dark && (y < 4 || x < 4 || y >= size + 4 || x >= size + 4)))).toEqual([]);
  });

  it("holds the three finder patterns where a scanner looks for them", () => {
    const drawn = modulesOf(drawQr(text));
    const finder = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"];
    const at = (x: number, y: number): readonly string[] =>
      drawn.slice(y, y + 7).map((row) =>
        row
          .slice(x, x + 7)
          .map((dark) => (dark ? "1" : "0"))
          .join(""),
      );
    const far = drawn.length - 4 - 7;
    expect([at(4, 4), at(far, 4), at(4, far)]).toEqual([finder, finder, finder]);
  });

  it("takes the longest address that the host lets through", () => {
    expect(drawQr(`https://wallet.example/${"a".repeat(2000)}`).size).toBeGreaterThan(150);
  });
});
