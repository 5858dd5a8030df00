import type { EpochMs } from "@countersign/protocol/brand";
import type { Database, Migration } from "@countersign/storage/database";
import { type RawBuilder, sql } from "kysely";
import { toAccount } from "./journal.ts";
import { availableOf } from "./ledger.ts";
import { type Approver, approverOf, maskAccount } from "./payment.ts";
import type { AccountRow, BankTables } from "./tables.ts";

/** What an account's owner reads; amounts in minor units. `booked` is what was moved in all, `held` what is set aside of it, or for a payee what is set aside to come. */
export interface Statement {
  readonly account: {
    readonly id: string;
    readonly description: string;
    readonly currency: string;
    readonly booked: number;
    readonly held: number;
    readonly available: number;
  };
  /** What is set aside now, at most a hundred, the latest first. */
  readonly open: readonly OpenHold[];
  /** Newest first, at most 25. */
  readonly lines: readonly StatementLine[];
  /** What `before` of the next page is; null on the last one. */
  readonly next: string | null;
}

/**
 * Whose payment it is and who said yes, null in payments from before that was kept. `agent`: the OAuth client id of the app that asked, null where there was none.
 */
export interface PaymentOrigin {
  readonly payment: string;
  readonly payee: string;
  readonly approved_by: Approver | null;
  readonly agent: string | null;
}

export interface OpenHold extends PaymentOrigin {
  readonly amount: number;
  readonly at: string;
  readonly until: string;
}

/**
 * One line. `amount` is what it changed: less than zero for what went out, zero where money that was set aside became free again; `released` says how much.
 * `balance` is what was booked in all after it.
 */
export interface StatementLine {
  readonly kind: "opening" | "payment" | "refund" | "release" | "expiry";
  readonly at: string;
  readonly amount: number;
  readonly released: number;
  readonly balance: number;
  readonly origin: PaymentOrigin | null;
}

export const statementMigration: Migration = {
  id: "0005-statements",
  async up(db) {
    await db.schema.alterTable("accounts").addColumn("subject", "text").execute();
    await db.schema.createIndex("accounts_subject").on("accounts").columns(["owner", "subject"]).where(sql.ref("subject"), "is not", null).execute();
    await db.schema.createIndex("transfers_debit").on("transfers").columns(["debit_account_id", "created_at"]).execute();
    await db.schema.createIndex("transfers_credit").on("transfers").columns(["credit_account_id", "created_at"]).execute();
    await db.schema.createIndex("payments_held").on("payments").column("payer_account_id").where(sql.ref("held"), ">", 0).execute();
  },
};

/**
 * Lines are read in the order in which they were written, which a time cannot say: a balance after each line is true in that order alone. SQLite numbers its rows
 * itself, and in PostgreSQL a number is taken after the line's account is held.
 */
export const linesInOrderMigration: Migration = {
  id: "0008-lines-in-order",
  async up(db, dialect) {
    const order = dialect === "postgres" ? ["sequence"] : [];
    if (dialect === "postgres")
      await db.schema
        .alterTable("transfers")
        .addColumn("sequence", "bigserial", (column) => column.notNull())
        .execute();
    for (const side of ["debit", "credit"]) {
      await db.schema.dropIndex(`transfers_${side}`).execute();
      await db.schema
        .createIndex(`transfers_${side}`)
        .on("transfers")
        .columns([`${side}_account_id`, ...order])
        .execute();
    }
    await db.schema.createIndex("payments_held_payee").on("payments").columns(["payee", "currency"]).where(sql.ref("held"), ">", 0).execute();
  },
};

const pageMax = 25;
const cursorGrammar = /^\d{1,15}$/;

/** The accounts of a wallet's user, in order of id. */
export async function readAccountsOf(db: Database<BankTables>, owner: string, subject: string): Promise<readonly AccountRow[]> {
  return db.sql
    .selectFrom("accounts")
    .selectAll()
    .where("kind", "=", "funds")
    .where("owner", "=", owner)
    .where("subject", "=", subject)
    .orderBy("id")
    .limit(100)
    .execute();
}

/** One page of an account's statement. `before` is the `next` of the page before; any other text gives the first page. */
export async function readStatement(db: Database<BankTables>, row: AccountRow, now: EpochMs, before?: string): Promise<Statement> {
  const found = await readLines(db, row.id, before);
  const account = toAccount({ ...row, ...countersOf(found[0] ?? row) });
  const shown = found.slice(0, pageMax);
  const last = found.length > pageMax ? shown.at(-1) : undefined;
  const booked = account.creditsPosted - account.debitsPosted;
  const isPayees = row.kind === "payable";
  const figures = { booked, held: isPayees ? account.creditsPending : account.debitsPending, available: availableOf(account) };
  const description = isPayees ? "Payments received" : `Bank account ${maskAccount(row.id)}`;
  const lines = shown.map((line) => viewLine(line, row.id));
  return {
    account: { id: row.id, description, currency: row.currency, ...figures },
    open: await readOpenHolds(db, row, now),
    lines: withBalances(lines, booked - (found[0]?.newer ?? 0)),
    next: last === undefined ? null : String(last.sequence),
  };
}

