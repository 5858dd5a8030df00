import type { EpochMs } from "@countersign/protocol/brand";
import type { Database, Migration } from "@countersign/storage/database";
import { sql } from "kysely";
import { toAccount } from "./journal.ts";
import { availableOf } from "./ledger.ts";
import { maskAccount } from "./payment.ts";
import type { AccountRow, BankTables } from "./tables.ts";

/** What an account's owner reads; amounts in minor units. `booked` is what was moved in all, `held` what is set aside of it. */
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
 * Who said yes to a payment, in the mandate's words: the owner with a passkey, or a policy of theirs while no human was present. Null in payments from before
 * that was kept. `agent`: the OAuth client id of the app that asked, null where there was none.
 */
export interface PaymentOrigin {
  readonly payment: string;
  readonly payee: string;
  readonly approved_by: "owner" | "policy" | null;
  readonly agent: string | null;
}

export interface OpenHold extends PaymentOrigin {
  readonly amount: number;
  readonly at: string;
  readonly until: string;
}

/** One line. `amount` is what it changed: less than zero for what went out, zero where money that was set aside became free again; `released` says how much. */
export interface StatementLine {
  readonly kind: "opening" | "payment" | "refund" | "release" | "expiry";
  readonly at: string;
  readonly amount: number;
  readonly released: number;
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

const pageMax = 25;
const cursorGrammar = /^(\d{1,16})\.([A-Za-z0-9_-]{1,200})$/;

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
  const account = toAccount(row);
  const found = await readLines(db, row.id, before);
  const shown = found.slice(0, pageMax);
  const last = found.length > pageMax ? shown.at(-1) : undefined;
  const booked = account.creditsPosted - account.debitsPosted;
  const figures = { booked, held: account.debitsPending, available: availableOf(account) };
  return {
    account: { id: row.id, description: `Bank account ${maskAccount(row.id)}`, currency: row.currency, ...figures },
    open: await readOpenHolds(db, row.id, now),
    lines: shown.map((line) => viewLine(line, row.id)),
    next: last === undefined ? null : `${last.created_at}.${last.id}`,
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

interface LineRow extends OriginRow {
  readonly id: string;
  readonly kind: BankTables["transfers"]["kind"];
  readonly debit_account_id: string;
  readonly amount: number;
  readonly created_at: number;
}

async function readLines(db: Database<BankTables>, accountId: string, before: string | undefined): Promise<readonly LineRow[]> {
  const cursor = before === undefined ? null : cursorGrammar.exec(before);
  const query = db.sql
    .selectFrom("transfers as line")
    .leftJoin("payments as payment", "payment.id", "line.reference")
    .select(["line.id", "line.kind", "line.debit_account_id", "line.amount", "line.created_at"])
    .select(["payment.id as payment_id", "payment.payee", "payment.payee_name", "payment.human_present", "payment.agent"])
    .where((where) => where.or([where("line.debit_account_id", "=", accountId), where("line.credit_account_id", "=", accountId)]))
    .where("line.kind", "!=", "pending")
    .orderBy("line.created_at", "desc")
    .orderBy("line.id", "desc")
    .limit(pageMax + 1);
  if (cursor === null) return query.execute();
  const [, at, id] = cursor;
  return query
    .where((where) =>
      where.or([where("line.created_at", "<", Number(at)), where.and([where("line.created_at", "=", Number(at)), where("line.id", "<", id ?? "")])]),
    )
    .execute();
}

async function readOpenHolds(db: Database<BankTables>, accountId: string, now: EpochMs): Promise<readonly OpenHold[]> {
  const rows = await db.sql
    .selectFrom("payments")
    .select(["id as payment_id", "payee", "payee_name", "human_present", "agent", "held", "created_at", "expires_at"])
    .where("payer_account_id", "=", accountId)
    .where("held", ">", 0)
    .where("expires_at", ">", now)
    .orderBy("created_at", "desc")
    .limit(100)
    .execute();
  return rows.map((row) => ({
    ...originOf(row, row.payment_id),
    amount: row.held,
    at: new Date(row.created_at).toISOString(),
    until: new Date(row.expires_at ?? 0).toISOString(),
  }));
}

function viewLine(line: LineRow, accountId: string): StatementLine {
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

const approvers = { 0: "policy", 1: "owner" } as const;

function originOf(row: OriginRow, payment: string): PaymentOrigin {
  const approvedBy = row.human_present === null ? null : approvers[row.human_present];
  return { payment, payee: row.payee_name ?? row.payee ?? "", approved_by: approvedBy, agent: row.agent };
}
