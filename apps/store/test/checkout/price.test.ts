import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findProduct, products } from "../../src/catalogue/products.ts";
import { priceItems, quantityMax } from "../../src/checkout/price.ts";

const plenty = new Map(products.map((product) => [product.id, 1000]));

describe("pricing", () => {
  test("comes from the catalogue alone: quantity times price, added up", () => {
    const priced = priceItems(
      [
        { product_id: "stoneware-mug", quantity: 2 },
        { product_id: "wall-clock", quantity: 1 },
      ],
      findProduct,
      plenty,
    );
    expect(priced).toMatchObject({ ok: true, value: { total: { amount: 2 * 1890 + 8400, currency: "EUR" } } });
  });

  test("joins lines of the same product, so that the bound holds for their sum", () => {
    const half = { product_id: "stoneware-mug", quantity: quantityMax / 2 };
    expect(priceItems([half, half], findProduct, plenty)).toMatchObject({ ok: true, value: { lines: [{ quantity: quantityMax }] } });
    expect(priceItems([half, half, half], findProduct, plenty)).toMatchObject({ ok: false, error: { code: "invalid_arguments" } });
  });

  test.each([
    [[], "invalid_arguments"],
    [[{ product_id: "nothing", quantity: 1 }], "invalid_arguments"],
    [[{ product_id: "stoneware-mug", quantity: 0 }], "invalid_arguments"],
    [[{ product_id: "stoneware-mug", quantity: -1 }], "invalid_arguments"],
    [[{ product_id: "stoneware-mug", quantity: 1.5 }], "invalid_arguments"],
    [[{ product_id: "stoneware-mug", quantity: Number.NaN }], "invalid_arguments"],
  ])("P03 refuses %j as %s", (items, code) => {
    expect(priceItems(items, findProduct, plenty)).toMatchObject({ ok: false, error: { code } });
  });

  test("refuses more than there is", () => {
    const few = new Map([["stoneware-mug", 2]]);
    expect(priceItems([{ product_id: "stoneware-mug", quantity: 2 }], findProduct, few).ok).toBe(true);
    expect(priceItems([{ product_id: "stoneware-mug", quantity: 3 }], findProduct, few)).toMatchObject({
      ok: false,
      error: { code: "out_of_stock" },
    });
    expect(priceItems([{ product_id: "wall-clock", quantity: 1 }], findProduct, few)).toMatchObject({ ok: false, error: { code: "out_of_stock" } });
  });

  test("the lines always add up to the total", () => {
    const item = fc.record({ product_id: fc.constantFrom(...products.map((product) => product.id)), quantity: fc.integer({ min: 1, max: 3 }) });
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 10 }), (items) => {
        const priced = priceItems(items, findProduct, plenty);
        if (!priced.ok) return;
        expect(priced.value.lines.reduce((sum, line) => sum + line.amount.amount, 0)).toBe(priced.value.total.amount);
        for (const line of priced.value.lines) expect(line.amount.amount).toBe(line.quantity * (findProduct(line.product_id)?.price.amount ?? -1));
      }),
    );
  });
});
