import { encode } from "uqr";
import { expect, test } from "vitest";
import { drawQr } from "../src/qr.ts";

const link = "https://wallet.example/device?user_code=BCDF-GHJK";

test("the drawing has the dark modules of the code, and four light ones around them", () => {
  const { data, size } = encode(link, { ecc: "M", border: 0 });
  const drawing = drawQr(link);
  expect(drawing?.size).toBe(size + 8);
  const dark = new Set<string>();
  for (const [, x, y, length] of drawing?.path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g) ?? []) {
    for (let step = 0; step < Number(length); step += 1) {
      dark.add(`${Number(x) + step} ${Number(y)}`);
    }
  }
  const expected = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`${x + 4} ${y + 4}`] : [])));
  expect([...dark].toSorted()).toEqual(expected.toSorted());
});

test.each([[""], ["a".repeat(601)], ["a".repeat(10_000)]])("a text that no phone could read is not drawn", (text) => {
  expect(drawQr("a".repeat(600))).toBeDefined();
  expect(drawQr(text)).toBeUndefined();
});
