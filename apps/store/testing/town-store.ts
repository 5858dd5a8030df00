import type { EpochMs } from "@countersign/protocol/brand";
import type { Secret } from "@countersign/protocol/secret";
import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import { createSealer } from "@countersign/storage/sealed";
import { z } from "zod";
import { createStore, type Store } from "../src/store.ts";
import { storeMigrations, type StoreTables } from "../src/tables.ts";

export interface TownStoreOptions {
  readonly url: string;
  readonly wallet: string;
  readonly bank: string;
  readonly databaseUrl: string;
  readonly sealingKey: Secret;
  readonly fetch: typeof fetch;
  readonly now: () => EpochMs;
  readonly report: (event: string) => void;
}

/** A store without a port that looks for unfinished work when it is told to. */
export async function openTownStore(options: TownStoreOptions): Promise<Store> {
  const { url, wallet, bank, databaseUrl, now, report } = options;
  return createStore({
    url,
    wallet,
    bank,
    clientId: "store",
    name: "Harbour Goods",
    db: await openDatabase<StoreTables>({ url: databaseUrl, schema: "store", migrations: storeMigrations }),
    sealer: createSealer({ current: "k1", keys: { k1: options.sealingKey } }),
    widgetHtml: "<!doctype html><title>shop</title>",
    recoveryMs: 0,
    clock: now,
    report: ({ event }) => report(event),
    fetch: options.fetch,
  });
}

const quantities = z.object({ lines: z.array(z.object({ quantity: z.int() })), total: z.object({ amount: z.int() }) });
const signed = z.object({ signed: z.object({ hash: z.string() }).nullable() });

/** A checkout as the store has it. `signedHash`: of the terms that it would be paid by now. */
export interface CheckoutFact {
  readonly id: string;
  readonly status: string;
  readonly requestId: string | null;
  readonly signedHash: string | undefined;
}

export interface OrderFact {
  readonly id: string;
  readonly checkoutId: string;
  readonly paymentId: string;
  readonly total: number;
  readonly units: number;
  /** Minor units that the order says were given back. */
  readonly refunded: number;
}

export interface RefundFact {
  readonly paymentId: string;
  readonly amount: number;
  readonly state: string;
}

/** Everything that a store has to answer for. */
export interface StoreFacts {
  readonly checkouts: readonly CheckoutFact[];
  readonly captures: readonly { readonly paymentId: string; readonly checkoutId: string; readonly state: string }[];
  readonly orders: readonly OrderFact[];
  readonly refunds: readonly RefundFact[];
  readonly withdrawals: readonly string[];
  /** Units on the shelf and in baskets that wait, over all variants; `held` are the rows that explain the second. */
  readonly stock: { readonly onHand: number; readonly reserved: number; readonly held: number };
  /** Checkouts that hold goods. */
  readonly holding: ReadonlySet<string>;
}

/** Reads them. */
export async function readStore(db: Database<StoreTables>): Promise<StoreFacts> {
  const checkouts = await db.sql.selectFrom("checkouts").selectAll().execute();
  const captures = await db.sql.selectFrom("captures").selectAll().execute();
  const orders = await db.sql.selectFrom("orders").selectAll().execute();
  const refunds = await db.sql.selectFrom("refunds").select(["payment_id as paymentId", "amount", "state"]).execute();
  const withdrawals = await db.sql.selectFrom("withdrawals").select("request_id").execute();
  const stock = await db.sql.selectFrom("stock").selectAll().execute();
  const reservations = await db.sql.selectFrom("reservations").selectAll().execute();
  return {
    checkouts: checkouts.map(({ id, status, request_id: requestId, body }) => ({
      id,
      status,
      requestId,
      signedHash: signed.parse(JSON.parse(body)).signed?.hash,
    })),
    captures: captures.map(({ payment_id: paymentId, checkout_id: checkoutId, state }) => ({ paymentId, checkoutId, state })),
    orders: orders.map((row) => {
      const { lines, total } = quantities.parse(JSON.parse(row.body));
      const units = lines.reduce((sum, line) => sum + line.quantity, 0);
      return { id: row.id, checkoutId: row.checkout_id, paymentId: row.payment_id, total: total.amount, units, refunded: row.refunded };
    }),
    refunds,
    withdrawals: withdrawals.map((row) => row.request_id),
    stock: {
      onHand: stock.reduce((sum, row) => sum + row.on_hand, 0),
      reserved: stock.reduce((sum, row) => sum + row.reserved, 0),
      held: reservations.reduce((sum, row) => sum + row.quantity, 0),
    },
    holding: new Set(reservations.map((row) => row.checkout_id)),
  };
}

/** Clears the shop and puts so many of these products on the shelf, and nothing else. */
export async function refillStore(db: Database<StoreTables>, productIds: readonly string[], units: number): Promise<void> {
  for (const table of ["checkouts", "captures", "orders", "refunds", "withdrawals", "reservations"] as const)
    await db.sql.deleteFrom(table).execute();
  await db.sql.updateTable("stock").set({ on_hand: 0, reserved: 0 }).execute();
  await db.sql
    .updateTable("stock")
    .set({ on_hand: units })
    .where("product_id", "in", [...productIds])
    .execute();
}

/** Puts so many of everything on the shelf of a store that runs. */
export async function stockStore(databaseUrl: string, units: number): Promise<void> {
  const db = await openDatabase<StoreTables>({ url: databaseUrl, schema: "store", migrations: storeMigrations });
  try {
    await db.sql.updateTable("stock").set({ on_hand: units }).execute();
  } finally {
    await db.close();
  }
}

/** How many orders a store has. */
export async function countOrders(databaseUrl: string): Promise<number> {
  const db = await openDatabase<StoreTables>({ url: databaseUrl, schema: "store", migrations: storeMigrations });
  try {
    const { count } = await db.sql
      .selectFrom("orders")
      .select((select) => select.fn.countAll().as("count"))
      .executeTakeFirstOrThrow();
    return Number(count);
  } finally {
    await db.close();
  }
}
