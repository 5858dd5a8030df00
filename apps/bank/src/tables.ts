import type { Migration } from "@countersign/storage/database";
import { type Kysely, sql } from "kysely";
import type { Transfer } from "./ledger.ts";
import { type PaymentMoveRow, type PaymentRow, paymentMovesMigration } from "./payment-tables.ts";
import { linesInOrderMigration, statementMigration } from "./statement.ts";
import { eventDeliveriesMigration, sharedDeliveriesMigration } from "./webhooks/deliveries.ts";

/**
 * The bank's tables. Amounts are integer minor units, times are milliseconds since 1970. The rules that must hold whatever the code does are constraints:
 * nobody is overdrawn, `captured + voided <= authorized`, `refunded <= captured`, a mandate pays once, a pending transfer is resolved once.
 */
export interface BankTables {
  accounts: AccountRow;
  transfers: TransferRow;
  payments: PaymentRow;
  payment_moves: PaymentMoveRow;
  idempotency_keys: IdempotencyRow;
  client_assertions: AssertionRow;
  redemptions: RedemptionRow;
}

/** `funds`: a wallet's user. `payable`: what the bank owes a payee. `opening`: where money enters the books. `owner` is a client id, null for the bank itself. `subject` is the owner's own id of the user. */
export interface AccountRow {
  id: string;
  kind: "funds" | "payable" | "opening";
  owner: string | null;
  holder: string;
  currency: string;
  may_overdraw: 0 | 1;
  debits_pending: number;
  debits_posted: number;
  credits_pending: number;
  credits_posted: number;
  created_at: number;
  subject: string | null;
}

export interface TransferRow {
  id: string;
  kind: Transfer["kind"];
  debit_account_id: string;
  credit_account_id: string;
  amount: number;
  currency: string;
  pending_id: string | null;
  expires_at: number | null;
  reference: string;
  created_at: number;
}

/** The answer to a write, kept under the key its client chose. Written in the transaction of the effect. */
export interface IdempotencyRow {
  client_id: string;
  key: string;
  request_digest: string;
  status: number;
  body: string;
  created_at: number;
}

/** Client assertions that were used, until they would be refused for their age. */
export interface AssertionRow {
  client_id: string;
  jti: string;
  expires_at: number;
}

/**
 * A mandate that may have been redeemed at its wallet and was not captured, or not all of it. `ends_at`: nobody uses it from then on. `next_at`: when it is looked
 * at again. `captured`: how much was, in minor units.
 */
export interface RedemptionRow {
  payment_id: string;
  issuer: string;
  request_id: string;
  state: "started" | "declined";
  ends_at: number;
  next_at: number;
  captured: number;
}

export const migrations: readonly Migration[] = [
  {
    id: "0001-books",
    async up(db: Kysely<unknown>): Promise<void> {
      await createAccounts(db);
      await createTransfers(db);
      await createPayments(db);
      await createRequests(db);
    },
  },
  {
    id: "0002-redemptions",
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable("redemptions")
        .addColumn("payment_id", "text", (column) => column.primaryKey())
        .addColumn("issuer", "text", (column) => column.notNull())
        .addColumn("request_id", "text", (column) => column.notNull())
        .addColumn("state", "text", (column) => column.notNull())
        .addColumn("ends_at", "bigint", (column) => column.notNull())
        .addColumn("next_at", "bigint", (column) => column.notNull())
        .addCheckConstraint("redemptions_state", sql`state in ('started', 'declined')`)
        .execute();
      await db.schema.createIndex("redemptions_due").on("redemptions").columns(["state", "next_at"]).execute();
    },
  },
  paymentMovesMigration,
  eventDeliveriesMigration,
  statementMigration,
  sharedDeliveriesMigration,
  {
    id: "0007-settlements",
    async up(db: Kysely<unknown>): Promise<void> {
      const redemptions = db.schema.alterTable("redemptions");
      await redemptions.addColumn("captured", "bigint", (column) => column.notNull().defaultTo(0).check(sql`captured >= 0`)).execute();
    },
  },
  linesInOrderMigration,
];

async function createAccounts(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("accounts")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("owner", "text")
    .addColumn("holder", "text", (column) => column.notNull())
    .addColumn("currency", "text", (column) => column.notNull())
    .addColumn("may_overdraw", "integer", (column) => column.notNull())
    .addColumn("debits_pending", "bigint", (column) => column.notNull().defaultTo(0))
    .addColumn("debits_posted", "bigint", (column) => column.notNull().defaultTo(0))
    .addColumn("credits_pending", "bigint", (column) => column.notNull().defaultTo(0))
    .addColumn("credits_posted", "bigint", (column) => column.notNull().defaultTo(0))
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addCheckConstraint("accounts_counters", sql`debits_pending >= 0 and debits_posted >= 0 and credits_pending >= 0 and credits_posted >= 0`)
    .addCheckConstraint("accounts_available", sql`may_overdraw = 1 or credits_posted - debits_posted - debits_pending >= 0`)
    .execute();
}

async function createTransfers(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("transfers")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("debit_account_id", "text", (column) => column.notNull().references("accounts.id"))
    .addColumn("credit_account_id", "text", (column) => column.notNull().references("accounts.id"))
    .addColumn("amount", "bigint", (column) => column.notNull())
    .addColumn("currency", "text", (column) => column.notNull())
    .addColumn("pending_id", "text", (column) => column.unique().references("transfers.id"))
    .addColumn("expires_at", "bigint")
    .addColumn("reference", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addCheckConstraint("transfers_amount", sql`amount > 0`)
    .addCheckConstraint("transfers_accounts", sql`debit_account_id <> credit_account_id`)
    .execute();
}

async function createPayments(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("payments")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("mandate_issuer", "text", (column) => column.notNull())
    .addColumn("mandate_jti", "text", (column) => column.notNull().unique())
    .addColumn("request_digest", "text", (column) => column.notNull())
    .addColumn("payee", "text", (column) => column.notNull())
    .addColumn("payer_account_id", "text", (column) => column.notNull().references("accounts.id"))
    .addColumn("currency", "text", (column) => column.notNull())
    .addColumn("checkout_hash", "text", (column) => column.notNull())
    .addColumn("authorized", "bigint", (column) => column.notNull())
    .addColumn("captured", "bigint", (column) => column.notNull())
    .addColumn("voided", "bigint", (column) => column.notNull())
    .addColumn("refunded", "bigint", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addCheckConstraint("payments_sums", sql`authorized > 0 and captured >= 0 and voided >= 0 and refunded >= 0`)
    .addCheckConstraint("payments_captured", sql`captured + voided <= authorized`)
    .addCheckConstraint("payments_refunded", sql`refunded <= captured`)
    .execute();
}

async function createRequests(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("idempotency_keys")
    .addColumn("client_id", "text", (column) => column.notNull())
    .addColumn("key", "text", (column) => column.notNull())
    .addColumn("request_digest", "text", (column) => column.notNull())
    .addColumn("status", "integer", (column) => column.notNull())
    .addColumn("body", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("idempotency_keys_pk", ["client_id", "key"])
    .execute();
  await db.schema.createIndex("idempotency_keys_age").on("idempotency_keys").column("created_at").execute();
  await db.schema
    .createTable("client_assertions")
    .addColumn("client_id", "text", (column) => column.notNull())
    .addColumn("jti", "text", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("client_assertions_pk", ["client_id", "jti"])
    .execute();
  await db.schema.createIndex("client_assertions_age").on("client_assertions").column("expires_at").execute();
}
