import type { BearerChallenge } from "@countersign/protocol/challenge";

/** Which tokens an app takes: `accepted`, bound ones beside plain ones; `required`, bound ones alone (RFC 9449). */
export type BoundTokens = "accepted" | "required";

/** JWS algorithms of the proofs that are checked. */
export const proofAlgorithms: readonly string[] = ["ES256", "EdDSA", "Ed25519"];

/**
 * What a challenge says about DPoP (RFC 9449 section 7.1): nothing where no bound token is taken; beside Bearer where both are; alone where nothing else is, and
 * to a caller who came with a bound token, since another scheme would be no way on.
 *
 * @param error the challenge's own
 */
export function chooseScheme(tokens: BoundTokens | undefined, cameWithKey: boolean, error: string | undefined): Pick<BearerChallenge, "dpop"> {
  if (tokens === undefined) return {};
  if (tokens === "accepted" && !cameWithKey) return { dpop: { algs: proofAlgorithms } };
  return { dpop: { algs: proofAlgorithms, ...(error === undefined ? {} : { error }), alone: true } };
}
