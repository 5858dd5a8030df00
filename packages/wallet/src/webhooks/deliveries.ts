import type { Migration } from "@countersign/storage/database";

export const webhookMigration: Migration = {
  id: "0004-webhook-deliveries",
  async up(db) {
    await db.schema
      .createTable("webhook_deliveries")
      .addColumn("event_id", "text", (column) => column.primaryKey())
      .addColumn("payee_id", "text", (column) => column.notNull())
      .addColumn("request_id", "text", (column) => column.notNull())
      .addColumn("sequence", "integer", (column) => column.notNull())
      .addColumn("status", "text", (column) => column.notNull())
      .addColumn("event_at", "bigint", (column) => column.notNull())
      .addColumn("attempts", "integer", (column) => column.notNull())
      .addColumn("next_at", "bigint", (column) => column.notNull())
      .addUniqueConstraint("webhook_deliveries_order", ["request_id", "sequence"])
      .execute();
    await db.schema.createIndex("webhook_deliveries_due").on("webhook_deliveries").column("next_at").execute();
  },
};

/** The table as every party's outbox has it: `@countersign/storage/deliveries`. */
export const sharedDeliveriesMigration: Migration = {
  id: "0005-shared-deliveries",
  async up(db) {
    await db.schema.dropIndex("webhook_deliveries_due").execute();
    await db.schema.alterTable("webhook_deliveries").renameTo("event_deliveries").execute();
    await db.schema.alterTable("event_deliveries").renameColumn("payee_id", "target_id").execute();
    await db.schema.alterTable("event_deliveries").renameColumn("request_id", "subject_id").execute();
    await db.schema.createIndex("event_deliveries_due").on("event_deliveries").columns(["target_id", "next_at"]).execute();
  },
};
