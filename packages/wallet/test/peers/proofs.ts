import { randomUUID } from "node:crypto";
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { type JsonAnswer, readAnswer } from "./listen.ts";

/** What a proof says; left out, what a good one says. A value of undefined is left out of the proof. */
export interface ProofChanges {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** A client's key and the proofs of RFC 9449 that it makes. */
export class Prover {
  readonly thumbprint: string;
  readonly publicJwk: JWK;
  readonly privateJwk: JWK;
  readonly #privateKey: CryptoKey;

  private constructor(publicJwk: JWK, privateJwk: JWK, privateKey: CryptoKey, thumbprint: string) {
    this.publicJwk = publicJwk;
    this.privateJwk = privateJwk;
    this.#privateKey = privateKey;
    this.thumbprint = thumbprint;
  }

  static async make(): Promise<Prover> {
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    const publicJwk = await exportJWK(publicKey);
    return new Prover(publicJwk, await exportJWK(privateKey), privateKey, await calculateJwkThumbprint(publicJwk));
  }

  /** A proof for one POST to `url`, with the server's nonce when there is one. */
  async prove(url: string, nonce: string | undefined, changes: ProofChanges = {}): Promise<string> {
    const claims = { htm: "POST", htu: url, jti: randomUUID(), iat: Math.floor(Date.now() / 1000), nonce, ...changes.claims };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk: this.publicJwk, ...changes.header })
      .sign(this.#privateKey, { crit: { x: true } });
  }

  /** Posts a form with a proof; when the server asks for its nonce, once more with it, as RFC 9449 section 8 says. */
  async post(url: string, fields: Readonly<Record<string, string>>, changes: ProofChanges = {}): Promise<JsonAnswer & { readonly proof: string }> {
    const send = async (nonce: string | undefined) => {
      const proof = await this.prove(url, nonce, changes);
      return { proof, response: await fetch(url, { method: "POST", headers: { dpop: proof }, body: new URLSearchParams(fields) }) };
    };
    const first = await send(undefined);
    const nonce = first.response.headers.get("dpop-nonce");
    if (nonce === null) return { proof: first.proof, ...(await readAnswer(first.response)) };
    await first.response.body?.cancel();
    const second = await send(nonce);
    return { proof: second.proof, ...(await readAnswer(second.response)) };
  }
}
