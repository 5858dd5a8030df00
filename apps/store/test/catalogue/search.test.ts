import { readFileSync } from "node:fs";
import { parseMoney } from "@countersign/protocol/money";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { categories, findProduct, products } from "../../src/catalogue/products.ts";
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
