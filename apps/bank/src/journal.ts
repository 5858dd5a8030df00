import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import { type Account, createTransfer, type Entry, type LedgerView, type Transfer, type TransferRequest, type TransferStatus } from "./ledger.ts";
import { RaceLost } from "./race-lost.ts";
import type { AccountRow, BankTables, TransferRow } from "./tables.ts";

/**
 * Decides one transfer against the books as they are and writes it with its entries. Must be called inside a transaction, where it holds both accounts
 * until the end; every status but `created` has written nothing.
 *
 * `openable` names accounts that come into being with their first entry.
 */
export async function writeTransfer(
  tx: Database<BankTables>,
  request: TransferRequest,
  now: EpochMs,
  openable: readonly AccountRow[] = [],
): Promise<TransferStatus> {
  const view = await readView(tx, request, openable);
  const decision = createTransfer(request, view, now);
  if (decision.status !== "created") return decision.status;
  const touched = openable.filter((row) => row.id === decision.transfer.debitAccountId || row.id === decision.transfer.creditAccountId);
  for (const row of touched) await openAccount(tx, row);
  const written = await tx.sql
    .insertInto("transfers")
    .values(toTransferRow(decision.transfer))
    .onConflict((conflict) => conflict.doNothing())
    .returning("id")
    .executeTakeFirst();
  if (written === undefined) throw new RaceLost(`transfer ${request.id}`);
  for (const entry of decision.entries) await addEntry(tx, entry);
  return "created";
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
export function newAccountRow(row: Pick<AccountRow, "id" | "kind" | "owner" | "holder" | "currency">, now: EpochMs): AccountRow {
  const counters = { debits_pending: 0, debits_posted: 0, credits_pending: 0, credits_posted: 0 };
  return { ...row, ...counters, may_overdraw: row.kind === "opening" ? 1 : 0, created_at: now };
}

async function readView(tx: Database<BankTables>, request: TransferRequest, openable: readonly AccountRow[]): Promise<LedgerView> {
  const pending = "pendingId" in request ? await readTransfer(tx, "id", request.pendingId) : undefined;
  const ends = "pendingId" in request ? pending : request;
  const locked = ends === undefined ? [] : await lockAccounts(tx, [ends.debitAccountId, ends.creditAccountId]);
  const find = (id: string | undefined): Account | undefined => {
    const row = locked.find((each) => each.id === id) ?? openable.find((each) => each.id === id);
    return row && toAccount(row);
  };
  return {
    // Read after the accounts are held, so that a concurrent twin has either finished or not begun.
    existing: await readTransfer(tx, "id", request.id),
    pending,
    resolution: pending && (await readTransfer(tx, "pending_id", pending.id)),
    debitAccount: find(ends?.debitAccountId),
    creditAccount: find(ends?.creditAccountId),
  };
}

/** In order of id, so that two transactions never wait for each other. SQLite lets one transaction write at a time and needs no lock. */
function lockAccounts(tx: Database<BankTables>, ids: readonly string[]): Promise<AccountRow[]> {
  const query = tx.sql.selectFrom("accounts").selectAll().where("id", "in", ids).orderBy("id");
  return (tx.dialect === "postgres" ? query.forUpdate() : query).execute();
}

async function readTransfer(tx: Database<BankTables>, column: "id" | "pending_id", value: string): Promise<Transfer | undefined> {
  const row = await tx.sql.selectFrom("transfers").selectAll().where(column, "=", value).executeTakeFirst();
  return row && fromTransferRow(row);
}

async function addEntry(tx: Database<BankTables>, entry: Entry): Promise<void> {
  const spent = entry.debitsPosted + entry.debitsPending;
  const changed = await tx.sql
    .updateTable("accounts")
    .set((row) => ({
      debits_pending: row("debits_pending", "+", entry.debitsPending),
      debits_posted: row("debits_posted", "+", entry.debitsPosted),
      credits_pending: row("credits_pending", "+", entry.creditsPending),
      credits_posted: row("credits_posted", "+", entry.creditsPosted),
    }))
    .where("id", "=", entry.accountId)
    .where((row) =>
      row.or([
        row("may_overdraw", "=", 1),
        row(row("credits_posted", "-", row(row("debits_posted", "+", row.ref("debits_pending")), "+", spent)), ">=", 0),
      ]),
    )
    .returning("id")
    .executeTakeFirst();
  if (changed === undefined) throw new Error(`the books changed under a held account: ${entry.accountId}`);
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
