import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import { expect } from "vitest";
import { newAccountRow, openAccount, readAccount, toAccount, writeTransfer } from "../src/journal.ts";
import { type Account, availableOf, type TransferRequest, type TransferStatus } from "../src/ledger.ts";
import { readMoves } from "../src/make-payment.ts";
import type { PaymentRow } from "../src/payment-tables.ts";
import type { BankTables, TransferRow } from "../src/tables.ts";
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
    const own = transfers.filter((transfer) => transfer.reference === payment.id);
    const ofKind = (start: string): TransferRow[] => own.filter((transfer) => transfer.id.startsWith(start));
    expect(payment.captured + payment.voided + payment.held).toBe(payment.authorized);
    expect(payment.refunded).toBeLessThanOrEqual(payment.captured);
    expect(sum([...ofKind("capture_"), ...ofKind("post_")])).toBe(payment.captured);
    expect(sum(ofKind("refund_"))).toBe(payment.refunded);
    expect(own.filter((transfer) => pending.includes(transfer))).toEqual(
      payment.held === 0 ? [] : [expect.objectContaining({ id: payment.hold_id, amount: payment.held, expires_at: payment.expires_at })],
    );
    await expectToldMoves(database, payment);
  }
  const ofPayments = transfers.filter((transfer) => /^(capture|hold|post|void|expire|refund)_/.test(transfer.id));
  const ids = new Set(payments.map((payment) => payment.id));
  expect(ofPayments.filter((transfer) => !ids.has(transfer.reference))).toEqual([]);
}

/** The moves of a payment add up to its sums. */
async function expectToldMoves(database: Database<BankTables>, payment: PaymentRow): Promise<void> {
  const moves = await readMoves(database, payment.id);
  const sumOf = (kind: string): number => moves.reduce((total, move) => total + (move.kind === kind ? move.amount : 0), 0);
  const isMadeAtOnce = payment.expires_at === null;
  expect(sumOf("capture") + (isMadeAtOnce ? payment.authorized : 0)).toBe(payment.captured);
  expect(sumOf("refund")).toBe(payment.refunded);
  expect(sumOf("authorization")).toBe(isMadeAtOnce ? 0 : payment.authorized);
  expect(moves.at(-1)?.sequence ?? 0).toBe(payment.changes);
}
