import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import { type Account, createTransfer, type Entry, type LedgerView, type Transfer, type TransferRequest, type TransferStatus } from "./ledger.ts";
import { RaceLost } from "./race-lost.ts";
import type { AccountRow, BankTables, TransferRow } from "./tables.ts";

/** A transfer that is in the journal; its entries are still to be made by {@link moveMoney} in the same transaction. */
export interface JournaledTransfer {
  readonly status: "created";
  readonly entries: readonly Entry[];
}

export type JournalOutcome = JournaledTransfer | { readonly status: Exclude<TransferStatus, "created"> };

/**
 * Decides one transfer against the books as they are and writes it with its entries. Must be called inside a transaction, where it holds the accounts
 * until the end; every status but `created` has written nothing. `openable` as in {@link journalTransfer}.
 */
export async function writeTransfer(
  tx: Database<BankTables>,
  request: TransferRequest,
  now: EpochMs,
  openable: readonly AccountRow[] = [],
): Promise<TransferStatus> {
  const outcome = await journalTransfer(tx, request, now, openable);
  if (outcome.status === "created") await moveMoney(tx, outcome.entries);
  return outcome.status;
}

/**
 * Decides one transfer against the books as they are and writes its line into the journal; the caller makes the entries in the same transaction, as the last
 * thing it does there. Every status but `created` has written nothing.
 *
 * `openable` names accounts that come into being with their first entry. Many transactions meet in them, so they are read without being held, and an entry that
 * they cannot take any more is a race lost; every other account is held until the transaction ends.
 */
export async function journalTransfer(
  tx: Database<BankTables>,
  request: TransferRequest,
  now: EpochMs,
  openable: readonly AccountRow[],
): Promise<JournalOutcome> {
  const { view, unopened } = await readBooks(tx, request, openable);
  const decision = createTransfer(request, view, now);
  if (decision.status !== "created") return decision;
  for (const row of unopened) await openAccount(tx, row);
  const written = await tx.sql
    .insertInto("transfers")
    .values(toTransferRow(decision.transfer))
    .onConflict((conflict) => conflict.doNothing())
    .returning("id")
    .executeTakeFirst();
  if (written === undefined) throw new RaceLost(`transfer ${request.id}`);
  const isOpenable = (entry: Entry): boolean => openable.some((row) => row.id === entry.accountId);
  // Held accounts first, so that nobody who holds an openable one waits for another account.
  return { status: "created", entries: decision.entries.toSorted((a, b) => Number(isOpenable(a)) - Number(isOpenable(b))) };
}

/** Makes the entries of a journaled transfer. Throws {@link RaceLost} when an account cannot take its entry any more. */
export async function moveMoney(tx: Database<BankTables>, entries: readonly Entry[]): Promise<void> {
  for (const entry of entries) await addEntry(tx, entry);
}

/** Adds an account that is not there yet; true when this call added it. */
export async function openAccount(tx: Database<BankTables>, row: AccountRow): Promise<boolean> {
  const added = await tx.sql
    .insertInto("accounts")
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning("id")
    .executeTakeFirst();
  return added !== undefined;
}

/** One account, or undefined. */
export function readAccount(db: Database<BankTables>, id: string): Promise<AccountRow | undefined> {
  return db.sql.selectFrom("accounts").selectAll().where("id", "=", id).executeTakeFirst();
}

/** An account's row as the ledger sees it. */
export function toAccount(row: AccountRow): Account {
  return {
    id: row.id,
    currency: row.currency,
    mayOverdraw: row.may_overdraw === 1,
    debitsPending: row.debits_pending,
    debitsPosted: row.debits_posted,
    creditsPending: row.credits_pending,
    creditsPosted: row.credits_posted,
  };
}

/** The row of an account with nothing in it. */
export function newAccountRow(
  row: Pick<AccountRow, "id" | "kind" | "owner" | "holder" | "currency"> & { readonly subject?: string | null },
  now: EpochMs,
): AccountRow {
  const counters = { debits_pending: 0, debits_posted: 0, credits_pending: 0, credits_posted: 0 };
  return { subject: null, ...row, ...counters, may_overdraw: row.kind === "opening" ? 1 : 0, created_at: now };
}

interface BooksView {
  readonly view: LedgerView;
  /** Openable accounts of this transfer that are not there yet. */
  readonly unopened: readonly AccountRow[];
}

