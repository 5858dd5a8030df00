import type { EpochMs } from "@countersign/protocol/brand";
import type { ErrorCode } from "@countersign/protocol/errors";
import type { Money } from "@countersign/protocol/money";
import type { CheckoutStatus, CheckoutTerms } from "@countersign/protocol/payment";
import type { SignedCheckout } from "@countersign/kit/payment/payee";

/** How long a checkout can be paid, and then how long its terms can be approved. */
export const checkoutMsMax: number = 30 * 60_000;

/**
 * How long after its expiry an awaiting checkout is kept for an approval that was given in time and not yet learnt of. Longer than a mandate lives,
 * so that no approval can be redeemed after the goods went back to the shelf.
 */
export const approvalGraceMs: number = 20 * 60_000;

export interface CheckoutLine {
  readonly product_id: string;
  readonly title: string;
  readonly quantity: number;
  readonly unit_price: Money;
  readonly amount: Money;
}

/** A checkout at one version of its terms. `signed` are those terms as the wallet knows them; a new version is signed anew. */
export interface Checkout {
  readonly id: string;
  readonly version: number;
  readonly status: CheckoutStatus;
  readonly lines: readonly CheckoutLine[];
  readonly total: Money;
  readonly createdAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly signed: SignedCheckout | null;
  readonly requestId: string | null;
  readonly paymentId: string | null;
  /** Why the last attempt to pay ended without an order. */
  readonly lastRefusal: ErrorCode | null;
}

/** A new checkout: priced at version 1, nothing reserved yet. */
export function newCheckout(id: string, lines: readonly CheckoutLine[], total: Money, now: EpochMs): Checkout {
  return {
    id,
    version: 1,
    status: "priced",
    lines,
    total,
    createdAt: now,
    expiresAt: now + checkoutMsMax,
    signed: null,
    requestId: null,
    paymentId: null,
    lastRefusal: null,
  };
}

/** The terms that the payee signs and the user approves. */
export function termsOf(checkout: Checkout, resource: string): CheckoutTerms {
  return {
    id: checkout.id,
    version: checkout.version,
    amount: checkout.total.amount,
    currency: checkout.total.currency,
    items: checkout.lines.map((line) => ({ name: line.title, quantity: line.quantity, amount: line.amount.amount })),
    resource,
  };
}

/** What model and widget see of a checkout: figures, a status, no signed object. */
export interface CheckoutView {
  readonly id: string;
  readonly version: number;
  readonly status: CheckoutStatus;
  readonly items: readonly CheckoutLine[];
  readonly total: Money;
  readonly expires_at: string;
  readonly last_refusal?: ErrorCode;
}

/** Shows a checkout. One whose time is over reads as expired before the row says so. */
export function viewCheckout(checkout: Checkout, now: EpochMs): CheckoutView {
  const over = checkout.status === "priced" && checkout.expiresAt <= now;
  return {
    id: checkout.id,
    version: checkout.version,
    status: over ? "expired" : checkout.status,
    items: checkout.lines,
    total: checkout.total,
    expires_at: new Date(checkout.expiresAt).toISOString(),
    ...(checkout.lastRefusal === null ? {} : { last_refusal: checkout.lastRefusal }),
  };
}
