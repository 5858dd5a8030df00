import { expect, test } from "vitest";
import { products } from "../../src/catalogue/products.ts";
import { destinations } from "../../src/checkout/destinations.ts";
import { priceCheckout } from "../../src/checkout/price.ts";

const product = products[0];
const address = { name: "Ada", line1: "1 Quay", postal_code: "1", city: "Town" };
const available = new Map([[product?.id ?? "", 1]]);

/** Whether a checkout can be sent there. */
function isReached(country: string, region?: string): boolean {
  const to = { ...address, country, ...(region === undefined ? {} : { region }) };
  const wish = { items: [{ product_id: product?.id ?? "", quantity: 1 }], address: to, option: undefined };
  return priceCheckout(wish, { findProduct: () => product, available }).ok;
}

test("every destination can be sent to, with one of its regions where it lists them and not without", () => {
  expect(destinations.length).toBeGreaterThan(10);
  for (const { country, regions } of destinations) {
    expect([country, isReached(country)]).toEqual([country, regions === undefined]);
    for (const { code, name } of regions ?? []) {
      expect([code, isReached(country, code)]).toEqual([code, true]);
      expect(name).not.toContain("-");
    }
  }
});

test("a place that is no destination cannot be sent to", () => {
  const named = new Set(destinations.map(({ country }) => country));
  for (const country of ["SE", "BR", "XX"]) expect([named.has(country), isReached(country)]).toEqual([false, false]);
  expect(isReached("US", "FL")).toBe(false);
});
