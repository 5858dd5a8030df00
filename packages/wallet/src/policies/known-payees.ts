import type { EpochMs } from "@countersign/protocol/brand";
import type { PaymentPayee } from "@countersign/protocol/payment";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";
import { sha256 } from "../digest.ts";

/** A payee that a user has approved a payment to in person. `keyThumbprints`: the last keys with which it signed what was approved, the newest first. */
export interface KnownPayee {
  readonly payee: PaymentPayee;
  readonly keyThumbprints: readonly string[];
  readonly lastAt: EpochMs;
}

const knownPayee = z.object({
  payee: z.object({ id: z.string(), name: z.string(), website: z.string() }),
  keyThumbprints: z.array(z.string()),
  lastAt: z.number(),
});

export const knownPayeeKind: RecordKind<KnownPayee> = { name: "known-payee", parse: (json) => knownPayee.parse(json) };

const keysMax = 3;
const listedMax = 100;

type RecordStore = Pick<Database<unknown>, "records">;

/** Notes a payee, and the key it signed with, in the transaction of a payment that the user approved in person. */
export async function rememberPayee(
  tx: RecordStore,
  approved: { readonly accountId: string; readonly payee: PaymentPayee; readonly keyThumbprint: string },
  now: EpochMs,
): Promise<void> {
  const { accountId, payee, keyThumbprint } = approved;
  const before = await findKnownPayee(tx, accountId, payee.id, now);
  const earlier = (before?.keyThumbprints ?? []).filter((each) => each !== keyThumbprint);
  const value = { payee, keyThumbprints: [keyThumbprint, ...earlier].slice(0, keysMax), lastAt: now };
  await tx.records(knownPayeeKind).put(recordId(accountId, payee.id), value, { keys: { account: accountId } });
}

/** The payee, or undefined when the user never approved a payment to it. */
export async function findKnownPayee(database: RecordStore, accountId: string, payeeId: string, now: EpochMs): Promise<KnownPayee | undefined> {
  return (await database.records(knownPayeeKind).get(recordId(accountId, payeeId), now))?.value;
}

/** The payees of an account, the last one paid first. */
export async function knownPayeesOf(database: RecordStore, accountId: string, now: EpochMs): Promise<readonly KnownPayee[]> {
  const found = await database.records(knownPayeeKind).find("account", accountId, now, { limit: listedMax });
  return found.map((record) => record.value).toSorted((left, right) => right.lastAt - left.lastAt);
}

function recordId(accountId: string, payeeId: string): string {
  return sha256(`${accountId}\n${payeeId}`);
}
