import { createHmac } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import { Secret } from "@countersign/protocol/secret";

/** The nonces that an app wants in proofs (RFC 9449 section 9). They show that a proof is fresh by this server's own clock. */
export interface ProofNonces {
  current(): string;
  isFresh(nonce: string): boolean;
}

const windowMs = 60_000;
const keyLengthMin = 32;

/**
 * Makes nonces from a key and the time: one a minute, good for two. Nothing is stored, and every instance that has the key knows them. Throws on a key of fewer than
 * 32 characters.
 */
export function createProofNonces(key: string, clock: () => EpochMs): ProofNonces {
  if (key.length < keyLengthMin) throw new TypeError(`a key for nonces has at least ${keyLengthMin} characters`);
  const secret = new Secret(key);
  const nonceOf = (window: number): string => createHmac("sha256", secret.reveal()).update(`dpop-nonce ${window}`).digest("base64url");
  const windowNow = (): number => Math.floor(clock() / windowMs);
  return {
    current: () => nonceOf(windowNow()),
    isFresh: (nonce) => nonce === nonceOf(windowNow()) || nonce === nonceOf(windowNow() - 1),
  };
}
