import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, type Result } from "@countersign/protocol/result";
import { findProduct } from "../catalogue/products.ts";
import type { Shop } from "../shop.ts";
import { readAvailability } from "../stock.ts";
import { changeWish, type WishChange } from "./change-wish.ts";
import { canChange, type Checkout } from "./checkout.ts";
import { type Also, applyToCheckout, nothingElse } from "./checkout-rows.ts";
import { priceCheckout } from "./price.ts";

/**
 * Prices a checkout anew under a new version. An approval that the wallet was asked for is withdrawn: what it would approve is no more. `version`: the one that
 * the caller saw, when they say; otherwise the one that was read. `also`: what is written with it.
 */
export async function changeCheckout(
  shop: Shop,
  checkout: Checkout,
  change: WishChange,
  version: number = checkout.version,
  also: Also = nothingElse,
): Promise<Result<Checkout, Refusal>> {
  const wish = changeWish(checkout, change);
  if (!wish.ok) return wish;
  const price = priceCheckout(wish.value, { findProduct, available: await availableTo(shop, checkout) });
  if (!price.ok) return canChange(checkout.status) ? price : err(refuse("checkout_not_open"));
  // Without a word of the caller, the change is one of what was just read: two at once never lose each other's.
  const changed = await applyToCheckout(shop.db, checkout.id, { type: "changed", price: price.value, from: version }, shop.clock(), also);
  if (!changed.ok) return changed;
  shop.report({ event: "checkout_changed", checkout: checkout.id, version: changed.value.version });
  // Its row was written with the change; nobody waits for the wallet.
  await shop.withdrawals.begin();
  return changed;
}

/** What can be bought, where the checkout's own reservation counts as free: it is given back with the change. */
async function availableTo(shop: Shop, checkout: Checkout): Promise<ReadonlyMap<string, number>> {
  const available = new Map(await readAvailability(shop.db));
  if (checkout.status === "awaiting_approval") {
    for (const { variant_id, quantity } of checkout.lines) available.set(variant_id, (available.get(variant_id) ?? 0) + quantity);
  }
  return available;
}
