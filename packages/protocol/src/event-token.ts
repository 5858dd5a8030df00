import type { EpochMs } from "./brand.ts";
import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import { isMinorUnits } from "./money.ts";
import { isPaymentIdentifier } from "./payment.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import { boundedText, isJsonObject, member } from "./shape.ts";

/** How old or how early an event token may be. Each attempt to deliver one is signed anew. */
const windowMs = 300_000;

/**
 * One event of a Security Event Token (RFC 8417 section 2). `id` is the same however often it is delivered, `subjectId` what it is about, `sequence` orders
 * the events about one subject, `at` is when it happened.
 */
export interface TokenEvent<Status extends string> {
  readonly id: string;
  readonly subjectId: string;
  readonly status: Status;
  readonly sequence: number;
  readonly at: EpochMs;
}

/** What an event token must be: of this issuer, for this audience alone, with this event, whose status is one of these. */
export interface ExpectedEvent<Status extends string> {
  readonly issuer: string;
  readonly audience: string;
  readonly event: string;
  readonly statuses: readonly Status[];
}

/**
 * Judges the claims of an event token whose signature and type were verified: from this issuer, for this audience alone, signed within five minutes, about one
 * subject. Refuses with `invalid_request`. An event is a hint: what counts is the thing as its keeper answers for it.
 */
export function judgeEventToken<Status extends string>(
  claims: unknown,
  expected: ExpectedEvent<Status>,
  nowMs: EpochMs,
): Result<TokenEvent<Status>, Refusal> {
  if (member(claims, "iss") !== expected.issuer) return invalid("iss");
  if (member(claims, "aud") !== expected.audience) return invalid("aud");
  const iat = member(claims, "iat");
  if (!isMinorUnits(iat) || Math.abs(nowMs - iat * 1000) > windowMs) return invalid("iat");
  const id = boundedText(member(claims, "jti"), 200);
  const toe = member(claims, "toe");
  const subject = member(claims, "sub_id");
  const subjectId = member(subject, "id");
  if (id === undefined || !isMinorUnits(toe)) return invalid("jti or toe");
  if (member(subject, "format") !== "opaque" || !isPaymentIdentifier(subjectId)) return invalid("sub_id");
  const events = member(claims, "events");
  const event = isJsonObject(events) ? member(events, expected.event) : undefined;
  const status = expected.statuses.find((each) => each === member(event, "status"));
  const sequence = member(event, "sequence");
  if (status === undefined || !isMinorUnits(sequence)) return invalid("events");
  return ok({ id, subjectId, status, sequence, at: toe * 1000 });
}

/** The claims of an event token. `iat` is the time of this attempt, so that an old token can be told from a late one; `toe` is when it happened. */
export function eventClaims(
  event: TokenEvent<string> & { readonly issuer: string; readonly audience: string; readonly event: string },
  nowMs: EpochMs,
): EventClaims {
  return {
    iss: event.issuer,
    aud: event.audience,
    iat: Math.floor(nowMs / 1000),
    jti: event.id,
    toe: Math.floor(event.at / 1000),
    sub_id: { format: "opaque", id: event.subjectId },
    events: { [event.event]: { status: event.status, sequence: event.sequence } },
  };
}

/** As they are signed: times in seconds. A type and not an interface, as signers want it. */
export type EventClaims = {
  readonly iss: string;
  readonly aud: string;
  readonly iat: number;
  readonly jti: string;
  readonly toe: number;
  readonly sub_id: { readonly format: "opaque"; readonly id: string };
  readonly events: Readonly<Record<string, { readonly status: string; readonly sequence: number }>>;
};

function invalid(what: string): Result<never, Refusal> {
  return err(refuse("invalid_request", `not an event for this payee: ${what}`));
}
