import type { EpochMs } from "@countersign/protocol/brand";
import type { PaymentStatus } from "@countersign/protocol/payment";
import type { OutboxRows } from "@countersign/service/outbox/outbox";
import type { Database, Migration } from "@countersign/storage/database";
import type { BankTables } from "../tables.ts";

/** A change of a payment that its payee has not yet been told of. `sequence` orders the changes of one payment. Times are milliseconds since 1970. */
export interface EventDeliveryRow {
  event_id: string;
  payee: string;
  payment_id: string;
  sequence: number;
  status: PaymentStatus;
  event_at: EpochMs;
  attempts: number;
  next_at: EpochMs;
}

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

/** The channel on which it is hinted that there is something to deliver. */
const deliveryChannel = "event-deliveries";

/** Adds an event to the outbox, in the transaction of the change itself. */
export async function addDelivery(tx: Database<BankTables>, delivery: Omit<EventDeliveryRow, "attempts" | "next_at">): Promise<void> {
  await tx.sql
    .insertInto("event_deliveries")
    .values({ ...delivery, attempts: 0, next_at: delivery.event_at })
    .execute();
  await tx.signals.notify(deliveryChannel, "");
}

/** The deliveries of a database. */
export function deliveryRows(database: Database<BankTables>): OutboxRows<EventDeliveryRow> {
  return {
    async readDueTargets(now) {
      const rows = await database.sql.selectFrom("event_deliveries").select("payee").distinct().where("next_at", "<=", now).execute();
      return rows.map((row) => row.payee);
    },
    readDue: (payee, now, limit) =>
      database.sql
        .selectFrom("event_deliveries as due")
        .selectAll()
        .where("due.payee", "=", payee)
        .where("due.next_at", "<=", now)
        .where((where) =>
          where.not(
            where.exists(
              where
                .selectFrom("event_deliveries as earlier")
                .select("earlier.event_id")
                .whereRef("earlier.payment_id", "=", "due.payment_id")
                .whereRef("earlier.sequence", "<", "due.sequence"),
            ),
          ),
        )
        .orderBy("due.next_at")
        .limit(limit)
        .execute(),
    async claim(delivery, nextAt) {
      const claimed = await database.sql
        .updateTable("event_deliveries")
        .set({ attempts: delivery.attempts + 1, next_at: nextAt })
        .where("event_id", "=", delivery.event_id)
        .where("attempts", "=", delivery.attempts)
        .where("next_at", "=", delivery.next_at)
        .returning("event_id")
        .executeTakeFirst();
      return claimed !== undefined;
    },
    async postpone(eventId, nextAt) {
      await database.sql.updateTable("event_deliveries").set({ next_at: nextAt }).where("event_id", "=", eventId).execute();
    },
    async end(eventId) {
      await database.sql.deleteFrom("event_deliveries").where("event_id", "=", eventId).execute();
    },
    subscribe: (wake) => database.signals.subscribe(deliveryChannel, wake),
  };
}
