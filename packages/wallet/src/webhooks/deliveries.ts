import type { EpochMs } from "@countersign/protocol/brand";
import type { PaymentRequestStatus } from "@countersign/protocol/payment";
import type { Database, Migration } from "@countersign/storage/database";

/** A change of a payment request that its payee has not yet been told of. `sequence` orders the changes of one request. Times are milliseconds since 1970. */
export interface Delivery {
  readonly event_id: string;
  readonly payee_id: string;
  readonly request_id: string;
  readonly sequence: number;
  readonly status: PaymentRequestStatus;
  readonly event_at: EpochMs;
  readonly attempts: number;
  readonly next_at: EpochMs;
}

/** A type and not an interface, as Kysely's `withTables` wants it. */
type WebhookTables = { readonly webhook_deliveries: Delivery };

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

/** The channel on which it is hinted that there is something to deliver. */
export const deliveryChannel = "webhook-deliveries";

/** Adds an event to the outbox, in the transaction of the change itself. */
export async function addDelivery(tx: Database<unknown>, delivery: Omit<Delivery, "attempts" | "next_at">): Promise<void> {
  await tx.sql
    .withTables<WebhookTables>()
    .insertInto("webhook_deliveries")
    .values({ ...delivery, attempts: 0, next_at: delivery.event_at })
    .execute();
  await tx.signals.notify(deliveryChannel, "");
}

/** The payees to whom something is due. */
export async function readDuePayees(database: Database<unknown>, now: EpochMs): Promise<readonly string[]> {
  const rows = await database.sql
    .withTables<WebhookTables>()
    .selectFrom("webhook_deliveries")
    .select("payee_id")
    .distinct()
    .where("next_at", "<=", now)
    .execute();
  return rows.map((row) => row.payee_id);
}

/** What is due to one payee, the longest due first: of each request only the earliest event, so that changes are heard of in their order. */
export async function readDueDeliveries(database: Database<unknown>, payeeId: string, now: EpochMs, limit: number): Promise<readonly Delivery[]> {
  return database.sql
    .withTables<WebhookTables>()
    .selectFrom("webhook_deliveries as due")
    .selectAll()
    .where("due.payee_id", "=", payeeId)
    .where("due.next_at", "<=", now)
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom("webhook_deliveries as earlier")
            .select("earlier.event_id")
            .whereRef("earlier.request_id", "=", "due.request_id")
            .whereRef("earlier.sequence", "<", "due.sequence"),
        ),
      ),
    )
    .orderBy("due.next_at")
    .limit(limit)
    .execute();
}

/** Takes a delivery for one attempt: one of several instances gets it. It is due again at `nextAt`, unless it is over by then. */
export async function claimDelivery(database: Database<unknown>, delivery: Delivery, nextAt: EpochMs): Promise<boolean> {
  const claimed = await database.sql
    .withTables<WebhookTables>()
    .updateTable("webhook_deliveries")
    .set({ attempts: delivery.attempts + 1, next_at: nextAt })
    .where("event_id", "=", delivery.event_id)
    .where("attempts", "=", delivery.attempts)
    .where("next_at", "=", delivery.next_at)
    .returning("event_id")
    .executeTakeFirst();
  return claimed !== undefined;
}

/** Makes a delivery due at another time. */
export async function postponeDelivery(database: Database<unknown>, eventId: string, nextAt: EpochMs): Promise<void> {
  await database.sql.withTables<WebhookTables>().updateTable("webhook_deliveries").set({ next_at: nextAt }).where("event_id", "=", eventId).execute();
}

/** Ends a delivery: it arrived, or nobody is to be told any more. */
export async function endDelivery(database: Database<unknown>, eventId: string): Promise<void> {
  await database.sql.withTables<WebhookTables>().deleteFrom("webhook_deliveries").where("event_id", "=", eventId).execute();
}
