import type { Migration } from "@countersign/storage/open";
import { createDeliveries } from "@countersign/storage/deliveries";
import { type Generated, sql } from "kysely";

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
  /** `captured` and `refunded` are what the bank last said, in minor units; `captured` is null in rows from before it was kept. */
  readonly orders: {
    id: string;
    checkout_id: string;
    payment_id: string;
    subject: string;
    created_at: number;
    body: string;
    captured: number | null;
    refunded: Generated<number>;
  };
  /** Refunds that were asked for, and the outbox by which the bank is. Amounts in minor units; `refunded_before` is what was given back when it began. */
  readonly refunds: {
    id: string;
    payment_id: string;
    order_id: string | null;
    amount: number;
    refunded_before: number;
    captured: number;
    state: string;
    attempts: number;
    next_at: number;
    request_id: string | null;
    body: string;
  };
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
  {
    id: "store-4",
    async up(db) {
      await sql`alter table orders add column captured bigint`.execute(db);
      await sql`alter table orders add column refunded bigint not null default 0 check (refunded >= 0 and refunded <= captured)`.execute(db);
      await sql`create table refunds (
        id text not null primary key, payment_id text not null, order_id text, amount bigint not null, refunded_before bigint not null,
        captured bigint not null, state text not null, attempts integer not null, next_at bigint not null, request_id text,
        body text not null, check (amount > 0), check (refunded_before >= 0), check (refunded_before + amount <= captured),
        check (state in ('awaiting_approval', 'pending', 'done', 'refused')))`.execute(db);
      await sql`create unique index refunds_live on refunds (payment_id) where state in ('awaiting_approval', 'pending')`.execute(db);
      await sql`create index refunds_by_request on refunds (request_id)`.execute(db);
      await sql`create unique index refunds_in_order on refunds (payment_id, refunded_before) where state <> 'refused'`.execute(db);
      await sql`create index refunds_by_state on refunds (state, next_at)`.execute(db);
    },
  },
  { id: "store-5", up: createDeliveries },
];
