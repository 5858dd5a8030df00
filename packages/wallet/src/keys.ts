import { randomBytes } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import { Secret } from "@countersign/protocol/secret";
import type { Database } from "@countersign/storage/database";
import type { Sealer } from "@countersign/storage/sealed";
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, importJWK } from "jose";
import { z } from "zod";
import { openJson, sealedKind, sealJson } from "./sealed-json.ts";

/** The ES256 key behind access tokens, mandates and the wallet's own client assertions; `typ` keeps the three apart. */
export interface SigningKey {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly privateJwk: PrivateJwk;
}

export interface PrivateJwk {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  readonly d: string;
  readonly alg: "ES256";
  readonly use: "sig";
  readonly kid: string;
}

export interface WalletKeys {
  readonly signing: SigningKey;
  /** Signs the cookies of oidc-provider. */
  readonly cookies: Secret;
  /** Makes the tokens of forms. */
  readonly forms: Secret;
}

const kind = sealedKind("wallet-key");
const privateJwk = z.object({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: z.string(),
  y: z.string(),
  d: z.string(),
  alg: z.literal("ES256"),
  use: z.literal("sig"),
  kid: z.string(),
});

/** Reads the wallet's keys; makes and seals those that are not there yet. Instances that start together end up with the same ones. */
export async function loadKeys(database: Pick<Database<unknown>, "records">, sealer: Sealer, now: EpochMs): Promise<WalletKeys> {
  const records = database.records(kind);
  const load = async (id: string, make: () => Promise<unknown>): Promise<unknown> => {
    const binding = `${kind.name}:${id}`;
    const there = await records.get(id, now);
    if (there !== undefined) return openJson(sealer, binding, there.value);
    await records.create(id, sealJson(sealer, binding, await make()));
    const kept = await records.get(id, now);
    if (kept === undefined) throw new Error("a key that was just stored is not there");
    return openJson(sealer, binding, kept.value);
  };
  const secret = async (id: string): Promise<Secret> =>
    new Secret(z.string().parse(await load(id, async () => randomBytes(32).toString("base64url"))));
  const jwk = privateJwk.parse(await load("signing", makeSigningJwk));
  return { signing: await readSigningKey(jwk), cookies: await secret("cookies"), forms: await secret("forms") };
}

async function makeSigningJwk(): Promise<PrivateJwk> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = await exportJWK(privateKey);
  return privateJwk.parse({ ...jwk, alg: "ES256", use: "sig", kid: await calculateJwkThumbprint(jwk) });
}

async function readSigningKey(jwk: PrivateJwk): Promise<SigningKey> {
  const privateKey = await importJWK({ ...jwk }, "ES256");
  if (privateKey instanceof Uint8Array) throw new TypeError("the signing key is symmetric");
  return { kid: jwk.kid, privateKey, privateJwk: jwk };
}
