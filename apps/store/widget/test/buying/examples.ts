import type { Line } from "../../src/bill.ts";
import type { Checkout } from "../../src/buying/checkout.ts";
import type { Product } from "../../src/buying/product.ts";

const price = { amount: 1890, currency: "EUR" };

/** A product of one variant. */
export function productOf(id: string): Product {
  const variant = { id, title: id, choices: {}, price, image: `${id}.svg`, stock: 4 };
  const { title, image, stock } = variant;
  return { id, title, description: "", price, image, category: "kitchen", stock, options: [], variants: [variant] };
}

/** A line over so many of a product's first variant. */
export function lineOf(id: string, quantity: number): Line {
  return { productId: id, variantId: id, image: "", title: id, quantity, amount: { amount: 1890 * quantity, currency: "EUR" } };
}

/** An open checkout; the total is that of its lines unless it is said. */
export function checkoutOf(more: Partial<Checkout> = {}): Checkout {
  const lines = more.lines ?? [lineOf("mug", 1)];
  return {
    id: "chk_1",
    version: 1,
    status: "priced",
    lines,
    extras: [],
    total: { amount: lines.reduce((sum, line) => sum + line.amount.amount, 0), currency: "EUR" },
    address: undefined,
    option: "collect",
    offers: [],
    destinations: [],
    expiresAt: 0,
    lastRefusal: undefined,
    ...more,
  };
}
