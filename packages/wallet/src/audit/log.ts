import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import type { EpochMs } from "@countersign/protocol/brand";
import { askerOf, clientAddressHeader } from "@countersign/service/client-address";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import { type AuditEntry, type AuditEvent, parseEntry } from "./events.ts";

/** How long an entry is kept. */
export const auditRetentionMs: number = 400 * 24 * 3_600_000;

export const auditKind: RecordKind<AuditEntry> = { name: "audit", parse: parseEntry };

type RecordStore = Pick<Database<unknown>, "records">;

/** Who an event happened to, when, and the request that brought it, if one did. */
export interface AuditSubject {
  readonly accountId: string;
  readonly at: EpochMs;
  readonly request?: Request | undefined;
}

/**
 * Adds an entry to the log of an account. `tx` is the transaction that writes the fact itself, where there is one, so that neither is there without the
 * other. Nothing changes or takes back an entry; it goes when it is {@link auditRetentionMs} old.
 */
export async function writeAudit(tx: RecordStore, subject: AuditSubject, event: AuditEvent): Promise<void> {
  const { accountId, at, request } = subject;
  const from = request === undefined ? undefined : networkOf(request.headers.get(clientAddressHeader) ?? "");
  const entry = parseEntry({ accountId, at, event, ...(from === undefined ? {} : { from }) });
  const created = await tx.records(auditKind).create(newEntryId(at), entry, { keys: { account: accountId }, expiresAt: at + auditRetentionMs });
  if (!created.ok) throw new Error("an audit entry's id came up twice");
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** What `after` of the next page is; undefined on the last one. */
  readonly next: string | undefined;
}

const pageMax = 50;

/** The entries of an account, newest first, up to 50 a page. `after` is the `next` of the page before; any other text gives a page of this account too. */
export async function listAudit(database: RecordStore, accountId: string, now: EpochMs, after?: string): Promise<AuditPage> {
  const start = after !== undefined && /^[0-9a-z-]{1,64}$/.test(after) ? { after } : {};
  const found = await database.records(auditKind).find("account", accountId, now, { limit: pageMax + 1, ...start });
  const shown = found.slice(0, pageMax);
  return { entries: shown.map((record) => record.value), next: found.length > pageMax ? shown.at(-1)?.id : undefined };
}

/** Ids sort by themselves, the newest first, so that a page is one read of an index. */
function newEntryId(at: EpochMs): string {
  const countdown = (Number.MAX_SAFE_INTEGER - at).toString().padStart(16, "0");
  return `${countdown}-${randomBytes(8).toString("hex")}`;
}

/** A client's network as its user may recognize it and nobody else is told more than needed: the first 24 bits of IPv4, the first 64 of IPv6. */
export function networkOf(address: string): string | undefined {
  if (isIP(address) === 4) return `${address.split(".").slice(0, 3).join(".")}.0/24`;
  return isIP(address) === 6 ? askerOf(address) : undefined;
}
