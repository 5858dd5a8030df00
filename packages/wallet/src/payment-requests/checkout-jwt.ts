import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { CheckoutTerms } from "@countersign/protocol/payment";
import { parseCheckoutTerms } from "@countersign/protocol/payment";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { calculateJwkThumbprint, errors, exportJWK, type JWTVerifyGetKey, jwtVerify } from "jose";
import { z } from "zod";
import { sha256 } from "../digest.ts";

/** A payee's signed terms may ask for approval for at most so long. */
export const checkoutTtlMs: number = 30 * 60_000;

const clockSkewSeconds = 30;
const jwtLengthMax = 65_536;

/** The verified terms, the text that was signed, its digest that names them everywhere, the RFC 7638 thumbprint of the signing key, and when they end. */
export interface SignedCheckout {
  readonly terms: CheckoutTerms;
  readonly jwt: string;
  readonly checkoutHash: string;
  readonly keyThumbprint: string;
  readonly expiresAt: EpochMs;
}

export interface CheckoutExpectation {
  readonly payeeId: string;
  readonly audience: string;
  readonly payeeKeys: JWTVerifyGetKey;
}

const claims = z.object({ iat: z.number(), exp: z.number(), jti: z.string().min(1).max(200), checkout: z.unknown() });

/**
 * Verifies a checkout JWT: ES256, typ `checkout+jwt`, signed by the payee that authenticated, for this wallet, alive for at most 30 minutes.
 * Refuses with `invalid_request` (or `invalid_amount`), and with `unavailable` when the payee's keys cannot be fetched.
 */
export async function verifyCheckoutJwt(jwt: string, expected: CheckoutExpectation, now: EpochMs): Promise<Result<SignedCheckout, Refusal>> {
  if (jwt.length > jwtLengthMax) return err(refuse("request_too_large"));
  let verified;
  try {
    verified = await jwtVerify(jwt, expected.payeeKeys, {
      algorithms: ["ES256"],
      typ: "checkout+jwt",
      issuer: expected.payeeId,
      audience: expected.audience,
      requiredClaims: ["iat", "exp", "jti", "checkout"],
      clockTolerance: clockSkewSeconds,
      currentDate: new Date(now),
    });
  } catch (error) {
    return err(refusalOf(error));
  }
  const parsed = claims.safeParse(verified.payload);
  if (!parsed.success) return err(refuse("invalid_request", "checkout_jwt lacks a claim"));
  const { iat, exp } = parsed.data;
  const expiresAt = exp * 1000;
  if (iat * 1000 > now + clockSkewSeconds * 1000) return err(refuse("invalid_request", "checkout_jwt was issued in the future"));
  if (exp <= iat || (exp - iat) * 1000 > checkoutTtlMs) return err(refuse("invalid_request", "checkout_jwt lives longer than 30 minutes"));
  if (expiresAt <= now) return err(refuse("invalid_request", "checkout_jwt has expired"));
  const terms = parseCheckoutTerms(parsed.data.checkout);
  if (!terms.ok) return terms;
  if (terms.value.amount === 0) return err(refuse("invalid_amount", "there is nothing to pay"));
  if (!terms.value.items.every((item) => item.name.isWellFormed()))
    return err(refuse("invalid_request", "an item's name is not well-formed Unicode"));
  const keyThumbprint = await calculateJwkThumbprint(await exportJWK(verified.key));
  return ok({ terms: terms.value, jwt, checkoutHash: sha256(jwt), keyThumbprint, expiresAt });
}

/** A wrong token is the payee's fault; keys that do not come are not. */
function refusalOf(error: unknown): Refusal {
  const isTokenFault =
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys;
  return isTokenFault ? refuse("invalid_request", `checkout_jwt: ${error.code}`) : refuse("unavailable", "the payee's keys cannot be read");
}
