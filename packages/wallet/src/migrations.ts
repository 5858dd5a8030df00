import type { Migration } from "@countersign/storage/database";
import { sql } from "kysely";
import { limitsMigration } from "./limits/limit-tables.ts";
import { deadlineMigration } from "./payment-requests/deadlines.ts";
import { sharedDeliveriesMigration, webhookMigration } from "./webhooks/deliveries.ts";

/** The wallet's own tables, in order; ids are never reused. What is one object by key is a record instead. */
export const walletMigrations: readonly Migration[] = [
  {
    id: "0001-rates",
    async up(db) {
      await sql`create table rates (id text primary key, full_at bigint not null)`.execute(db);
      await sql`create index rates_by_time on rates (full_at)`.execute(db);
    },
  },
  limitsMigration,
  deadlineMigration,
  webhookMigration,
  sharedDeliveriesMigration,
];
