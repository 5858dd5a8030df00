import type { EpochMs } from "./brand.ts";
import type { Refusal } from "./errors.ts";
import { judgeEventToken } from "./event-token.ts";
import { type PaymentRequestStatus, paymentRequestStatuses } from "./payment.ts";
import type { Result } from "./result.ts";
import { ok } from "./result.ts";

/** The event of a Security Event Token (RFC 8417 section 2) by which a wallet tells a payee that one of its payment requests has changed. */
export const paymentRequestEvent = "urn:countersign:event:payment-request";

/** A change of a payment request. `sequence` orders the changes of one request; `id` is the same however often it is delivered; `at` is when it happened. */
export interface WalletEvent {
  readonly id: string;
  readonly requestId: string;
  readonly status: PaymentRequestStatus;
  readonly sequence: number;
  readonly at: EpochMs;
}

/**
 * Judges the claims of an event token whose signature and type were verified: from this wallet, for this payee alone, signed within five minutes, about one
 * payment request. Refuses with `invalid_request`. An event is a hint: what counts is the request as the wallet answers for it.
 */
export function judgeWalletEvent(
  claims: unknown,
  expected: { readonly issuer: string; readonly audience: string },
  nowMs: EpochMs,
): Result<WalletEvent, Refusal> {
  const judged = judgeEventToken(claims, { ...expected, event: paymentRequestEvent, statuses: paymentRequestStatuses }, nowMs);
  if (!judged.ok) return judged;
  const { subjectId: requestId, ...event } = judged.value;
  return ok({ ...event, requestId });
}
