import type { BrowserUrl, EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Checkout } from "../checkout/checkout.ts";
import { applyToCheckout, readCheckout } from "../checkout/checkout-rows.ts";
import type { Shop } from "../shop.ts";
import { insertWithdrawal } from "./withdrawal-rows.ts";

export type RememberParts = Pick<Shop, "db" | "clock" | "report" | "watchers" | "withdrawals">;

/** Keeps the request's id and end, and watches it from here on, so that the order completes even if nobody comes back. */
export async function rememberRequest(
  parts: RememberParts,
  checkout: Checkout,
  checkoutHash: string,
  request: { readonly requestId: string; readonly expiresAt: EpochMs; readonly link?: BrowserUrl },
): Promise<Result<Checkout, Refusal>> {
  const { requestId, expiresAt, link } = request;
  if (checkout.requestId === requestId && (link === undefined || link === checkout.approvalLink)) {
    parts.watchers.watch(checkout);
    return ok(checkout);
  }
  const lodged = await applyToCheckout(parts.db, checkout.id, { type: "lodged", requestId, checkoutHash, expiresAt, link }, parts.clock());
  if (!lodged.ok) {
    await dropUnwanted(parts, checkout.id, requestId, checkoutHash);
    // It may have been approved and completed between the question and now; the next call tells.
    return err(lodged.error.code === "checkout_not_open" ? refuse("payment_pending") : lodged.error);
  }
  parts.report({ event: "approval_lodged", checkout: checkout.id, request: requestId });
  parts.watchers.watch(lodged.value);
  return lodged;
}

/** While the wallet was asked, the checkout may have been changed or given up: then nobody must be asked to approve what it was. */
async function dropUnwanted(parts: RememberParts, checkoutId: string, requestId: string, checkoutHash: string): Promise<void> {
  const current = await readCheckout(parts.db, checkoutId);
  const isWanted = current?.signed?.hash === checkoutHash && current.status !== "canceled" && current.status !== "expired";
  if (isWanted) return;
  await insertWithdrawal(parts.db, requestId, parts.clock());
  await parts.withdrawals.begin();
}
