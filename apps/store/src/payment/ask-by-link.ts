import type { Payee } from "@countersign/kit/payment/payee";
import type { PaymentDemand } from "@countersign/kit/payment/require-payment";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import type { Checkout } from "../checkout/checkout.ts";
import { applyToCheckout } from "../checkout/checkout-rows.ts";
import type { Shop } from "../shop.ts";
import { type AskOutcome, payCheckout, type PayOutcome } from "./pay.ts";

/**
 * Pays a checkout as {@link payCheckout} does, for a caller who is given an address to hand on. A last word of the wallet that the watch of this store has not
 * heard yet is the checkout's too when this returns, so that no answer shows an address where nothing can be approved any more.
 */
export async function payByLink(shop: Shop, checkout: Checkout): Promise<PayOutcome<"by_link">> {
  const paid = await payCheckout(shop, checkout, (demand) => askByLink(shop.payee, demand));
  if (paid.outcome === "refused") await noteLastWord(shop, checkout, paid.refusal);
  return paid;
}

async function noteLastWord({ db, clock }: Shop, { id, requestId }: Checkout, { code }: Refusal): Promise<void> {
  const type = code === "payment_denied" ? "denied" : code === "payment_request_expired" ? "lapsed" : undefined;
  // Where the checkout has gone on, or asks for another approval by now, this changes nothing.
  if (type !== undefined && requestId !== null) await applyToCheckout(db, id, { type, requestId }, clock());
}

/**
 * Asks by the wallet's page alone, for callers who speak for a user that they cannot name, such as a shopping agent's server. What the user approved there is
 * all the right that is needed to complete the order; who is told of it is the caller's protocol's to judge. The link is kept with the checkout.
 */
async function askByLink(payee: Payee, { checkout, requestId }: PaymentDemand): Promise<AskOutcome<"by_link">> {
  const known = requestId === undefined ? undefined : await payee.read(requestId, 0);
  if (known?.ok === false && known.error.code !== "not_found") return { outcome: "refused", refusal: known.error };
  const isDecided = known?.ok === true && known.value.status !== "created" && known.value.checkoutHash === checkout.hash;
  // The same terms meet the same live request; lodging again is how its address is had.
  const lodged = isDecided ? known : await payee.lodge(checkout);
  if (!lodged.ok) return { outcome: "refused", refusal: lodged.error };
  const { id, expiresAt, approvalLink: link, status, isForNamedUser } = lodged.value;
  switch (status) {
    case "created":
      // What waits for one user by name is theirs: whoever else knows the checkout gets nothing by which it could be had.
      if (isForNamedUser) return { outcome: "refused", refusal: refuse("claimed_elsewhere") };
      if (link === undefined) return { outcome: "refused", refusal: refuse("protocol_error", "the wallet gave no address") };
      return { outcome: "challenge", requestId: id, expiresAt, link, challenge: "by_link" };
    case "approved":
    case "redeemed": {
      const request = isDecided ? lodged : await payee.read(id, 0);
      const approval = request.ok ? await payee.verify(request.value, checkout) : request;
      return approval.ok ? { outcome: "approved", approval: approval.value } : { outcome: "refused", refusal: approval.error };
    }
    case "denied":
    case "revoked":
      return { outcome: "refused", refusal: refuse("payment_denied") };
    case "expired":
    case "canceled":
    case "voided":
      return { outcome: "refused", refusal: refuse("payment_request_expired") };
  }
}
