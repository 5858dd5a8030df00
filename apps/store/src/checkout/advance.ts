import type { BrowserUrl, EpochMs } from "@countersign/protocol/brand";
import { type ErrorCode, type Refusal, refuse } from "@countersign/protocol/errors";
import { canTransition, type CheckoutStatus, checkoutTransitions } from "@countersign/protocol/payment";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { SignedCheckout } from "@countersign/kit/payment/payee";
import { approvalGraceMs, canChange, type Checkout, checkoutMsMax, type PastVersion, pastVersionsMax } from "./checkout.ts";
import type { CheckoutPrice } from "./price.ts";

/**
 * What can happen to a checkout.
 *
 * `changed`: somebody wants something else, which has this price now; `from` is the version they saw, when they say. `canceled`: nobody wants it any more.
 * `pay_started`: somebody wants to pay these signed terms. `lodged`: the wallet knows a payment request for the terms of this hash, and until when it may be
 * approved; `link` is for an agent to hand on. `denied`, `lapsed`: the wallet's last word on
 * one request. `approved`: a mandate for the signed terms is here. `captured`, `declined`: the bank's definite word. `timed_out`: the clock's.
 */
export type CheckoutEvent =
  | { readonly type: "changed"; readonly price: CheckoutPrice; readonly from?: number | undefined }
  | { readonly type: "canceled" }
  | { readonly type: "pay_started"; readonly signed: SignedCheckout }
  | {
      readonly type: "lodged";
      readonly requestId: string;
      readonly checkoutHash: string;
      readonly expiresAt: EpochMs;
      readonly link?: BrowserUrl | undefined;
    }
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
  /** A payment request that the wallet must be told to end, for nothing that it can still bring would be taken. */
  readonly withdraw: string | null;
}

/** Decides what an event makes of a checkout. Refuses what its state does not allow; the checkout then stays as it is. */
export function advanceCheckout(checkout: Checkout, event: CheckoutEvent, now: EpochMs): Result<CheckoutStep, Refusal> {
  switch (event.type) {
    case "changed":
      return change(checkout, event.price, event.from, now);
    case "canceled":
      return canChange(checkout.status)
        ? move(checkout, ["canceled"], awaiting(checkout) ? "release" : "none", { requestId: null, approvalLink: null }, checkout.requestId)
        : refusedIn(checkout);
    case "pay_started":
      return startPaying(checkout, event.signed, now);
    case "lodged":
      return lodge(checkout, event);
    case "denied":
      // The word on a request that was replaced meanwhile says nothing about the one that counts.
      return awaiting(checkout) && checkout.requestId === event.requestId ? reopen(checkout, "payment_denied", now) : refusedIn(checkout);
    case "lapsed":
      return awaiting(checkout) && checkout.requestId === event.requestId
        ? move(checkout, ["expired"], "release", { lastRefusal: "payment_request_expired" })
        : refusedIn(checkout);
    case "approved":
      return approve(checkout, event.checkoutHash, event.paymentId);
    case "captured":
      return checkout.paymentId === event.paymentId ? move(checkout, ["completed"], "sell", { lastRefusal: null }) : refusedIn(checkout);
    case "declined":
      return checkout.paymentId === event.paymentId ? reopen(checkout, event.code, now) : refusedIn(checkout);
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
  return move(checkout, ["awaiting_approval"], "reserve", {
    signed,
    requestId: null,
    approvalLink: null,
    lastRefusal: null,
    expiresAt: signed.expiresAt,
  });
}

/** A new version at a new price, which holds as long as a new checkout's. What was asked for the old one is asked no more. */
function change(checkout: Checkout, price: CheckoutPrice, from: number | undefined, now: EpochMs): Result<CheckoutStep, Refusal> {
  if (!canChange(checkout.status)) return refusedIn(checkout);
  if (checkout.status === "priced" && checkout.expiresAt <= now) return err(refuse("checkout_expired"));
  if (from !== undefined && from !== checkout.version) return err(refuse("conflict", "the checkout has another version"));
  const next = { ...price, ...nextVersion(checkout, "changed", now), lastRefusal: null, expiresAt: now + checkoutMsMax };
  return move(checkout, ["priced"], awaiting(checkout) ? "release" : "none", next, checkout.requestId);
}

/**
 * The price and the goods are held as long as the wallet asks for them, which may be shorter than what was signed and never longer. A request for terms that
 * were replaced meanwhile is not this checkout's.
 */
function lodge(checkout: Checkout, lodged: Extract<CheckoutEvent, { type: "lodged" }>): Result<CheckoutStep, Refusal> {
  const { requestId, checkoutHash, expiresAt, link } = lodged;
  const { signed } = checkout;
  if (!awaiting(checkout) || signed === null || signed.hash !== checkoutHash) return refusedIn(checkout);
  const approvalLink = link ?? (checkout.requestId === requestId ? checkout.approvalLink : null);
  const next = { ...checkout, requestId, approvalLink, expiresAt: Math.min(signed.expiresAt, expiresAt) };
  return ok({ checkout: next, stock: "none", withdraw: null });
}

function approve(checkout: Checkout, checkoutHash: string, paymentId: string): Result<CheckoutStep, Refusal> {
  if (checkout.signed?.hash !== checkoutHash) {
    return err(refuse("consent_mismatch", "the approval is for other terms"));
  }
  return move(checkout, ["authorized", "completing"], "none", { paymentId });
}

/** Back to paying: new version, so that what was signed and approved before can never be used for it. */
function reopen(checkout: Checkout, code: ErrorCode, now: EpochMs): Result<CheckoutStep, Refusal> {
  return move(checkout, ["priced"], "release", { ...nextVersion(checkout, code, now), lastRefusal: code });
}

type NextVersion = Pick<Checkout, "version" | "signed" | "requestId" | "approvalLink" | "paymentId" | "past">;

function nextVersion({ version, total, past }: Checkout, why: PastVersion["why"], endedAt: EpochMs): NextVersion {
  const kept = [...past, { version, total, endedAt, why }].slice(-pastVersionsMax);
  return { version: version + 1, signed: null, requestId: null, approvalLink: null, paymentId: null, past: kept };
}

function timeOut(checkout: Checkout, now: EpochMs): Result<CheckoutStep, Refusal> {
  const end = checkout.status === "awaiting_approval" ? checkout.expiresAt + approvalGraceMs : checkout.expiresAt;
  if (end > now || (checkout.status !== "priced" && checkout.status !== "awaiting_approval")) {
    return refusedIn(checkout);
  }
  return move(checkout, ["expired"], checkout.status === "priced" ? "none" : "release", { lastRefusal: "checkout_expired" });
}

function move(
  checkout: Checkout,
  path: readonly CheckoutStatus[],
  stock: StockEffect,
  change: Partial<Checkout>,
  withdraw: string | null = null,
): Result<CheckoutStep, Refusal> {
  let status = checkout.status;
  for (const next of path) {
    if (!canTransition(checkoutTransitions, status, next)) {
      return refusedIn(checkout);
    }
    status = next;
  }
  return ok({ checkout: { ...checkout, ...change, status }, stock, withdraw });
}

function awaiting(checkout: Checkout): boolean {
  return checkout.status === "awaiting_approval";
}

function refusedIn(checkout: Checkout): Result<never, Refusal> {
  return err(refuse(checkout.status === "expired" ? "checkout_expired" : "checkout_not_open", checkout.status));
}
