import type { BrowserUrl, EpochMs } from "@countersign/protocol/brand";
import type { ErrorCode } from "@countersign/protocol/errors";
import type { Money } from "@countersign/protocol/money";
import type { CheckoutStatus } from "@countersign/protocol/payment";
import type { SignedCheckout } from "@countersign/kit/payment/payee";
import type { CheckoutLine, CheckoutPrice, Shipping } from "./price.ts";
import type { Tax } from "./tax.ts";

/** How long a checkout can be paid, and then how long its terms can be approved. */
export const checkoutMsMax: number = 30 * 60_000;

/**
 * How long after its expiry an awaiting checkout is kept for an approval that was given in time and not yet learnt of. Longer than a mandate lives,
 * so that no approval can be redeemed after the goods went back to the shelf.
 */
export const approvalGraceMs: number = 20 * 60_000;

/** What a checkout was before a change of its terms. */
export interface PastVersion {
  readonly version: number;
  readonly total: Money;
  readonly endedAt: EpochMs;
  /** `changed`: somebody wanted something else. Otherwise why paying ended. */
  readonly why: "changed" | ErrorCode;
}

/** How many past versions are kept. */
export const pastVersionsMax = 20;

/** A checkout at one version of its terms. `signed` are those terms as the wallet knows them; a new version is signed anew. */
export interface Checkout {
  readonly id: string;
  /** Who made it with a key of their own, and alone may see it; null: whoever knows the id. */
  readonly agent: string | null;
  readonly version: number;
  readonly status: CheckoutStatus;
  readonly lines: readonly CheckoutLine[];
  /** Null, like `tax`, in checkouts from before there was any. */
  readonly shipping: Shipping | null;
  readonly tax: Tax | null;
  readonly total: Money;
  readonly createdAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly signed: SignedCheckout | null;
  readonly requestId: string | null;
  /** Where anybody who has the link can approve; null where none was made for an agent to hand on. */
  readonly approvalLink: BrowserUrl | null;
  readonly paymentId: string | null;
  /** Why the last attempt to pay ended without an order. */
  readonly lastRefusal: ErrorCode | null;
  /** The newest last, at most {@link pastVersionsMax}. */
  readonly past: readonly PastVersion[];
}

/** A new checkout: priced at version 1, nothing reserved yet. */
export function newCheckout(id: string, price: CheckoutPrice, now: EpochMs, agent: string | null = null): Checkout {
  return {
    id,
    agent,
    version: 1,
    status: "priced",
    ...price,
    createdAt: now,
    expiresAt: now + checkoutMsMax,
    signed: null,
    requestId: null,
    approvalLink: null,
    paymentId: null,
    lastRefusal: null,
    past: [],
  };
}

/** Says whether a checkout's terms can still be changed or given up. */
export function canChange(status: CheckoutStatus): boolean {
  return status === "priced" || status === "awaiting_approval";
}