async function readBooks(tx: Database<BankTables>, request: TransferRequest, openable: readonly AccountRow[]): Promise<BooksView> {
  const pending = "pendingId" in request ? await readTransfer(tx, "id", request.pendingId) : undefined;
  const ends = "pendingId" in request ? pending : request;
  const ids = ends === undefined ? [] : [ends.debitAccountId, ends.creditAccountId];
  const opened = openable.filter((row) => ids.includes(row.id));
  const held = ids.filter((id) => opened.every((row) => row.id !== id));
  const rows = [
    ...(await readAccounts(tx, held, "hold")),
    ...(await readAccounts(
      tx,
      ids.filter((id) => !held.includes(id)),
      "read",
    )),
  ];
  const find = (id: string | undefined): Account | undefined => {
    const row = rows.find((each) => each.id === id) ?? opened.find((each) => each.id === id);
    return row && toAccount(row);
  };
  const view = {
    // Read after the accounts are held, so that a concurrent twin has either finished or not begun.
    existing: await readTransfer(tx, "id", request.id),
    pending,
    resolution: pending && (await readTransfer(tx, "pending_id", pending.id)),
    debitAccount: find(ends?.debitAccountId),
    creditAccount: find(ends?.creditAccountId),
  };
  return { view, unopened: opened.filter((row) => rows.every((each) => each.id !== row.id)) };
}

/**
 * Held in order of id, so that two transactions never wait for each other, and without standing in the way of rows that only refer to the account. SQLite lets
 * one transaction write at a time and needs no lock.
 */
async function readAccounts(tx: Database<BankTables>, ids: readonly string[], purpose: "hold" | "read"): Promise<AccountRow[]> {
  if (ids.length === 0) return [];
  const query = tx.sql.selectFrom("accounts").selectAll().where("id", "in", ids).orderBy("id");
  return await (tx.dialect === "postgres" && purpose === "hold" ? query.forNoKeyUpdate() : query).execute();
}

async function readTransfer(tx: Database<BankTables>, column: "id" | "pending_id", value: string): Promise<Transfer | undefined> {
  const row = await tx.sql.selectFrom("transfers").selectAll().where(column, "=", value).executeTakeFirst();
  return row && fromTransferRow(row);
}

async function addEntry(tx: Database<BankTables>, entry: Entry): Promise<void> {
  const spent = entry.debitsPosted + entry.debitsPending;
  const received = entry.creditsPosted + entry.creditsPending;
  const changed = await tx.sql
    .updateTable("accounts")
    .set((row) => ({
      debits_pending: row("debits_pending", "+", entry.debitsPending),
      debits_posted: row("debits_posted", "+", entry.debitsPosted),
      credits_pending: row("credits_pending", "+", entry.creditsPending),
      credits_posted: row("credits_posted", "+", entry.creditsPosted),
    }))
    .where("id", "=", entry.accountId)
    .where((row) => row(row(row("debits_posted", "+", row.ref("debits_pending")), "+", spent), "<=", Number.MAX_SAFE_INTEGER))
    .where((row) => row(row(row("credits_posted", "+", row.ref("credits_pending")), "+", received), "<=", Number.MAX_SAFE_INTEGER))
    .where((row) =>
      row.or([row("may_overdraw", "=", 1), row("credits_posted", ">=", row(row("debits_posted", "+", row.ref("debits_pending")), "+", spent))]),
    )
    .returning("id")
    .executeTakeFirst();
  if (changed === undefined) throw new RaceLost(`account ${entry.accountId}`);
}

function toTransferRow(transfer: Transfer): TransferRow {
  return {
    id: transfer.id,
    kind: transfer.kind,
    debit_account_id: transfer.debitAccountId,
    credit_account_id: transfer.creditAccountId,
    amount: transfer.amount,
    currency: transfer.currency,
    pending_id: transfer.pendingId,
    expires_at: transfer.expiresAt,
    reference: transfer.reference,
    created_at: transfer.createdAt,
  };
}

function fromTransferRow(row: TransferRow): Transfer {
  return {
    id: row.id,
    kind: row.kind,
    debitAccountId: row.debit_account_id,
    creditAccountId: row.credit_account_id,
    amount: row.amount,
    currency: row.currency,
    pendingId: row.pending_id,
    expiresAt: row.expires_at,
    reference: row.reference,
    createdAt: row.created_at,
  };
}
