import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { products, variants } from "../../src/catalogue/products.ts";

test("every variant has a picture that ships with the shop, and one that looks otherwise has its own", () => {
  const missing = variants.filter(({ image }) => !existsSync(new URL(`../../assets/${image}`, import.meta.url)));
  expect(missing).toEqual([]);
  for (const { variants: siblings } of products) {
    const looks = siblings.map(({ choices }) => JSON.stringify({ ...choices, size: undefined }));
    expect(new Set(siblings.map(({ image }) => image)).size).toBe(new Set(looks).size);
  }
});
