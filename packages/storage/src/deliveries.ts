import type { EpochMs } from "@countersign/protocol/brand";
import { type Kysely, type QueryExecutorProvider, type RawBuilder, sql } from "kysely";
import type { Signals } from "./signals.ts";

/**
 * An event that its target has not yet taken: that `subject_id` came to `status`. `sequence` orders the events about one subject, `attempts` and `next_at`
 * change with each claim. Times are milliseconds since 1970.
 */
export interface Delivery {
  readonly event_id: string;
  readonly target_id: string;
  readonly subject_id: string;
  readonly sequence: number;
  readonly status: string;
  readonly event_at: EpochMs;
  readonly attempts: number;
  readonly next_at: EpochMs;
}

/** The rows of an outbox, as whoever delivers them works with them. */
export interface Deliveries {
  /** The targets to whom something is due. */
  readDueTargets(now: EpochMs): Promise<readonly string[]>;
  /** What is due to one target, the longest due first: of each subject only the earliest event, so that changes are heard of in their order. */
  readDue(targetId: string, now: EpochMs, limit: number): Promise<readonly Delivery[]>;
  /** Takes a delivery for one attempt, in one conditional write: one of several instances gets it. It is due again at `nextAt`, unless it is over by then. */
  claim(delivery: Delivery, nextAt: EpochMs): Promise<boolean>;
  /** Makes a delivery due at another time. */
  postpone(eventId: string, nextAt: EpochMs): Promise<void>;
  /** Ends a delivery: it arrived, or nobody is to be told any more. */
  end(eventId: string): Promise<void>;
  /** Calls `wake` when something may have been added; the answer ends that. */
  subscribe(wake: () => void): Promise<() => void>;
}

/** A party's database, whatever its tables are. */
interface Outbox {
  readonly sql: QueryExecutorProvider;
  readonly signals: Signals;
}

/** The channel on which it is hinted that there is something to deliver. */
const channel = "event-deliveries";

/** Makes the table; for a migration of the party that has an outbox. */
export async function createDeliveries(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("event_deliveries")
    .addColumn("event_id", "text", (column) => column.primaryKey())
    .addColumn("target_id", "text", (column) => column.notNull())
    .addColumn("subject_id", "text", (column) => column.notNull())
    .addColumn("sequence", "integer", (column) => column.notNull())
    .addColumn("status", "text", (column) => column.notNull())
    .addColumn("event_at", "bigint", (column) => column.notNull())
    .addColumn("attempts", "integer", (column) => column.notNull())
    .addColumn("next_at", "bigint", (column) => column.notNull())
    .addUniqueConstraint("event_deliveries_order", ["subject_id", "sequence"])
    .execute();
  await db.schema.createIndex("event_deliveries_due").on("event_deliveries").columns(["target_id", "next_at"]).execute();
}

/** Adds an event, in the transaction of the change that it tells of. It is due at once. Throws when the subject has an event with this number. */
export async function addDelivery(tx: Outbox, delivery: Omit<Delivery, "attempts" | "next_at">): Promise<void> {
  const { event_id, target_id, subject_id, sequence, status, event_at } = delivery;
  await rowsOf(
    tx,
    sql`insert into event_deliveries (event_id, target_id, subject_id, sequence, status, event_at, attempts, next_at)
      values (${event_id}, ${target_id}, ${subject_id}, ${sequence}, ${status}, ${event_at}, 0, ${event_at})`,
  );
  await tx.signals.notify(channel, "");
}

/** The number that comes after those of a subject's events which nobody has taken yet: for a subject whose changes have no numbers of their own. */
export async function nextSequence(tx: Pick<Outbox, "sql">, subjectId: string): Promise<number> {
  const [row] = await rowsOf(tx, sql<{ last: number | null }>`select max(sequence) as last from event_deliveries where subject_id = ${subjectId}`);
  return (row?.last ?? 0) + 1;
}

/** The deliveries of a database. */
export function deliveriesOf(database: Outbox): Deliveries {
  return {
    async readDueTargets(now) {
      const due = sql<{ target_id: string }>`select distinct target_id from event_deliveries where next_at <= ${now}`;
      return (await rowsOf(database, due)).map((row) => row.target_id);
    },
    readDue: (targetId, now, limit) =>
      rowsOf(
        database,
        sql<Delivery>`select * from event_deliveries as due where due.target_id = ${targetId} and due.next_at <= ${now} and not exists
          (select 1 from event_deliveries as earlier where earlier.subject_id = due.subject_id and earlier.sequence < due.sequence)
          order by due.next_at limit ${limit}`,
      ),
    async claim({ event_id, attempts, next_at }, nextAt) {
      const claimed = await rowsOf(
        database,
        sql`update event_deliveries set attempts = ${attempts + 1}, next_at = ${nextAt}
          where event_id = ${event_id} and attempts = ${attempts} and next_at = ${next_at} returning event_id`,
      );
      return claimed.length === 1;
    },
    async postpone(eventId, nextAt) {
      await rowsOf(database, sql`update event_deliveries set next_at = ${nextAt} where event_id = ${eventId} returning event_id`);
    },
    async end(eventId) {
      await rowsOf(database, sql`delete from event_deliveries where event_id = ${eventId} returning event_id`);
    },
    subscribe: (wake) => database.signals.subscribe(channel, wake),
  };
}

async function rowsOf<Row>(database: Pick<Outbox, "sql">, query: RawBuilder<Row>): Promise<readonly Row[]> {
  return (await query.execute(database.sql)).rows;
}
