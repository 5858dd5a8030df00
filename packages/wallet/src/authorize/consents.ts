import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";
import { sha256 } from "../digest.ts";

/** What a user once allowed a client: ordinary scopes by resource. Payments are never remembered. */
export interface Consent {
  readonly accountId: string;
  readonly clientId: string;
  readonly scopes: Readonly<Record<string, readonly string[]>>;
  readonly openid: readonly string[];
  /** What the client was called when it was allowed. */
  readonly clientName?: string | undefined;
  readonly since?: EpochMs | undefined;
}

const consent = z.object({
  accountId: z.string(),
  clientId: z.string(),
  scopes: z.record(z.string(), z.array(z.string())),
  openid: z.array(z.string()),
  clientName: z.string().optional(),
  since: z.number().optional(),
});

export const consentKind: RecordKind<Consent> = { name: "consent", parse: (json) => consent.parse(json) };

type RecordStore = Pick<Database<unknown>, "records">;

/** What the user allowed the client, or undefined. */
export async function findConsent(database: RecordStore, accountId: string, clientId: string, now: EpochMs): Promise<Consent | undefined> {
  return (await database.records(consentKind).get(consentId(accountId, clientId), now))?.value;
}

/** Adds to what the user allowed the client, inside a transaction. */
export async function rememberConsent(tx: RecordStore, added: Consent, now: EpochMs): Promise<void> {
  const id = consentId(added.accountId, added.clientId);
  const before = (await tx.records(consentKind).get(id, now))?.value;
  const scopes: Record<string, readonly string[]> = { ...before?.scopes };
  for (const [resource, allowed] of Object.entries(added.scopes)) {
    scopes[resource] = [...new Set([...(scopes[resource] ?? []), ...allowed])];
  }
  const openid = [...new Set([...(before?.openid ?? []), ...added.openid])];
  await tx.records(consentKind).put(id, { ...added, scopes, openid, since: before?.since ?? now }, { keys: { account: added.accountId } });
}

/** The id of the record of what an account allowed a client. */
export function consentId(accountId: string, clientId: string): string {
  return sha256(`${accountId}\n${clientId}`);
}
