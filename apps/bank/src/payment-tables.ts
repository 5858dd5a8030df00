import type { Migration } from "@countersign/storage/database";
import { sql } from "kysely";

/**
 * `id` is `pay_` and the mandate's jti. `hold_id` is the pending transfer that sets `held` aside; null when nothing is. `closed_by` says what released the
 * rest. `changes` counts the moves. `mandate_request_id`: the wallet's request whose redemption is voided when nothing comes of the payment. The payee's
 * name, the agent and the presence of a human are the mandate's words; null in rows from before they were kept.
 */
export interface PaymentRow {
  id: string;
  mandate_issuer: string;
  mandate_jti: string;
  /** SHA-256 over what was asked: the same mandate redeemed for the same thing is the same payment, anything else is refused. */
  request_digest: string;
  payee: string;
  payer_account_id: string;
  currency: string;
  checkout_hash: string;
  authorized: number;
  captured: number;
  voided: number;
  refunded: number;
  created_at: number;
  held: number;
  hold_id: string | null;
  expires_at: number | null;
  closed_by: "void" | "expiry" | null;
  changes: number;
  mandate_request_id: string | null;
  payee_name: string | null;
  agent: string | null;
  human_present: 0 | 1 | null;
}

/** One move of a payment. `key` is the idempotency key it was asked for with, null for an expiry: asked again, it is found here for ever. */
export interface PaymentMoveRow {
  payment_id: string;
  sequence: number;
  kind: "authorization" | "capture" | "void" | "expiry" | "refund";
  amount: number;
  key: string | null;
  request_digest: string | null;
  created_at: number;
}

export const paymentMovesMigration: Migration = {
  id: "0003-payment-moves",
  async up(db) {
    const payments = db.schema.alterTable("payments");
    await payments
      .addColumn("held", "bigint", (column) => column.notNull().defaultTo(0).check(sql`held >= 0 and captured + voided + held = authorized`))
      .execute();
    await payments.addColumn("hold_id", "text", (column) => column.check(sql`(held > 0) = (hold_id is not null)`)).execute();
    await payments.addColumn("expires_at", "bigint").execute();
    await payments.addColumn("closed_by", "text", (column) => column.check(sql`closed_by in ('void', 'expiry')`)).execute();
    await payments.addColumn("changes", "integer", (column) => column.notNull().defaultTo(0)).execute();
    for (const name of ["mandate_request_id", "payee_name", "agent"]) await payments.addColumn(name, "text").execute();
    await payments.addColumn("human_present", "integer", (column) => column.check(sql`human_present in (0, 1)`)).execute();
    await db.schema.createIndex("payments_due").on("payments").column("expires_at").where(sql.ref("held"), ">", 0).execute();
    await db.schema
      .createTable("payment_moves")
      .addColumn("payment_id", "text", (column) => column.notNull().references("payments.id"))
      .addColumn("sequence", "integer", (column) => column.notNull())
      .addColumn("kind", "text", (column) => column.notNull())
      .addColumn("amount", "bigint", (column) => column.notNull())
      .addColumn("key", "text")
      .addColumn("request_digest", "text")
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("payment_moves_pk", ["payment_id", "sequence"])
      .addUniqueConstraint("payment_moves_key", ["payment_id", "key"])
      .addCheckConstraint("payment_moves_amount", sql`amount > 0`)
      .addCheckConstraint("payment_moves_kind", sql`kind in ('authorization', 'capture', 'void', 'expiry', 'refund')`)
      .execute();
  },
};
