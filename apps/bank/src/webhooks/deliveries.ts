import type { Migration } from "@countersign/storage/database";

export const eventDeliveriesMigration: Migration = {
  id: "0004-event-deliveries",
  async up(db) {
    await db.schema
      .createTable("event_deliveries")
      .addColumn("event_id", "text", (column) => column.primaryKey())
      .addColumn("payee", "text", (column) => column.notNull())
      .addColumn("payment_id", "text", (column) => column.notNull())
      .addColumn("sequence", "integer", (column) => column.notNull())
      .addColumn("status", "text", (column) => column.notNull())
      .addColumn("event_at", "bigint", (column) => column.notNull())
      .addColumn("attempts", "integer", (column) => column.notNull())
      .addColumn("next_at", "bigint", (column) => column.notNull())
      .addUniqueConstraint("event_deliveries_order", ["payment_id", "sequence"])
      .execute();
    await db.schema.createIndex("event_deliveries_due").on("event_deliveries").columns(["payee", "next_at"]).execute();
  },
};

/** The table as every party's outbox has it: `@countersign/storage/deliveries`. */
export const sharedDeliveriesMigration: Migration = {
  id: "0006-shared-deliveries",
  async up(db) {
    await db.schema.alterTable("event_deliveries").renameColumn("payee", "target_id").execute();
    await db.schema.alterTable("event_deliveries").renameColumn("payment_id", "subject_id").execute();
  },
};
