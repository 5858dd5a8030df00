import type { EpochMs } from "./brand.ts";
import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import type { PaymentDetails, PaymentInstrument, PaymentPayee } from "./payment.ts";
import { isPaymentIdentifier, isSha256, parseAuthorizationDetails } from "./payment.ts";
import { isMinorUnits } from "./money.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import { boundedText, hasOnlyMembers, isJsonObject, member, textList } from "./shape.ts";

/** The claims of a mandate: the wallet-signed, single-use proof of one approval, shaped as an AP2 closed payment mandate. Times are seconds. */
export interface MandateClaims {
  readonly iss: string;
  readonly aud: readonly string[];
  readonly sub: string;
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
  readonly vct: typeof mandateType;
  readonly cnf: { readonly jkt: string };
  readonly transaction_id: string;
  readonly payee: PaymentPayee;
  readonly payment_amount: { readonly amount: number; readonly currency: string };
  readonly payment_instrument: PaymentInstrument;
  readonly authorization_details: readonly [PaymentDetails];
  readonly evidence: string;
  readonly human_present: boolean;
  readonly request_id: string;
  /** The app through which the user was asked, by its OAuth client id. Absent when there was none: a policy approved, or the user opened the payee's link. */
  readonly client_id?: string;
}

export const mandateType = "mandate.payment.1";

/** How long a mandate lives, in seconds. */
export const mandateTtlSeconds = 900;

const skewSeconds = 60;

/** The time from which no judge takes a mandate any more, in milliseconds, by its issue in seconds. */
export function mandateEndsAt(issuedAt: number): EpochMs {
  return (issuedAt + mandateTtlSeconds + skewSeconds) * 1000;
}

/** What varies between mandates; `issuedAt` is in seconds since 1970, `bank` the bank's origin, `keyThumbprint` RFC 7638 of the payee's key. */
export interface MandateFacts {
  readonly issuer: string;
  readonly bank: string;
  readonly subject: string;
  readonly jti: string;
  readonly issuedAt: number;
  readonly keyThumbprint: string;
  readonly details: PaymentDetails;
  readonly evidence: string;
  readonly humanPresent: boolean;
  readonly requestId: string;
  readonly clientId?: string | undefined;
}

/** Builds the claims of a mandate, so that the parts that must agree cannot differ. Signing is the wallet's. */
export function mandateClaims(facts: MandateFacts): MandateClaims {
  const { details } = facts;
  return {
    iss: facts.issuer,
    aud: [details.payee.id, facts.bank],
    sub: facts.subject,
    jti: facts.jti,
    iat: facts.issuedAt,
    exp: facts.issuedAt + mandateTtlSeconds,
    vct: mandateType,
    cnf: { jkt: facts.keyThumbprint },
    transaction_id: details.checkout_hash,
    payee: details.payee,
    payment_amount: { amount: details.amount, currency: details.currency },
    payment_instrument: details.payment_instrument,
    authorization_details: [details],
    evidence: facts.evidence,
    human_present: facts.humanPresent,
    request_id: facts.requestId,
    ...(facts.clientId === undefined ? {} : { client_id: facts.clientId }),
  };
}

/** What the judge of a mandate already knows for sure. `audience` is its own id, `keyThumbprint` that of the key the payee authenticated with. */
export interface MandateExpectation {
  readonly issuer: string;
  readonly audience: string;
  readonly payeeId: string;
  readonly amount: number;
  readonly currency: string;
  readonly checkoutHash: string;
  readonly keyThumbprint: string;
}

/**
 * Judges the claims of a mandate whose signature was verified. `mandate_invalid`: malformed, inconsistent, other issuer, audience or key,
 * too long-lived, or outside its lifetime by more than 60 s. `consent_mismatch`: sound, but for another payee, amount, currency or checkout.
 * Single use is the caller's, by `jti`.
 */
