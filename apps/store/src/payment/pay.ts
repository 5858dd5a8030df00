import type { PaymentApproval } from "@countersign/kit/payment/payee";
import type { PaymentDemand } from "@countersign/kit/payment/require-payment";
import type { BrowserUrl, EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import { ok, type Result } from "@countersign/protocol/result";
import { termsOf } from "../checkout/bill.ts";
import type { Checkout } from "../checkout/checkout.ts";
import { applyToCheckout, readCheckout } from "../checkout/checkout-rows.ts";
import type { Order } from "../orders/order.ts";
import type { Shop } from "../shop.ts";
import { completeCheckout } from "./complete.ts";
import { rememberRequest } from "./remember-request.ts";
import type { Settlement } from "./settle.ts";

/** What became of asking for an approval. `challenge` is what the caller's protocol hands to the user. */
export type AskOutcome<Challenge> =
  | { readonly outcome: "approved"; readonly approval: PaymentApproval }
  | {
      readonly outcome: "challenge";
      readonly requestId: string;
      readonly expiresAt: EpochMs;
      /** Kept with the checkout, where it is for anybody who has it. */
      readonly link?: BrowserUrl;
      readonly challenge: Challenge;
    }
  | { readonly outcome: "refused"; readonly refusal: Refusal };

/** How one kind of caller asks the user for an approval. */
export type Ask<Challenge> = (demand: PaymentDemand) => Promise<AskOutcome<Challenge>>;

export type PayOutcome<Challenge> =
  | { readonly outcome: "paid"; readonly checkout: Checkout; readonly order: Order }
  /** The user must approve first. The order completes by itself then; `checkout` is what they are asked for. */
  | { readonly outcome: "asked"; readonly checkout: Checkout; readonly challenge: Challenge }
  /** The bank has not said; the recovery asks again. */
  | { readonly outcome: "unknown" }
  | { readonly outcome: "refused"; readonly refusal: Refusal };

/**
 * Pays a checkout as far as it can be paid now: signs its terms, asks for the approval, and with it asks the bank, once, however often this is called. It says
 * nothing of who may see the order: that is for the caller's protocol.
 */
export async function payCheckout<Challenge>(shop: Shop, checkout: Checkout, ask: Ask<Challenge>): Promise<PayOutcome<Challenge>> {
  switch (checkout.status) {
    case "completing":
    case "completed":
      return checkout.paymentId === null ? refusedWith(refuse("internal_error")) : conclude(checkout, await shop.settler.settle(checkout.paymentId));
    case "expired":
      return refusedWith(refuse("checkout_expired"));
    case "open":
    case "authorized":
    case "canceled":
      return refusedWith(refuse("checkout_not_open"));
    case "priced":
    case "awaiting_approval": {
      const awaiting = await startPaying(shop, checkout);
      return awaiting.ok ? askApproval(shop, awaiting.value, ask) : refusedWith(awaiting.error);
    }
  }
}

/** Reserves the goods and signs the terms, unless somebody did already. */
async function startPaying(shop: Shop, checkout: Checkout): Promise<Result<Checkout, Refusal>> {
  if (checkout.status === "awaiting_approval") {
    return ok(checkout);
  }
  const signed = await shop.payee.signCheckout(termsOf(checkout, shop.resource));
  const started = await applyToCheckout(shop.db, checkout.id, { type: "pay_started", signed }, shop.clock());
  if (started.ok) {
    return started;
  }
  // Two presses of the button: the second finds what the first one made, but never what became of the checkout meanwhile.
  const current = await readCheckout(shop.db, checkout.id);
  return current?.status === "awaiting_approval" && current.version === checkout.version ? ok(current) : started;
}

async function askApproval<Challenge>(shop: Shop, checkout: Checkout, ask: Ask<Challenge>): Promise<PayOutcome<Challenge>> {
  const { signed, requestId } = checkout;
  if (signed === null) {
    return refusedWith(refuse("internal_error"));
  }
  const payment = await ask(requestId === null ? { checkout: signed } : { checkout: signed, requestId });
  switch (payment.outcome) {
    case "refused":
      return refusedWith(payment.refusal);
    case "approved": {
      const settled = await completeCheckout(shop, checkout.id, payment.approval);
      return settled.ok ? conclude(checkout, settled.value) : refusedWith(settled.error);
    }
    case "challenge": {
      const remembered = await rememberRequest(shop, checkout, signed.hash, payment);
      return remembered.ok ? { outcome: "asked", checkout: remembered.value, challenge: payment.challenge } : refusedWith(remembered.error);
    }
  }
}

function conclude(checkout: Checkout, settlement: Settlement): PayOutcome<never> {
  return settlement.outcome === "captured" ? { outcome: "paid", checkout, order: settlement.order } : settlement;
}

function refusedWith(refusal: Refusal): PayOutcome<never> {
  return { outcome: "refused", refusal };
}
