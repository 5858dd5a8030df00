import type { Refusal } from "@countersign/protocol/errors";
import { ok, type Result } from "@countersign/protocol/result";
import { findProduct } from "../catalogue/products.ts";
import type { Shop } from "../shop.ts";
import { readAvailability } from "../stock.ts";
import { type Checkout, newCheckout } from "./checkout.ts";
import { type Also, insertCheckout, nothingElse } from "./checkout-rows.ts";
import { priceCheckout, type Wish } from "./price.ts";

/**
 * Prices a wish and keeps it as a new checkout, for whoever knows its id or for one agent alone. `also`: what is written with it. Refuses what cannot be sold as
 * {@link priceCheckout} does.
 */
export async function createCheckout(
  shop: Pick<Shop, "db" | "clock" | "randomId" | "report">,
  wish: Wish,
  agent: string | null,
  also: Also = nothingElse,
): Promise<Result<Checkout, Refusal>> {
  const priced = priceCheckout(wish, { findProduct, available: await readAvailability(shop.db) });
  if (!priced.ok) return priced;
  const checkout = newCheckout(`chk_${shop.randomId()}`, priced.value, shop.clock(), agent);
  const inserted = await insertCheckout(shop.db, checkout, also);
  if (!inserted.ok) return inserted;
  shop.report({ event: "checkout_created", checkout: checkout.id });
  return ok(checkout);
}
