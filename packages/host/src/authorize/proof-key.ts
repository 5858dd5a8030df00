import { createHash } from "node:crypto";
import { dpopAlgorithm, proofTarget, type TokenBinding } from "@countersign/protocol/dpop";
import { Secret } from "@countersign/protocol/secret";
import { exportJWK, generateKeyPair, importJWK, SignJWT, type CryptoKey, type JWK } from "jose";
import * as oauth from "oauth4webapi";
import { z } from "zod";
import { newToken } from "../digest.ts";

const publicShape = z.object({ kty: z.literal("EC"), crv: z.literal("P-256"), x: z.string(), y: z.string() });
const jwkShape = publicShape.extend({ d: z.string() });

interface OpenKey {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly publicJwk: JWK;
}

/**
 * A private key that tokens of one sign-in are bound to (RFC 9449). It is kept sealed beside them and never leaves this side; what leaves are proofs, each for
 * one request.
 */
export class ProofKey {
  /** The private JWK as JSON text, for sealing. */
  readonly jwk: Secret;
  #open: Promise<OpenKey> | undefined;

  constructor(jwk: Secret) {
    this.jwk = jwk;
  }

  static async make(): Promise<ProofKey> {
    const { privateKey } = await generateKeyPair(dpopAlgorithm, { extractable: true });
    return new ProofKey(new Secret(JSON.stringify(jwkShape.parse(await exportJWK(privateKey)))));
  }

  /** The key for the token endpoint's proofs, which the library makes. One handle remembers the server's nonce, so it is for one token request and its repetition. */
  async handle(): Promise<oauth.DPoPHandle> {
    const { privateKey, publicKey } = await this.#opened();
    return oauth.DPoP({}, { privateKey, publicKey });
  }

  /** A proof for one request with one token (RFC 9449 section 4.2, `ath` of section 7). */
  async prove(request: { readonly method: string; readonly url: URL; readonly token: Secret; readonly nonce: string | undefined }): Promise<string> {
    const { privateKey, publicJwk } = await this.#opened();
    const claims = {
      jti: newToken(),
      htm: request.method,
      htu: proofTarget(request.url),
      ath: createHash("sha256").update(request.token.reveal(), "ascii").digest("base64url"),
      ...(request.nonce === undefined ? {} : { nonce: request.nonce }),
    };
    return new SignJWT(claims).setProtectedHeader({ alg: dpopAlgorithm, typ: "dpop+jwt", jwk: publicJwk }).setIssuedAt().sign(privateKey);
  }

  #opened(): Promise<OpenKey> {
    this.#open ??= openKey(this.jwk);
    return this.#open;
  }
}

/** What a token request proves, and whether an answer without binding is good too. */
export interface TokenProof {
  readonly key: ProofKey;
  readonly binding: Exclude<TokenBinding, "none">;
}

/** A fresh key for a sign-in that binds its tokens. */
export async function makeProof(binding: TokenBinding): Promise<TokenProof | undefined> {
  return binding === "none" ? undefined : { key: await ProofKey.make(), binding };
}

/** An access token that is good only with a proof of its key: whoever sends it goes through `connections/token-headers`. */
export class BoundToken extends Secret {
  readonly key: ProofKey;

  constructor(token: string, key: ProofKey) {
    super(token);
    this.key = key;
  }
}

async function openKey(secret: Secret): Promise<OpenKey> {
  const jwk = jwkShape.parse(JSON.parse(secret.reveal()));
  const publicJwk = publicShape.parse(jwk);
  const [privateKey, publicKey] = await Promise.all([importJWK(jwk, dpopAlgorithm), importJWK(publicJwk, dpopAlgorithm, { extractable: true })]);
  if (privateKey instanceof Uint8Array || publicKey instanceof Uint8Array) throw new TypeError("a proof key is symmetric");
  return { privateKey, publicKey, publicJwk };
}
