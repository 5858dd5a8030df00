import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import { z } from "zod";

/** The ES256 key with which the bank proves who it is to wallets. */
export interface SigningKey {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

const kind: RecordKind<{ readonly sealed: string }> = { name: "signing-key", parse: (json) => z.object({ sealed: z.string() }).parse(json) };
const privateJwk = z.object({ kty: z.literal("EC"), crv: z.literal("P-256"), x: z.string(), y: z.string(), d: z.string() });
const binding = "bank:signing-key:self";

/**
 * Made on first use, sealed in the database, the same on every later start and on every instance. Throws when it cannot be opened, because the sealing key is
 * another one.
 */
export async function openSigningKey(database: Pick<Database<unknown>, "records">, sealer: Sealer): Promise<SigningKey> {
  const records = database.records(kind);
  const stored = await records.get("self", 0);
  if (stored === undefined) {
    const { privateKey } = await generateKeyPair("ES256", { extractable: true });
    await records.create("self", { sealed: sealer.seal(JSON.stringify(await exportJWK(privateKey)), binding) });
    return openSigningKey(database, sealer);
  }
  const opened = sealer.open(stored.value.sealed, binding);
  if (!opened.ok) throw new TypeError("the bank's signing key cannot be opened with this sealing key");
  const jwk = privateJwk.parse(JSON.parse(opened.value));
  const privateKey = await importJWK(jwk, "ES256");
  if (privateKey instanceof Uint8Array) throw new TypeError("the signing key is symmetric");
  const { d: _, ...half } = jwk;
  const kid = await calculateJwkThumbprint(half);
  return { kid, privateKey, publicJwk: { ...half, kid, alg: "ES256", use: "sig" } };
}
