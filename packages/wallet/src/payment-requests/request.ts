import type { EpochMs } from "@countersign/protocol/brand";
import { mandateEndsAt } from "@countersign/protocol/mandate";
import type { CheckoutTerms, PaymentDetails, PaymentInstrument, PaymentPayee, PaymentRequestStatus } from "@countersign/protocol/payment";
import { parseCheckoutTerms } from "@countersign/protocol/payment";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";

/** How an open request was decided. A mandate is sealed: whoever holds it and the payee's key can redeem it. It is null where money comes back: there is none then. */
export type PaymentDecision =
  | { readonly status: "approved"; readonly at: EpochMs; readonly accountId: string; readonly jti: string; readonly sealedMandate: string | null }
  | { readonly status: "denied"; readonly at: EpochMs; readonly accountId: string }
  | { readonly status: "canceled" | "expired"; readonly at: EpochMs };

/**
 * What became of a mandate. `redeemed.by` is the client that used it, `reference` its own id of the payment, `captured` how much it took in the end, in minor
 * units: null until it says that it took less than was approved.
 */
export type MandateOutcome =
  | { readonly status: "redeemed"; readonly at: EpochMs; readonly by: string; readonly reference: string; readonly captured: number | null }
  | { readonly status: "voided"; readonly at: EpochMs; readonly redeemedAt: EpochMs; readonly by: string; readonly reference: string }
  | { readonly status: "revoked"; readonly at: EpochMs; readonly by: "payee" | "user" }
  | { readonly status: "expired"; readonly at: EpochMs };

/**
 * What a payee asked the user to pay. `payee` is what the wallet's registry said when the request was lodged, `terms` what the payee signed,
 * `keyThumbprint` (RFC 7638) the key it signed them with.
 */
export interface PaymentRequest {
  readonly payee: PaymentPayee;
  readonly terms: CheckoutTerms;
  readonly checkoutHash: string;
  readonly keyThumbprint: string;
  readonly createdAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly decision: PaymentDecision | null;
  /** Null until an approved request's mandate was used, withdrawn or has ended. */
  readonly outcome: MandateOutcome | null;
  /** How often the status changed: the order of what its payee is told. */
  readonly sequence: number;
  /** Its payee registered an address at which it is told of each change. */
  readonly isAnnounced: boolean;
  /** The text that the payee signed, as it came: `checkoutHash` is of it, and it proves the terms. Null for requests from before it was kept. */
  readonly checkoutJwt: string | null;
  /** The one account that may decide, because the payee lodged the request in this user's name. Null: whoever is led to it. */
  readonly buyer: string | null;
}

const decision = z.discriminatedUnion("status", [
  z.object({ status: z.literal("approved"), at: z.number(), accountId: z.string(), jti: z.string(), sealedMandate: z.string().nullable() }),
  z.object({ status: z.literal("denied"), at: z.number(), accountId: z.string() }),
  z.object({ status: z.enum(["canceled", "expired"]), at: z.number() }),
]);
const outcome = z.discriminatedUnion("status", [
  z.object({
    status: z.literal("redeemed"),
    at: z.number(),
    by: z.string(),
    reference: z.string(),
    captured: z.int().positive().nullable().default(null),
  }),
  z.object({ status: z.literal("voided"), at: z.number(), redeemedAt: z.number(), by: z.string(), reference: z.string() }),
  z.object({ status: z.literal("revoked"), at: z.number(), by: z.enum(["payee", "user"]) }),
  z.object({ status: z.literal("expired"), at: z.number() }),
]);
const request = z.object({
  payee: z.object({ id: z.string(), name: z.string(), website: z.string() }),
  terms: z.unknown(),
  checkoutHash: z.string(),
  keyThumbprint: z.string(),
  createdAt: z.number(),
  expiresAt: z.number(),
  decision: decision.nullable(),
  // Requests of wallets that did not know these yet are read as what they are: not redeemed, not announced.
  outcome: outcome.nullable().default(null),
  sequence: z.int().nonnegative().default(0),
  isAnnounced: z.boolean().default(false),
  checkoutJwt: z.string().nullable().default(null),
  buyer: z.string().nullable().default(null),
});

export const paymentRequestKind: RecordKind<PaymentRequest> = {
  name: "payment-request",
  parse(json) {
    const row = request.parse(json);
    const terms = parseCheckoutTerms(row.terms);
    if (!terms.ok) throw new TypeError("a stored payment request has no terms");
    return { ...row, terms: terms.value };
  },
};

/** Requests that were never approved stay readable so long after they expired, for late readers. */
export const requestRetentionMs: number = 90 * 24 * 3_600_000;

/** An approved payment and its evidence are kept so long: a payer may dispute a payment for 13 months (Directive (EU) 2015/2366 article 71). */
export const approvedRetentionMs: number = 400 * 24 * 3_600_000;

/** The status as it was last written. */
export function writtenStatusOf(value: PaymentRequest): PaymentRequestStatus {
  return value.outcome?.status ?? value.decision?.status ?? "created";
}

/** The status that everybody sees: what has not ended is `expired` from its time on, whether or not that was written yet. */
export function statusOf(value: PaymentRequest, now: EpochMs): PaymentRequestStatus {
  const written = writtenStatusOf(value);
  const endsAt = endOf(value);
  return endsAt !== undefined && endsAt <= now ? "expired" : written;
}

/** When the request expires if nothing more happens: an open one at its own end, an approved one when no judge takes its mandate any more. */
export function endOf(value: PaymentRequest): EpochMs | undefined {
  switch (writtenStatusOf(value)) {
    case "created":
      return value.expiresAt;
    case "approved":
      return value.decision === null ? undefined : mandateEndsAt(Math.floor(value.decision.at / 1000));
    case "redeemed":
    case "denied":
    case "expired":
    case "canceled":
    case "revoked":
    case "voided":
      return undefined;
  }
}

/** Says whether an account may see and decide a request: anybody's, or lodged for this very user. */
export function isForAccount(value: PaymentRequest, accountId: string): boolean {
  return value.buyer === null || value.buyer === accountId;
}

/** Says whether the user is asked to take money back, and not to pay. */
export function isRefund(value: Pick<PaymentRequest, "terms">): boolean {
  return value.terms.refund_of !== undefined;
}

/** What a user approves: the signed terms, the payee from the registry and the account that pays. */
export function detailsOf(value: PaymentRequest, instrument: PaymentInstrument): PaymentDetails {
  const { terms } = value;
  return {
    type: "payment",
    payee: value.payee,
    amount: terms.amount,
    currency: terms.currency,
    items: terms.items,
    checkout_id: terms.id,
    checkout_version: terms.version,
    checkout_hash: value.checkoutHash,
    payment_instrument: instrument,
    ...(terms.refund_of === undefined ? {} : { refund_of: terms.refund_of }),
  };
}

/** The channel on which a decision is hinted. The payload is empty: whoever hears it reads the row. */
export function decisionChannel(requestId: string): string {
  return `payment-request:${requestId}`;
}