export function judgeMandate(claims: unknown, expected: MandateExpectation, nowMs: EpochMs): Result<MandateClaims, Refusal> {
  const parsed = parseMandate(claims);
  if (!parsed.ok) return parsed;
  const mandate = parsed.value;
  if (mandate.iss !== expected.issuer) return invalid("issuer");
  if (!mandate.aud.includes(expected.audience)) return invalid("audience");
  if (mandate.cnf.jkt !== expected.keyThumbprint) return invalid("cnf.jkt");
  if (mandate.exp <= mandate.iat || mandate.exp - mandate.iat > mandateTtlSeconds) return invalid("lifetime");
  if (nowMs < (mandate.iat - skewSeconds) * 1000) return invalid("iat is in the future");
  if (nowMs >= (mandate.exp + skewSeconds) * 1000) return invalid("expired");
  if (mandate.payee.id !== expected.payeeId) return err(refuse("consent_mismatch", "payee"));
  if (mandate.payment_amount.amount !== expected.amount) return err(refuse("consent_mismatch", "amount"));
  if (mandate.payment_amount.currency !== expected.currency) return err(refuse("consent_mismatch", "currency"));
  if (mandate.transaction_id !== expected.checkoutHash) return err(refuse("consent_mismatch", "checkout hash"));
  return parsed;
}

/** Reads mandate claims: closed shape, and every part that is said twice is said the same. Refuses with `mandate_invalid`. */
export function parseMandate(claims: unknown): Result<MandateClaims, Refusal> {
  if (!isJsonObject(claims) || !hasOnlyMembers(claims, mandateMembers)) return invalid("unknown claim");
  const details = parseAuthorizationDetails(member(claims, "authorization_details"));
  if (!details.ok) return invalid("authorization_details");
  if (details.value.refund_of !== undefined) return invalid("a refund has no mandate");
  const iss = boundedText(member(claims, "iss"), 2048);
  const aud = textList(member(claims, "aud"), 10, 2048);
  const sub = boundedText(member(claims, "sub"), 200);
  const jti = member(claims, "jti");
  const iat = member(claims, "iat");
  const exp = member(claims, "exp");
  const requestId = member(claims, "request_id");
  const evidence = member(claims, "evidence");
  const humanPresent = member(claims, "human_present");
  const cnf = member(claims, "cnf");
  const keyThumbprint = member(cnf, "jkt");
  const clientId = boundedText(member(claims, "client_id"), 2048);
  if (iss === undefined || aud === undefined || sub === undefined) return invalid("iss, aud or sub");
  if (!isPaymentIdentifier(jti) || !isPaymentIdentifier(requestId) || !isMinorUnits(iat) || !isMinorUnits(exp))
    return invalid("jti, iat, exp or request_id");
  if (!isJsonObject(cnf) || !hasOnlyMembers(cnf, ["jkt"]) || !isSha256(keyThumbprint)) return invalid("cnf");
  if (member(claims, "vct") !== mandateType || !isSha256(evidence) || typeof humanPresent !== "boolean")
    return invalid("vct, evidence or human_present");
  if (clientId === undefined && member(claims, "client_id") !== undefined) return invalid("client_id");
  const signed = { issuer: iss, bank: "", subject: sub, jti, issuedAt: iat, keyThumbprint, details: details.value };
  const facts = { ...signed, evidence, humanPresent, requestId, clientId };
  const rebuilt = mandateClaims(facts);
  for (const name of ["transaction_id", "payee", "payment_amount", "payment_instrument"] as const) {
    if (!sameJson(member(claims, name), rebuilt[name])) return invalid(`${name} differs from authorization_details`);
  }
  return ok({ ...rebuilt, aud, exp });
}

const mandateMembers = [
  "iss",
  "aud",
  "sub",
  "jti",
  "iat",
  "exp",
  "vct",
  "cnf",
  "transaction_id",
  "payee",
  "payment_amount",
  "payment_instrument",
  "authorization_details",
  "evidence",
  "human_present",
  "request_id",
  "client_id",
] as const;

/** Compares JSON values; `expected` decides the shape, so the work is bounded by it. */
function sameJson(actual: unknown, expected: unknown): boolean {
  if (!isJsonObject(expected)) return actual === expected;
  const names = Object.keys(expected);
  return isJsonObject(actual) && hasOnlyMembers(actual, names) && names.every((name) => sameJson(member(actual, name), expected[name]));
}

function invalid(what: string): Result<never, Refusal> {
  return err(refuse("mandate_invalid", what));
}
