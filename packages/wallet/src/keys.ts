import { randomBytes } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import { Secret } from "@countersign/protocol/secret";
import type { Database } from "@countersign/storage/database";
import type { Sealer } from "@countersign/storage/sealed";
import { z } from "zod";
import { onlyKeySchema, type PublishedKey, type SigningKey, SigningKeys, wrongSealingKey } from "./keep/signing-keys.ts";
import { openJson, sealedKind, sealJson } from "./sealed-json.ts";

export type { PublishedKey, SigningKey } from "./keep/signing-keys.ts";

/** The wallet's keys. `signing` and `published` change while it runs: read them at each use. */
export interface WalletKeys {
  /** The key that signs now. */
  readonly signing: SigningKey;
  /** The public keys that verify what this wallet signed, the one that signs now first. */
  readonly published: readonly PublishedKey[];
  /** A published key by its id, with its private half. */
  find(kid: string): SigningKey | undefined;
  /** Signs the cookies of oidc-provider. */
  readonly cookies: Secret;
  /** Makes the tokens of forms. */
  readonly forms: Secret;
  /** Reads the signing keys again, and makes the next one when it is due. Throws `StartupProblem` when the sealing key does not open them. */
  refresh(): Promise<void>;
  /** Makes the nonces that proofs of possession have to carry (RFC 9449 section 8): 32 bytes as base64url. */
  readonly proofNonces: Secret;
}

/** The wallet's other keys, by name. */
export const walletKeyKind: ReturnType<typeof sealedKind> = sealedKind("wallet-key");

const onlyKeyId = "signing";

/** Reads the wallet's keys; makes and seals those that are not there yet. Instances that start together end up with the same ones. Throws `StartupProblem`. */
export async function loadKeys(database: Database<unknown>, sealer: Sealer, now: () => EpochMs): Promise<WalletKeys> {
  const records = database.records(walletKeyKind);
  const read = async (id: string): Promise<unknown> => {
    const there = await records.get(id, now());
    if (there === undefined) return undefined;
    const binding = walletKeyBinding(id);
    if (!sealer.open(there.value.sealed, binding).ok) throw wrongSealingKey();
    return openJson(sealer, binding, there.value);
  };
  const secret = async (id: string): Promise<Secret> => {
    const kept = await read(id);
    if (kept !== undefined) return new Secret(z.string().parse(kept));
    await records.create(id, sealJson(sealer, walletKeyBinding(id), randomBytes(32).toString("base64url")));
    return new Secret(z.string().parse(await read(id)));
  };
  const signingKeys = await openSigningKeys(database, sealer, now);
  const others = { cookies: await secret("cookies"), forms: await secret("forms"), proofNonces: await secret("proof-nonces") };
  return {
    ...others,
    get signing() {
      return signingKeys.signing;
    },
    get published() {
      return signingKeys.published;
    },
    find: (kid) => signingKeys.find(kid),
    refresh: () => signingKeys.refresh(),
  };
}

/** The signing keys of a wallet, read and complete. Throws `StartupProblem`. */
export async function openSigningKeys(database: Database<unknown>, sealer: Sealer, now: () => EpochMs): Promise<SigningKeys> {
  const signingKeys = new SigningKeys({
    database,
    sealer,
    now,
    async onlyKey() {
      const there = await database.records(walletKeyKind).get(onlyKeyId, now());
      if (there === undefined) return undefined;
      if (!sealer.open(there.value.sealed, walletKeyBinding(onlyKeyId)).ok) throw wrongSealingKey();
      return onlyKeySchema.parse(openJson(sealer, walletKeyBinding(onlyKeyId), there.value));
    },
  });
  await signingKeys.refresh();
  return signingKeys;
}

/** Seals one of the wallet's other keys to its name. */
export function walletKeyBinding(id: string): string {
  return `${walletKeyKind.name}:${id}`;
}
