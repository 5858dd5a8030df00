import { hash } from "node:crypto";
import type { EpochMs, ResourceUri } from "@countersign/protocol/brand";
import { proofTarget } from "@countersign/protocol/dpop";
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from "jose";
import { type BoundTokens, proofAlgorithms } from "../policy/choose-scheme.ts";
import { judgeProof, type ProofProblem } from "../policy/judge-proof.ts";
import { createProofNonces, type ProofNonces } from "./proof-nonces.ts";
import { createUsedProofs, type FirstUse } from "./used-proofs.ts";

/** Tokens that are bound to a key of the client's (RFC 9449). */
export interface DpopOptions {
  /** `accepted`: beside plain tokens. `required`: no other is taken. */
  readonly tokens: BoundTokens;
  /** At least 32 characters, the same for all instances: each proof then has to carry a nonce of this server's last two minutes. */
  readonly nonceKey?: string;
  /** Where proofs are remembered when several processes serve one endpoint; by default this process remembers its own. */
  readonly isFirstUse?: FirstUse;
}

/** The request that a proof has to be for; a `Request` is one. */
export interface ProvedRequest {
  readonly method: string;
  readonly headers: { get(name: string): string | null };
}

export interface ProofVerifier {
  readonly tokens: BoundTokens;
  readonly nonces: ProofNonces | undefined;
  /** Verifies the proof of a request for a token that is bound to this key. `unverifiable`: nobody can tell whether it was used before. */
  verify(request: ProvedRequest, token: string, keyThumbprint: string): Promise<"good" | "unverifiable" | ProofProblem>;
}

const proofLengthMax = 4096;

/**
 * Verifies proofs as a resource server does (RFC 9449 sections 4.3 and 7): one header, a signature of the public key inside it, claims for this very request, and
 * each proof once. The endpoint that a proof names is compared with the configured one.
 */
export function createProofVerifier(
  options: DpopOptions,
  { resource, clock }: { readonly resource: ResourceUri; readonly clock: () => EpochMs },
): ProofVerifier {
  const nonces = options.nonceKey === undefined ? undefined : createProofNonces(options.nonceKey, clock);
  const isFirstUse = options.isFirstUse ?? createUsedProofs(clock);
  const target = proofTarget(new URL(resource));
  return {
    tokens: options.tokens,
    nonces,
    async verify(request, token, keyThumbprint) {
      const proof = request.headers.get("dpop");
      const read = proof === null || proof.length > proofLengthMax ? undefined : await readProof(proof, clock());
      if (read === undefined) return "invalid_dpop_proof";
      const tokenHash = hash("sha256", token, "base64url");
      const isFreshNonce = nonces && ((nonce: string) => nonces.isFresh(nonce));
      const judged = judgeProof(read.claims, read.keyThumbprint, { method: request.method, target, tokenHash, keyThumbprint, isFreshNonce }, clock());
      if (typeof judged === "string") return judged;
      try {
        return (await isFirstUse(hash("sha256", `${keyThumbprint}\n${judged.id}`, "base64url"), judged.until)) ? "good" : "invalid_dpop_proof";
      } catch {
        return "unverifiable";
      }
    },
  };
}

/** Two headers arrive as one value with a comma, which is no JWT. */
async function readProof(proof: string, now: EpochMs): Promise<{ readonly claims: unknown; readonly keyThumbprint: string } | undefined> {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      algorithms: [...proofAlgorithms],
      typ: "dpop+jwt",
      currentDate: new Date(now),
    });
    if (protectedHeader.jwk === undefined) return undefined;
    return { claims: payload, keyThumbprint: await calculateJwkThumbprint(protectedHeader.jwk) };
  } catch {
    return undefined;
  }
}
