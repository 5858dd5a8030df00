import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";

/** A payee's ES256 key as the app keeps it: a private JWK, or a CryptoKey that never leaves its store, with the public half beside it. */
export type PayeeKey =
  | { readonly kid: string; readonly privateKey: JWK }
  | { readonly kid: string; readonly privateKey: CryptoKey; readonly publicKey: JWK };

/** The key ready for use. */
export interface SigningKey {
  readonly kid: string;
  /** As published, without any private member. */
  readonly publicJwk: JWK;
  privateKey(): Promise<CryptoKey>;
  /** RFC 7638, SHA-256, base64url. */
  thumbprint(): Promise<string>;
}

/** Makes a P-256 key whose id is its RFC 7638 thumbprint. Keep the result sealed: it signs payments. */
export async function generateSigningKey(): Promise<{ readonly kid: string; readonly privateKey: JWK }> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { kid: await calculateJwkThumbprint(jwk), privateKey: jwk };
}

/** Prepares a payee's key. Throws on a key that is not P-256. */
export function prepareSigningKey(key: PayeeKey): SigningKey {
  const { kty, crv, x, y } = "publicKey" in key ? key.publicKey : key.privateKey;
  if (kty !== "EC" || crv !== "P-256" || x === undefined || y === undefined) throw new TypeError("a payee signs with a P-256 key");
  const publicJwk: JWK = { kty, crv, x, y, kid: key.kid, alg: "ES256", use: "sig" };
  let imported: Promise<CryptoKey> | undefined;
  let thumbprint: Promise<string> | undefined;
  return {
    kid: key.kid,
    publicJwk,
    privateKey() {
      imported ??= "publicKey" in key ? Promise.resolve(key.privateKey) : importPrivate(key.privateKey);
      return imported;
    },
    thumbprint() {
      thumbprint ??= calculateJwkThumbprint(publicJwk);
      return thumbprint;
    },
  };
}

async function importPrivate(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, "ES256");
  if (key instanceof Uint8Array || key.type !== "private") throw new TypeError("a payee signs with a private key");
  return key;
}
