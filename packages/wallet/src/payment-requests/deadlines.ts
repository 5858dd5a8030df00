import type { EpochMs } from "@countersign/protocol/brand";
import type { Database, Migration } from "@countersign/storage/database";

/** When a payment request has to be looked at because its time is over. Times are milliseconds since 1970. */
type DeadlineTables = {
  readonly payment_request_deadlines: { request_id: string; due_at: number };
};

export const deadlineMigration: Migration = {
  id: "0003-payment-request-deadlines",
  async up(db) {
    await db.schema
      .createTable("payment_request_deadlines")
      .addColumn("request_id", "text", (column) => column.primaryKey())
      .addColumn("due_at", "bigint", (column) => column.notNull())
      .execute();
    await db.schema.createIndex("payment_request_deadlines_due").on("payment_request_deadlines").column("due_at").execute();
  },
};

/** Sets, moves or, with undefined, takes away the deadline of a request. */
export async function setDeadline(tx: Database<unknown>, requestId: string, dueAt: EpochMs | undefined): Promise<void> {
  const tables = tx.sql.withTables<DeadlineTables>();
  if (dueAt === undefined) {
    await tables.deleteFrom("payment_request_deadlines").where("request_id", "=", requestId).execute();
    return;
  }
  await tables
    .insertInto("payment_request_deadlines")
    .values({ request_id: requestId, due_at: dueAt })
    .onConflict((conflict) => conflict.column("request_id").doUpdateSet({ due_at: dueAt }))
    .execute();
}

/** Requests whose time is over, the longest over first. */
export async function readDue(database: Database<unknown>, now: EpochMs, limit: number): Promise<readonly string[]> {
  const rows = await database.sql
    .withTables<DeadlineTables>()
    .selectFrom("payment_request_deadlines")
    .select("request_id")
    .where("due_at", "<=", now)
    .orderBy("due_at")
    .limit(limit)
    .execute();
  return rows.map((row) => row.request_id);
}