/** What was decided about a payment and by whom, from its row. */
interface OriginRow {
  readonly payment_id: string | null;
  readonly payee: string | null;
  readonly payee_name: string | null;
  readonly human_present: 0 | 1 | null;
  readonly agent: string | null;
}

type Counters = Pick<AccountRow, "debits_pending" | "debits_posted" | "credits_pending" | "credits_posted">;

function countersOf({ debits_pending, debits_posted, credits_pending, credits_posted }: Counters): Counters {
  return { debits_pending, debits_posted, credits_pending, credits_posted };
}

interface LineRow extends OriginRow, Counters {
  readonly id: string;
  readonly kind: BankTables["transfers"]["kind"];
  readonly debit_account_id: string;
  readonly amount: number;
  readonly created_at: number;
  /** Its place among all lines. */
  readonly sequence: number;
  readonly newer: number;
}

/**
 * The lines of one page and the account's counters, in one statement, so that both are of one moment. Each side of the account is read in the order of its
 * index and no further than the page. `newer`: what the lines before this page changed.
 */
async function readLines(db: Database<BankTables>, accountId: string, before: string | undefined): Promise<readonly LineRow[]> {
  const place = sql.ref(db.dialect === "postgres" ? "sequence" : "rowid");
  const shown = before !== undefined && cursorGrammar.test(before) ? sql`${place} < ${Number(before)}` : null;
  const lineOf = (side: "debit_account_id" | "credit_account_id"): RawBuilder<unknown> =>
    sql`select * from (select ${place} as sequence, id, kind, debit_account_id, amount, created_at, reference from transfers
      where ${sql.ref(side)} = ${accountId} and kind <> 'pending' and ${shown ?? sql`1 = 1`}
      order by ${place} desc limit ${pageMax + 1}) as ${sql.id(`of_${side}`)}`;
  const changed = (side: "debit_account_id" | "credit_account_id"): RawBuilder<number> =>
    shown === null
      ? sql`0`
      : sql`(select cast(coalesce(sum(amount), 0) as bigint) from transfers
          where ${sql.ref(side)} = ${accountId} and kind in ('single', 'post') and not ${shown})`;
  const query = sql<LineRow>`select line.sequence, line.id, line.kind, line.debit_account_id, line.amount, line.created_at,
      payment.id as payment_id, payment.payee, payment.payee_name, payment.human_present, payment.agent,
      account.debits_pending, account.debits_posted, account.credits_pending, account.credits_posted,
      ${changed("credit_account_id")} - ${changed("debit_account_id")} as newer
    from (${lineOf("debit_account_id")} union all ${lineOf("credit_account_id")}) as line
    join accounts as account on account.id = ${accountId}
    left join payments as payment on payment.id = line.reference
    order by line.sequence desc limit ${pageMax + 1}`;
  return (await query.execute(db.sql)).rows;
}

/** The payments of the account that wait for their capture: those that it pays, or those that a payee is to get. */
async function readOpenHolds(db: Database<BankTables>, { id, kind, owner, currency }: AccountRow, now: EpochMs): Promise<readonly OpenHold[]> {
  const query = db.sql
    .selectFrom("payments")
    .select(["id as payment_id", "payee", "payee_name", "human_present", "agent", "held", "created_at", "expires_at"])
    .where("held", ">", 0)
    .where("expires_at", ">", now)
    .orderBy("created_at", "desc")
    .limit(100);
  const isPayees = kind === "payable" && owner !== null;
  const rows = await (isPayees
    ? query.where("payee", "=", owner).where("currency", "=", currency)
    : query.where("payer_account_id", "=", id)
  ).execute();
  return rows.map((row) => ({
    ...originOf(row, row.payment_id),
    amount: row.held,
    at: new Date(row.created_at).toISOString(),
    until: new Date(row.expires_at ?? 0).toISOString(),
  }));
}

/** Lines with the balance that each left behind; `balance` is that after the first of them, which is the newest. */
function withBalances(lines: readonly Omit<StatementLine, "balance">[], balance: number): readonly StatementLine[] {
  let after = balance;
  return lines.map((line) => {
    const shown = { ...line, balance: after };
    after -= line.amount;
    return shown;
  });
}

function viewLine(line: LineRow, accountId: string): Omit<StatementLine, "balance"> {
  const kind = kindOf(line);
  const at = new Date(line.created_at).toISOString();
  const origin = line.payment_id === null ? null : originOf(line, line.payment_id);
  if (kind === "release" || kind === "expiry") return { kind, at, amount: 0, released: line.amount, origin };
  return { kind, at, amount: line.debit_account_id === accountId ? -line.amount : line.amount, released: 0, origin };
}

function kindOf({ kind, id }: LineRow): StatementLine["kind"] {
  if (kind === "void") return "release";
  if (kind === "expire") return "expiry";
  if (id.startsWith("opening_")) return "opening";
  return id.startsWith("refund_") ? "refund" : "payment";
}

function originOf(row: OriginRow, payment: string): PaymentOrigin {
  return { payment, payee: row.payee_name ?? row.payee ?? "", approved_by: approverOf(row.human_present), agent: row.agent };
}
