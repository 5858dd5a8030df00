import type { Refusal } from "@countersign/protocol/errors";
import { ok, type Result } from "@countersign/protocol/result";
import type { Shop } from "../shop.ts";
import type { Checkout } from "./checkout.ts";
import { type Also, applyToCheckout, nothingElse } from "./checkout-rows.ts";

/** Gives a checkout up: its goods go back to the shelf and an approval that the wallet was asked for is withdrawn. Canceling twice is canceling once. `also`: what is written with it. */
export async function cancelCheckout(shop: Shop, checkout: Checkout, also: Also = nothingElse): Promise<Result<Checkout, Refusal>> {
  if (checkout.status === "canceled") return ok(checkout);
  const canceled = await applyToCheckout(shop.db, checkout.id, { type: "canceled" }, shop.clock(), also);
  if (!canceled.ok) return canceled;
  shop.report({ event: "checkout_canceled", checkout: checkout.id });
  await shop.withdrawals.begin();
  return canceled;
}
