import type { EpochMs } from "@countersign/protocol/brand";
import { type ErrorCode, type Refusal, refuse } from "@countersign/protocol/errors";
import { canTransition, type CheckoutStatus, checkoutTransitions } from "@countersign/protocol/payment";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { SignedCheckout } from "@countersign/kit/payment/payee";
import { approvalGraceMs, type Checkout } from "./checkout.ts";

/**
 * What can happen to a checkout.
 *
 * `pay_started`: somebody wants to pay these signed terms. `lodged`: the wallet knows the payment request, and until when it may be
 * approved. `denied`, `lapsed`: the wallet's last word on
 * one request. `approved`: a mandate for the signed terms is here. `captured`, `declined`: the bank's definite word. `timed_out`: the clock's.
 */
export type CheckoutEvent =
  | { readonly type: "pay_started"; readonly signed: SignedCheckout }
  | { readonly type: "lodged"; readonly requestId: string; readonly expiresAt: EpochMs }
  | { readonly type: "denied"; readonly requestId: string }
  | { readonly type: "lapsed"; readonly requestId: string }
  | { readonly type: "approved"; readonly checkoutHash: string; readonly paymentId: string }
  | { readonly type: "captured"; readonly paymentId: string }
  | { readonly type: "declined"; readonly paymentId: string; readonly code: ErrorCode }
  | { readonly type: "timed_out" };

/** What the stock must do in the same transaction. */
export type StockEffect = "none" | "reserve" | "release" | "sell";

export interface CheckoutStep {
  readonly checkout: Checkout;
  readonly stock: StockEffect;
}

/** Decides what an event makes of a checkout. Refuses what its state does not allow; the checkout then stays as it is. */
export function advanceCheckout(checkout: Checkout, event: CheckoutEvent, now: EpochMs): Result<CheckoutStep, Refusal> {
  switch (event.type) {
    case "pay_started":
      return startPaying(checkout, event.signed, now);
    case "lodged":
      return awaiting(checkout) ? ok({ checkout: lodge(checkout, event.requestId, event.expiresAt), stock: "none" }) : refusedIn(checkout);
    case "denied":
      // The word on a request that was replaced meanwhile says nothing about the one that counts.
      return awaiting(checkout) && checkout.requestId === event.requestId ? reopen(checkout, "payment_denied") : refusedIn(checkout);
    case "lapsed":
      return awaiting(checkout) && checkout.requestId === event.requestId
        ? move(checkout, ["expired"], "release", { lastRefusal: "payment_request_expired" })
        : refusedIn(checkout);
    case "approved":
      return approve(checkout, event.checkoutHash, event.paymentId);
    case "captured":
      return checkout.paymentId === event.paymentId ? move(checkout, ["completed"], "sell", { lastRefusal: null }) : refusedIn(checkout);
    case "declined":
      return checkout.paymentId === event.paymentId ? reopen(checkout, event.code) : refusedIn(checkout);
    case "timed_out":
      return timeOut(checkout, now);
  }
}

function startPaying(checkout: Checkout, signed: SignedCheckout, now: EpochMs): Result<CheckoutStep, Refusal> {
  if (checkout.status === "priced" && checkout.expiresAt <= now) {
    return err(refuse("checkout_expired"));
  }
  if (signed.terms.id !== checkout.id || signed.terms.version !== checkout.version || signed.terms.amount !== checkout.total.amount) {
    return err(refuse("conflict", "these are the terms of another version"));
  }
  return move(checkout, ["awaiting_approval"], "reserve", { signed, requestId: null, lastRefusal: null, expiresAt: signed.expiresAt });
}

/** The price and the goods are held as long as the wallet asks for them, which may be shorter than what was signed and never longer. */
function lodge(checkout: Checkout, requestId: string, expiresAt: EpochMs): Checkout {
  return { ...checkout, requestId, expiresAt: Math.min(checkout.signed?.expiresAt ?? expiresAt, expiresAt) };
}

function approve(checkout: Checkout, checkoutHash: string, paymentId: string): Result<CheckoutStep, Refusal> {
  if (checkout.signed?.hash !== checkoutHash) {
    return err(refuse("consent_mismatch", "the approval is for other terms"));
  }
  return move(checkout, ["authorized", "completing"], "none", { paymentId });
}

/** Back to paying: new version, so that what was signed and approved before can never be used for it. */
function reopen(checkout: Checkout, code: ErrorCode): Result<CheckoutStep, Refusal> {
  return move(checkout, ["priced"], "release", { version: checkout.version + 1, signed: null, requestId: null, paymentId: null, lastRefusal: code });
}

function timeOut(checkout: Checkout, now: EpochMs): Result<CheckoutStep, Refusal> {
  const end = checkout.status === "awaiting_approval" ? checkout.expiresAt + approvalGraceMs : checkout.expiresAt;
  if (end > now || (checkout.status !== "priced" && checkout.status !== "awaiting_approval")) {
    return refusedIn(checkout);
  }
  return move(checkout, ["expired"], checkout.status === "priced" ? "none" : "release", { lastRefusal: "checkout_expired" });
}

function move(checkout: Checkout, path: readonly CheckoutStatus[], stock: StockEffect, change: Partial<Checkout>): Result<CheckoutStep, Refusal> {
  let status = checkout.status;
  for (const next of path) {
    if (!canTransition(checkoutTransitions, status, next)) {
      return refusedIn(checkout);
    }
    status = next;
  }
  return ok({ checkout: { ...checkout, ...change, status }, stock });
}

function awaiting(checkout: Checkout): boolean {
  return checkout.status === "awaiting_approval";
}

function refusedIn(checkout: Checkout): Result<never, Refusal> {
  return err(refuse(checkout.status === "expired" ? "checkout_expired" : "checkout_not_open", checkout.status));
}
