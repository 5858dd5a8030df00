import type { Migration } from "@countersign/storage/database";
import { type Kysely, sql } from "kysely";

/**
 * `limit_windows`: what an account has spent in one bucket (a day, a month, a payee's month, a policy's budget), in minor units, and the ceiling that the last
 * addition was held to. `limit_reservations`: which payment request added what to which buckets, so that exactly that is given back, once. Times are
 * milliseconds since 1970. That a sum never passes its ceiling is a constraint too.
 */
export const limitsMigration: Migration = {
  id: "0002-limits",
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table limit_windows (
      account_id text not null, bucket text not null, ceiling bigint not null, used bigint not null, expires_at bigint not null,
      primary key (account_id, bucket), constraint limit_windows_room check (used >= 0 and used <= ceiling))`.execute(db);
    await sql`create index limit_windows_age on limit_windows (expires_at)`.execute(db);
    await sql`create table limit_reservations (
      request_id text not null primary key, account_id text not null, amount bigint not null, buckets text not null,
      released integer not null default 0, expires_at bigint not null, constraint limit_reservations_amount check (amount >= 0))`.execute(db);
    await sql`create index limit_reservations_age on limit_reservations (expires_at)`.execute(db);
  },
};
