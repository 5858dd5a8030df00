import { createHash } from "node:crypto";
import { calculateJwkThumbprint, decodeProtectedHeader, EmbeddedJWK, jwtVerify } from "jose";
import { z } from "zod";

/** What a proof said, once it was found good. */
export interface ProofSeen {
  readonly thumbprint: string;
  readonly nonce: string | undefined;
}

export interface ProofExpected {
  readonly method: string;
  readonly url: string;
  /** The access token that it must be for; undefined at the token endpoint. */
  readonly token?: string | undefined;
  /** The nonce that it must carry; undefined: none is asked for. */
  readonly nonce?: string | undefined;
}

const claimsShape = z.object({
  jti: z.string().min(20),
  htm: z.string(),
  htu: z.string(),
  iat: z.number(),
  ath: z.string().optional(),
  nonce: z.string().optional(),
});

/** Checks proofs as RFC 9449 section 4.3 says, each `jti` once. */
export class DpopCheck {
  readonly #seen = new Set<string>();
  /** Every proof that was found good. */
  readonly proofs: ProofSeen[] = [];

  /** The proof of a request; a text that says what is wrong with it; undefined when there is none. */
  async check(headers: Headers, expected: ProofExpected): Promise<ProofSeen | "use_dpop_nonce" | "invalid_dpop_proof" | undefined> {
    const proof = headers.get("dpop");
    if (proof === null) return undefined;
    const header = decodeProtectedHeader(proof);
    if (header.typ !== "dpop+jwt" || header.jwk === undefined || Object.hasOwn(header.jwk, "d")) return "invalid_dpop_proof";
    const verified = await jwtVerify(proof, EmbeddedJWK, { algorithms: ["ES256"] }).catch(() => undefined);
    const claims = claimsShape.safeParse(verified?.payload).data;
    if (claims === undefined || claims.htm !== expected.method || claims.htu !== expected.url || Math.abs(Date.now() / 1000 - claims.iat) > 60) {
      return "invalid_dpop_proof";
    }
    if (claims.ath !== (expected.token === undefined ? undefined : createHash("sha256").update(expected.token).digest("base64url")))
      return "invalid_dpop_proof";
    if (this.#seen.has(claims.jti)) return "invalid_dpop_proof";
    if (expected.nonce !== undefined && claims.nonce !== expected.nonce) return "use_dpop_nonce";
    this.#seen.add(claims.jti);
    const seen = { thumbprint: await calculateJwkThumbprint(header.jwk), nonce: claims.nonce };
    this.proofs.push(seen);
    return seen;
  }
}
