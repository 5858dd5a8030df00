import type { EpochMs } from "@countersign/protocol/brand";
import { proofTarget } from "@countersign/protocol/dpop";
import { boundedText, member } from "@countersign/protocol/shape";

/** What the proof of one request must be for. */
export interface ExpectedProof {
  readonly method: string;
  /** The endpoint as it is configured, whatever host or path the request names. */
  readonly target: string;
  /** base64url(SHA-256) of the access token. */
  readonly tokenHash: string;
  /** The key that the token is bound to, as RFC 7638 thumbprint. */
  readonly keyThumbprint: string;
  /** Whether a nonce is one of this server's newest; undefined where proofs need none. */
  readonly isFreshNonce: ((nonce: string) => boolean) | undefined;
}

/** What a request with a bound token lacks, in the words of RFC 9449 sections 7.1 and 9. */
export type ProofProblem = "invalid_dpop_proof" | "use_dpop_nonce";

/** What a good proof is known by: it may come once while it is fresh. */
export interface JudgedProof {
  readonly id: string;
  /** When it would be too old to come again. */
  readonly until: EpochMs;
}

/** How far a proof's time may be from this server's, in seconds. */
const skewSeconds = 60;

/**
 * Judges the claims of a proof whose signature was verified (RFC 9449 section 4.3, items 7 to 12): made for this method, endpoint and token, by the token's own key,
 * at most a minute away, with a fresh nonce where one is needed.
 */
export function judgeProof(claims: unknown, keyThumbprint: string, expected: ExpectedProof, nowMs: EpochMs): JudgedProof | ProofProblem {
  const [id, htm, htu, ath, nonce] = ["jti", "htm", "htu", "ath", "nonce"].map((name) => boundedText(member(claims, name), 2048));
  const iat = member(claims, "iat");
  const target = htu === undefined ? null : URL.parse(htu);
  if (id === undefined || id.length > 256 || typeof iat !== "number" || target === null) return "invalid_dpop_proof";
  const isForThis = htm === expected.method && proofTarget(target) === expected.target && ath === expected.tokenHash;
  if (!isForThis || keyThumbprint !== expected.keyThumbprint || target.username !== "" || target.password !== "") return "invalid_dpop_proof";
  if (!(Math.abs(nowMs / 1000 - iat) <= skewSeconds)) return "invalid_dpop_proof";
  if (expected.isFreshNonce !== undefined && (nonce === undefined || !expected.isFreshNonce(nonce))) return "use_dpop_nonce";
  return { id, until: (Math.floor(iat) + 1 + skewSeconds) * 1000 };
}
