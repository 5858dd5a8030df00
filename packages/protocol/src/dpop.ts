import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import type { AuthorizationServer, ProtectedResource } from "./metadata.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import { parseChallengeList } from "./www-authenticate.ts";

/**
 * Whether tokens are asked for bound to a key (RFC 9449). `offered`: both sides take them, a plain token is good too. `required`: the resource takes no
 * other. `none`: tokens are plain, and no key is made.
 */
export type TokenBinding = "none" | "offered" | "required";

/** The one algorithm of this side's proofs. */
export const dpopAlgorithm = "ES256";

const headerLengthMax = 16_384;
const challengeCountMax = 20;

/**
 * Decides about binding for a new sign-in. A token is bound only when both the issuer and the resource say that they take it, since a bound token is useless
 * where nobody checks proofs; `challenged` is a DPoP challenge of the resource, which says it too. Refuses with `invalid_metadata` when the resource demands
 * binding and one of the two names only algorithms that this side does not have.
 */
export function decideTokenBinding(
  server: Pick<AuthorizationServer, "dpopSigningAlgValuesSupported">,
  resource: Pick<ProtectedResource, "dpopSigningAlgValuesSupported" | "dpopBoundAccessTokensRequired">,
  challenged: boolean,
): Result<TokenBinding, Refusal> {
  const atServer = server.dpopSigningAlgValuesSupported?.includes(dpopAlgorithm);
  const atResource = resource.dpopSigningAlgValuesSupported?.includes(dpopAlgorithm);
  if (resource.dpopBoundAccessTokensRequired) {
    // A side that names no algorithms may still have the usual one.
    if (atServer !== false && atResource !== false) return ok("required");
    return err(
      refuse("invalid_metadata", `the resource demands DPoP-bound tokens, and no proof algorithm is common: this side has ${dpopAlgorithm}`),
    );
  }
  return ok(atServer === true && (atResource ?? challenged) ? "offered" : "none");
}

/**
 * Judges the `token_type` of a token answer (RFC 9449 section 5): a bound token needs a proof key on this side, and a plain one is not taken where the resource
 * would refuse it. Refuses with `flow_failed`.
 */
export function judgeTokenType(tokenType: string, binding: TokenBinding): Result<"Bearer" | "DPoP", Refusal> {
  switch (tokenType.toLowerCase()) {
    case "bearer":
      return binding === "required" ? err(refuse("flow_failed", "the token is not bound to a key, which the resource demands")) : ok("Bearer");
    case "dpop":
      return binding === "none" ? err(refuse("flow_failed", "the token is bound to a key that this side does not have")) : ok("DPoP");
    default:
      return err(refuse("flow_failed", "the token is neither of type Bearer nor DPoP"));
  }
}

/** Says whether a resource's 401 asks for the same request with the nonce that it brings (RFC 9449 section 9). */
export function asksForNonce(status: number, wwwAuthenticate: string | null): boolean {
  if (status !== 401 || wwwAuthenticate === null || wwwAuthenticate.length > headerLengthMax) return false;
  const challenges = parseChallengeList(wwwAuthenticate, challengeCountMax) ?? [];
  return challenges.some(({ scheme, parameters }) => scheme === "dpop" && parameters.get("error") === "use_dpop_nonce");
}

/** Gives a `DPoP-Nonce` value when it is one: 1 to 512 of RFC 9449's NQCHAR (section 8.1). */
export function readNonce(value: string | null): string | undefined {
  return value !== null && /^[\x21\x23-\x5b\x5d-\x7e]{1,512}$/.test(value) ? value : undefined;
}

/** The `htu` of a proof: the target without query and fragment (RFC 9449 section 4.2). */
export function proofTarget(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
