import { readFileSync } from "node:fs";
import { parseMoney } from "@countersign/protocol/money";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { categories, optionsOf, titleOf, variantOf } from "../../src/catalogue/product.ts";
import { findProduct, products, variants } from "../../src/catalogue/products.ts";
import { searchProducts } from "../../src/catalogue/search.ts";

function find(query: string, more: { category?: "desk"; limit?: number } = {}): readonly string[] {
  const page = searchProducts(products, { limit: 24, query, ...more });
  return page.ok ? page.value.products.map((product) => product.id) : [];
}

describe("the catalogue", () => {
  test("has a dozen or more products, some in every category, each with money, words and a picture that is there", () => {
    expect(products.length).toBeGreaterThanOrEqual(12);
    for (const category of categories) expect(products.filter((product) => product.category === category).length).toBeGreaterThanOrEqual(3);
    for (const product of products) {
      expect(parseMoney(product.price).ok).toBe(true);
      expect(product.description.length).toBeGreaterThan(30);
      expect(readFileSync(new URL(`../../assets/${product.image}`, import.meta.url), "utf8")).toContain("<svg");
      expect(findProduct(product.id)).toBe(product);
    }
    expect(new Set(products.map((product) => product.id)).size).toBe(products.length);
  });
});

describe("variants", () => {
  test("have ids of their own, the first one the product's, so that stock and lines from before there were any stay right", () => {
    expect(new Set(variants.map((variant) => variant.id)).size).toBe(variants.length);
    for (const product of products) {
      expect(product.variants[0].id).toBe(product.id);
      expect(product.variants[0].price).toEqual(product.price);
      for (const variant of product.variants) {
        expect(variant.id).toMatch(/^[a-z0-9-]{1,64}$/);
        expect(parseMoney(variant.price).ok && variant.grams > 0 && variant.openingStock > 0).toBe(true);
        expect(titleOf(product, variant).length).toBeLessThanOrEqual(120);
      }
    }
  });

  test("of one product differ in the same choices, each combination once", () => {
    for (const product of products) {
      const names = optionsOf(product).map((option) => option.name);
      for (const variant of product.variants) expect(Object.keys(variant.choices)).toEqual(names);
      expect(new Set(product.variants.map((variant) => JSON.stringify(variant.choices))).size).toBe(product.variants.length);
    }
  });

  test("are found within their product alone", () => {
    const beanie = findProduct("wool-beanie");
    expect(beanie && optionsOf(beanie)).toEqual([
      { name: "size", values: ["M", "L"] },
      { name: "colour", values: ["Navy", "Oat"] },
    ]);
    expect(beanie && variantOf(beanie, "wool-beanie-l-oat")?.choices).toEqual({ size: "L", colour: "Oat" });
    expect(beanie && variantOf(beanie, undefined)?.id).toBe("wool-beanie");
    expect(beanie && variantOf(beanie, "stoneware-mug-sand")).toBeUndefined();
    expect(find("sand mug")).toEqual(["stoneware-mug"]);
  });
});

describe("search", () => {
  test.each([
    ["mug", ["stoneware-mug"]],
    ["mugs", ["stoneware-mug"]],
    ["Show me some MUGS", ["stoneware-mug"]],
    ["backpack", ["canvas-rucksack"]],
    ["wooden paper storage", ["letter-tray"]],
    ["wooden mug", []],
    ["walnut", ["letter-tray"]],
    ["bike", []],
    ["<script>", []],
    ["'; drop table stock; --", []],
  ])("%s finds %j", (query, expected) => {
    expect(find(query)).toEqual(expected);
  });

  test("the best match comes first: a lamp before a lantern that only mentions light", () => {
    expect(find("lamp")).toEqual(["desk-lamp", "storm-lantern"]);
  });

  test("every word must match, and a category narrows", () => {
    expect(find("light")).toEqual(expect.arrayContaining(["desk-lamp", "storm-lantern", "beeswax-candle"]));
    expect(find("light", { category: "desk" })).toEqual(["desk-lamp"]);
    expect(find("light honey")).toEqual(["beeswax-candle"]);
  });

  test("pages of any size give every match once, in the same order", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 }), fc.constantFrom("", "wool", "light", "wood"), (limit, query) => {
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = searchProducts(products, { limit, query, cursor });
          if (!page.ok) throw new Error("refused");
          expect(page.value.products.length).toBeLessThanOrEqual(limit);
          seen.push(...page.value.products.map((product) => product.id));
          cursor = page.value.nextCursor;
        } while (cursor !== undefined);
        expect(seen).toEqual(find(query));
      }),
    );
  });

  test("a cursor of another list is refused", () => {
    expect(searchProducts(products, { limit: 5, cursor: "after:stoneware-mug" }).ok).toBe(true);
    expect(searchProducts(products, { limit: 5, cursor: "after:nothing" })).toMatchObject({ ok: false, error: { code: "invalid_arguments" } });
    expect(searchProducts(products, { limit: 5, query: "lamp", cursor: "after:stoneware-mug" })).toMatchObject({ ok: false });
  });
});
