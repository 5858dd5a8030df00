import type { EpochMs } from "./brand.ts";
import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import { isMinorUnits } from "./money.ts";
import { isPaymentIdentifier, type PaymentRequestStatus, paymentRequestStatuses } from "./payment.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import { boundedText, isJsonObject, member } from "./shape.ts";

/** The event of a Security Event Token (RFC 8417 section 2) by which a wallet tells a payee that one of its payment requests has changed. */
export const paymentRequestEvent = "urn:countersign:event:payment-request";

/** How old or how early an event token may be. Each attempt to deliver one is signed anew. */
const windowMs = 300_000;

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
  if (member(claims, "iss") !== expected.issuer) return invalid("iss");
  if (member(claims, "aud") !== expected.audience) return invalid("aud");
  const iat = member(claims, "iat");
  if (!isMinorUnits(iat) || Math.abs(nowMs - iat * 1000) > windowMs) return invalid("iat");
  const id = boundedText(member(claims, "jti"), 200);
  const toe = member(claims, "toe");
  const subject = member(claims, "sub_id");
  const requestId = member(subject, "id");
  if (id === undefined || !isMinorUnits(toe)) return invalid("jti or toe");
  if (member(subject, "format") !== "opaque" || !isPaymentIdentifier(requestId)) return invalid("sub_id");
  const events = member(claims, "events");
  const event = isJsonObject(events) ? member(events, paymentRequestEvent) : undefined;
  const status = paymentRequestStatuses.find((each) => each === member(event, "status"));
  const sequence = member(event, "sequence");
  if (status === undefined || !isMinorUnits(sequence)) return invalid("events");
  return ok({ id, requestId, status, sequence, at: toe * 1000 });
}

function invalid(what: string): Result<never, Refusal> {
  return err(refuse("invalid_request", `not an event for this payee: ${what}`));
}
