import { randomBytes } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { Secret } from "@countersign/protocol/secret";
import type { Database } from "@countersign/storage/database";
import type { RecordKind, StoredRecord } from "@countersign/storage/records";
import { z } from "zod";
import { writeAudit } from "../audit/log.ts";
import { sha256 } from "../digest.ts";
import { credentialsOf } from "../passkeys/credentials.ts";

/** The recovery code of an account: only its hash. `codeHash` is null once the code was used, or ended because a backup was put back (`endedAt`). */
export interface RecoveryCode {
  readonly codeHash: string | null;
  readonly madeAt: EpochMs;
  readonly endedAt?: EpochMs | undefined;
}

const shape = z.object({ codeHash: z.string().nullable(), madeAt: z.number(), endedAt: z.number().optional() });

/** One record for each account, under the account's id. */
export const recoveryCodeKind: RecordKind<RecoveryCode> = { name: "recovery-code", parse: (json) => shape.parse(json) };

/** Crockford's base 32: no I, L, O or U, so that a code survives handwriting. */
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const codeLength = 28;
const groupLength = 4;

type RecordStore = Pick<Database<unknown>, "records">;

/** A new code: 28 letters in groups of four, 140 random bits. */
export function newRecoveryCode(): Secret {
  const letters = Array.from(randomBytes(codeLength), (byte) => alphabet[byte % alphabet.length]).join("");
  return new Secret((letters.match(new RegExp(`.{${groupLength}}`, "g")) ?? []).join("-"));
}

/** Reads a code as people type it: any case, spaces or hyphens, O for 0 and I or L for 1. Undefined when it cannot be one. */
export function readRecoveryCode(typed: unknown): Secret | undefined {
  if (typeof typed !== "string" || typed.length > 100) return undefined;
  const letters = typed.toUpperCase().replace(/[\s-]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
  return letters.length === codeLength && Array.from(letters).every((each) => alphabet.includes(each)) ? new Secret(letters) : undefined;
}

/** The hash that stands for a code. The code is long and random, so a plain hash tells nothing (unlike that of a password). */
export function recoveryCodeHash(code: Secret): string {
  return sha256(`recovery-code\n${code.reveal().replaceAll("-", "")}`);
}

/** Puts a code in the place of the account's earlier one, inside a transaction. */
export async function keepRecoveryCode(tx: RecordStore, accountId: string, codeHash: string, now: EpochMs): Promise<void> {
  await tx.records(recoveryCodeKind).put(accountId, { codeHash, madeAt: now }, { keys: { code: codeHash } });
}

/** The live code of an account, if it has one. */
export async function recoveryCodeOf(database: RecordStore, accountId: string, now: EpochMs): Promise<RecoveryCode | undefined> {
  const found = await database.records(recoveryCodeKind).get(accountId, now);
  return found === undefined || found.value.codeHash === null ? undefined : found.value;
}

/** The account whose live code has this hash; its record's id is the account's. */
export async function findByRecoveryCode(database: RecordStore, codeHash: string, now: EpochMs): Promise<StoredRecord<RecoveryCode> | undefined> {
  const [found] = await database.records(recoveryCodeKind).find("code", codeHash, now, { limit: 1 });
  return found?.value.codeHash === codeHash ? found : undefined;
}

/** Uses the account's code up: one conditional write, one winner. Refuses with `recovery_code_refused` when it is not this code, or used. */
export async function spendRecoveryCode(tx: RecordStore, accountId: string, codeHash: string, now: EpochMs): Promise<Result<void, Refusal>> {
  const records = tx.records(recoveryCodeKind);
  const found = await records.get(accountId, now);
  if (found === undefined || found.value.codeHash !== codeHash) return err(refuse("recovery_code_refused"));
  const spent = await records.update(accountId, found.version, { ...found.value, codeHash: null }, { keys: {} });
  return spent.ok ? ok(undefined) : err(refuse("recovery_code_refused"));
}

/**
 * Ends every code, because one of them may have been used or replaced after the backup that was put back. An account without a passkey keeps its code: there
 * it is the only way in. Owners find it in their log and on every page of the account until they make a new one.
 */
export async function endRecoveryCodes(database: Database<unknown>, now: EpochMs): Promise<void> {
  let after: string | undefined;
  for (;;) {
    const found = await database.records(recoveryCodeKind).scan(after, 500);
    for (const { id: accountId, version, value } of found) {
      if (value.codeHash === null || (await credentialsOf(database, accountId, now)).length === 0) continue;
      await database.transaction(async (tx) => {
        const ended = await tx.records(recoveryCodeKind).update(accountId, version, { ...value, codeHash: null, endedAt: now }, { keys: {} });
        if (ended.ok) await writeAudit(tx, { accountId, at: now }, { type: "recovery_code_ended" });
      });
    }
    after = found.at(-1)?.id;
    if (after === undefined) return;
  }
}

/** Whether the account's code was ended by {@link endRecoveryCodes} and none was made since. */
export async function lostRecoveryCode(database: RecordStore, accountId: string, now: EpochMs): Promise<boolean> {
  return (await database.records(recoveryCodeKind).get(accountId, now))?.value.endedAt !== undefined;
}
