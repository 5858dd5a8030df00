import type { EpochMs } from "./brand.ts";
import type { Refusal } from "./errors.ts";
import { judgeEventToken } from "./event-token.ts";
import { type PaymentStatus, paymentStatuses } from "./payment.ts";
import type { Result } from "./result.ts";
import { ok } from "./result.ts";

/** The event of a Security Event Token (RFC 8417 section 2) by which a bank tells a payee that one of its payments has changed. */
export const paymentEvent = "urn:countersign:event:payment";

/** A change of a payment. `sequence` orders the changes of one payment; `id` is the same however often it is delivered; `at` is when it happened. */
export interface PaymentEvent {
  readonly id: string;
  readonly paymentId: string;
  readonly status: PaymentStatus;
  readonly sequence: number;
  readonly at: EpochMs;
}

/**
 * Judges the claims of an event token whose signature and type were verified: from this bank, for this payee alone, signed within five minutes, about one
 * payment. Refuses with `invalid_request`. An event is a hint: what counts is the payment as the bank answers for it.
 */
export function judgePaymentEvent(
  claims: unknown,
  expected: { readonly issuer: string; readonly audience: string },
  nowMs: EpochMs,
): Result<PaymentEvent, Refusal> {
  const judged = judgeEventToken(claims, { ...expected, event: paymentEvent, statuses: paymentStatuses }, nowMs);
  if (!judged.ok) return judged;
  const { subjectId: paymentId, ...event } = judged.value;
  return ok({ ...event, paymentId });
}
