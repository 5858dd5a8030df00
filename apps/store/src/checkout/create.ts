import type { Refusal } from "@countersign/protocol/errors";
import { ok, type Result } from "@countersign/protocol/result";
import { findProduct } from "../catalogue/products.ts";
import type { Shop } from "../shop.ts";
import { readAvailability } from "../stock.ts";
import { type Checkout, newCheckout } from "./checkout.ts";
import { insertCheckout } from "./checkout-rows.ts";
import { priceCheckout, type Wish } from "./price.ts";

/** Prices a wish and keeps it as a new checkout, for whoever knows its id or for one agent alone. Refuses what cannot be sold as {@link priceCheckout} does. */
export async function createCheckout(shop: Shop, wish: Wish, agent: string | null): Promise<Result<Checkout, Refusal>> {
  const priced = priceCheckout(wish, { findProduct, available: await readAvailability(shop.db) });
  if (!priced.ok) return priced;
  const checkout = newCheckout(`chk_${shop.randomId()}`, priced.value, shop.clock(), agent);
  await insertCheckout(shop.db, checkout);
  shop.report({ event: "checkout_created", checkout: checkout.id });
  return ok(checkout);
}
