import { createHash, randomUUID } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import type { TestClock } from "./clock.ts";

/** A client's key, and the proofs of RFC 9449 that it makes. */
export interface Prover {
  readonly thumbprint: string;
  readonly publicJwk: JWK;
  readonly privateJwk: JWK;
  /** A good proof for a POST to the endpoint with this token, but for what is changed; `undefined` removes a member. */
  prove(token: string, claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
}

export async function createProver(clock: TestClock, alg: "ES256" | "EdDSA" = "ES256"): Promise<Prover> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const publicJwk = await exportJWK(publicKey);
  return {
    thumbprint: await calculateJwkThumbprint(publicJwk),
    publicJwk,
    privateJwk: await exportJWK(privateKey),
    prove(token, claims = {}, header = {}) {
      const ath = createHash("sha256").update(token).digest("base64url");
      const usual = { jti: randomUUID(), iat: Math.floor(clock.now() / 1000), htm: "POST", htu: "https://store.test/mcp", ath };
      const present = Object.fromEntries(Object.entries({ ...usual, ...claims }).filter(([, each]) => each !== undefined));
      return new SignJWT(present).setProtectedHeader({ alg, typ: "dpop+jwt", jwk: publicJwk, ...header }).sign(privateKey, { crit: { x: true } });
    },
  };
}
