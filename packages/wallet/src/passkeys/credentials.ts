import type { EpochMs } from "@countersign/protocol/brand";
import { passkeysMax } from "@countersign/protocol/passkey";
import type { Database } from "@countersign/storage/database";
import type { RecordKind, StoredRecord } from "@countersign/storage/records";
import type { WebAuthnCredential } from "@simplewebauthn/server";
import { z } from "zod";
import { sha256 } from "../digest.ts";

/**
 * A passkey of one account. `publicKey` is the COSE key in base64url; `counter` the last signature count, 0 for most synced passkeys. `name` is what its owner
 * calls it; `addedBy` how it joined the account; `paysFrom` and `copiedAt` bound what it may do (protocol `judgePasskeyUse`).
 */
export interface Credential {
  readonly credentialId: string;
  readonly accountId: string;
  readonly publicKey: string;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly deviceType: string;
  readonly backedUp: boolean;
  readonly createdAt: EpochMs;
  readonly usedAt: EpochMs;
  readonly name?: string | undefined;
  readonly addedBy?: "passkey" | "recovery" | undefined;
  readonly paysFrom?: EpochMs | undefined;
  readonly copiedAt?: EpochMs | undefined;
}

const credential = z.object({
  credentialId: z.string(),
  accountId: z.string(),
  publicKey: z.string(),
  counter: z.number(),
  transports: z.array(z.string()),
  deviceType: z.string(),
  backedUp: z.boolean(),
  createdAt: z.number(),
  usedAt: z.number(),
  name: z.string().optional(),
  addedBy: z.enum(["passkey", "recovery"]).optional(),
  paysFrom: z.number().optional(),
  copiedAt: z.number().optional(),
});

export const credentialKind: RecordKind<Credential> = { name: "passkey", parse: (json) => credential.parse(json) };

type RecordStore = Pick<Database<unknown>, "records">;

/** Credential ids can be 1023 bytes long, so records are named by their hash. */
export function credentialRecordId(credentialId: string): string {
  return sha256(credentialId);
}

/** The passkey with this id, or undefined. */
export async function findCredential(database: RecordStore, credentialId: string, now: EpochMs): Promise<StoredRecord<Credential> | undefined> {
  return database.records(credentialKind).get(credentialRecordId(credentialId), now);
}

/** The passkeys of an account, at most 20. */
export async function credentialsOf(database: RecordStore, accountId: string, now: EpochMs): Promise<readonly Credential[]> {
  const found = await database.records(credentialKind).find("account", accountId, now, { limit: passkeysMax });
  return found.map((record) => record.value);
}

/** Shapes a passkey for the verification library. */
export function toWebAuthnCredential(value: Credential): WebAuthnCredential {
  return {
    id: value.credentialId,
    publicKey: Uint8Array.from(Buffer.from(value.publicKey, "base64url")),
    counter: value.counter,
    transports: [...value.transports],
  };
}
