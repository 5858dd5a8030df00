import type { Migration } from "@countersign/storage/open";
import { sql } from "kysely";

/**
 * `body` columns hold JSON that only the module of the table reads and writes. Times are milliseconds since 1970. `product_id` of stock and reservations is a
 * variant's id, which for the first variant of a product is the product's.
 */
export interface StoreTables {
  readonly checkouts: { id: string; revision: number; status: string; expires_at: number; request_id: string | null; body: string };
  readonly stock: { product_id: string; on_hand: number; reserved: number };
  readonly reservations: { checkout_id: string; product_id: string; quantity: number };
  readonly captures: { payment_id: string; checkout_id: string; state: string; attempts: number; next_at: number; body: string };
  /** Payment requests that the wallet is still to be told to end. */
  readonly withdrawals: { request_id: string; attempts: number; next_at: number };
  readonly orders: { id: string; checkout_id: string; payment_id: string; subject: string; created_at: number; body: string };
}

/** The store's schema. The checks repeat the rules that money and stock rest on, so that a mistake in code cannot break them. */
export const storeMigrations: readonly Migration[] = [
  {
    id: "store-1",
    async up(db) {
      await sql`create table checkouts (
        id text not null primary key, revision integer not null, status text not null, expires_at bigint not null,
        request_id text, body text not null)`.execute(db);
      await sql`create index checkouts_by_status on checkouts (status, expires_at)`.execute(db);
      await sql`create table stock (
        product_id text not null primary key, on_hand integer not null, reserved integer not null,
        check (reserved >= 0), check (on_hand >= reserved))`.execute(db);
      await sql`create table reservations (
        checkout_id text not null, product_id text not null, quantity integer not null, primary key (checkout_id, product_id),
        check (quantity > 0))`.execute(db);
      await sql`create table captures (
        payment_id text not null primary key, checkout_id text not null, state text not null, attempts integer not null,
        next_at bigint not null, body text not null, check (state in ('pending', 'captured', 'refused')))`.execute(db);
      await sql`create index captures_by_state on captures (state, next_at)`.execute(db);
      await sql`create unique index captures_live on captures (checkout_id) where state <> 'refused'`.execute(db);
      await sql`create table orders (
        id text not null primary key, checkout_id text not null unique, payment_id text not null unique, subject text not null,
        created_at bigint not null, body text not null)`.execute(db);
      await sql`create index orders_by_subject on orders (subject, created_at, id)`.execute(db);
    },
  },
  {
    id: "store-2",
    async up(db) {
      await sql`create index checkouts_by_request on checkouts (request_id)`.execute(db);
    },
  },
  {
    id: "store-3",
    async up(db) {
      await sql`create table withdrawals (
        request_id text not null primary key, attempts integer not null, next_at bigint not null)`.execute(db);
      await sql`create index withdrawals_by_time on withdrawals (next_at)`.execute(db);
    },
  },
];
