import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import { expect } from "vitest";
import { newAccountRow, openAccount, readAccount, toAccount, writeTransfer } from "../src/journal.ts";
import { type Account, availableOf, type TransferRequest, type TransferStatus } from "../src/ledger.ts";
import type { BankTables } from "../src/tables.ts";
import type { Books } from "./transfer-table.ts";

/** The books in a database, through the code that the bank itself uses. */
export class SqlBooks implements Books {
  readonly #database: Database<BankTables>;

  constructor(database: Database<BankTables>) {
    this.#database = database;
  }

  async open(id: string, currency: string, mayOverdraw: boolean): Promise<void> {
    await openAccount(this.#database, newAccountRow({ id, kind: mayOverdraw ? "opening" : "funds", owner: null, holder: id, currency }, 0));
  }

  transfer(request: TransferRequest, now: EpochMs): Promise<TransferStatus> {
    return this.#database.transaction((tx) => writeTransfer(tx, request, now));
  }

  async account(id: string): Promise<Account | undefined> {
    const row = await readAccount(this.#database, id);
    return row && toAccount(row);
  }
}

/** I1: the journal explains every counter, debits equal credits per currency, nobody is overdrawn, each payment has its transfer and its sums hold. */
export async function expectSoundBooks(database: Database<BankTables>): Promise<void> {
  const accounts = (await database.sql.selectFrom("accounts").selectAll().execute()).map(toAccount);
  const transfers = await database.sql.selectFrom("transfers").selectAll().execute();
  const payments = await database.sql.selectFrom("payments").selectAll().execute();
  const resolved = new Set(transfers.map((transfer) => transfer.pending_id));
  const posted = transfers.filter((transfer) => transfer.kind === "single" || transfer.kind === "post");
  const pending = transfers.filter((transfer) => transfer.kind === "pending" && !resolved.has(transfer.id));
  const sum = (rows: readonly { amount: number }[]): number => rows.reduce((total, row) => total + row.amount, 0);
  for (const account of accounts) {
    expect(account).toMatchObject({
      debitsPosted: sum(posted.filter((each) => each.debit_account_id === account.id)),
      creditsPosted: sum(posted.filter((each) => each.credit_account_id === account.id)),
      debitsPending: sum(pending.filter((each) => each.debit_account_id === account.id)),
      creditsPending: sum(pending.filter((each) => each.credit_account_id === account.id)),
    });
    if (!account.mayOverdraw) expect(availableOf(account)).toBeGreaterThanOrEqual(0);
  }
  for (const currency of new Set(accounts.map((account) => account.currency))) {
    const own = accounts.filter((account) => account.currency === currency);
    expect(own.reduce((total, account) => total + account.creditsPosted - account.debitsPosted, 0)).toBe(0);
  }
  for (const payment of payments) {
    expect(payment.captured + payment.voided).toBeLessThanOrEqual(payment.authorized);
    expect(payment.refunded).toBeLessThanOrEqual(payment.captured);
    expect(transfers.filter((transfer) => transfer.reference === payment.id).map((transfer) => transfer.amount)).toEqual([payment.captured]);
  }
  const captures = transfers.filter((transfer) => transfer.id.startsWith("capture_"));
  expect(captures.map((transfer) => transfer.reference).sort()).toEqual(payments.map((payment) => payment.id).sort());
}
