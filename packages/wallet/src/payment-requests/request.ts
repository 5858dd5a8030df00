import type { EpochMs } from "@countersign/protocol/brand";
import type { CheckoutTerms, PaymentDetails, PaymentInstrument, PaymentPayee, PaymentRequestStatus } from "@countersign/protocol/payment";
import { parseCheckoutTerms } from "@countersign/protocol/payment";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";

/** How the user decided. A mandate is sealed: whoever holds it and the payee's key can redeem it. */
export type PaymentDecision =
  | { readonly status: "approved"; readonly at: EpochMs; readonly accountId: string; readonly jti: string; readonly sealedMandate: string }
  | { readonly status: "denied"; readonly at: EpochMs; readonly accountId: string };

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
}

const decision = z.discriminatedUnion("status", [
  z.object({ status: z.literal("approved"), at: z.number(), accountId: z.string(), jti: z.string(), sealedMandate: z.string() }),
  z.object({ status: z.literal("denied"), at: z.number(), accountId: z.string() }),
]);
const request = z.object({
  payee: z.object({ id: z.string(), name: z.string(), website: z.string() }),
  terms: z.unknown(),
  checkoutHash: z.string(),
  keyThumbprint: z.string(),
  createdAt: z.number(),
  expiresAt: z.number(),
  decision: decision.nullable(),
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

/** Requests stay readable so long after they expired, for receipts and late readers. */
export const requestRetentionMs: number = 90 * 24 * 3_600_000;

/** The status that everybody sees: an undecided request is `expired` from its time on. */
export function statusOf(value: PaymentRequest, now: EpochMs): PaymentRequestStatus {
  if (value.decision !== null) return value.decision.status;
  return now < value.expiresAt ? "created" : "expired";
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
  };
}

/** The channel on which a decision is hinted. The payload is empty: whoever hears it reads the row. */
export function decisionChannel(requestId: string): string {
  return `payment-request:${requestId}`;
}
