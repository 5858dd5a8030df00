import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/open";
import { sql } from "kysely";
import type { Variant } from "./catalogue/product.ts";
import type { StoreTables } from "./tables.ts";

export interface StockLine {
  readonly variant_id: string;
  readonly quantity: number;
}

/** Puts the opening stock of variants that the database does not know yet. */
export async function openStock(db: Database<StoreTables>, catalogue: readonly Variant[]): Promise<void> {
  const rows = catalogue.map((variant) => ({ product_id: variant.id, on_hand: variant.openingStock, reserved: 0 }));
  await db.sql
    .insertInto("stock")
    .values(rows)
    .onConflict((conflict) => conflict.column("product_id").doNothing())
    .execute();
}

/** How many of each variant can be bought now. */
export async function readAvailability(db: Database<StoreTables>): Promise<ReadonlyMap<string, number>> {
  const rows = await db.sql.selectFrom("stock").selectAll().execute();
  return new Map(rows.map((row) => [row.product_id, row.on_hand - row.reserved]));
}

/**
 * Reserves every line for a checkout, or refuses with `out_of_stock`; then the transaction must be given up, for some lines may be taken already.
 * Variants are locked in the order of their ids, so that two checkouts never wait for each other.
 */
export async function reserveStock(tx: Database<StoreTables>, checkoutId: string, lines: readonly StockLine[]): Promise<Result<void, Refusal>> {
  for (const line of [...lines].sort((left, right) => (left.variant_id < right.variant_id ? -1 : 1))) {
    const taken = await tx.sql
      .updateTable("stock")
      .set({ reserved: sql<number>`reserved + ${line.quantity}` })
      .where("product_id", "=", line.variant_id)
      .where(sql<number>`on_hand - reserved`, ">=", line.quantity)
      .executeTakeFirst();
    if (taken.numUpdatedRows !== 1n) {
      return err(refuse("out_of_stock", line.variant_id));
    }
    await tx.sql.insertInto("reservations").values({ checkout_id: checkoutId, product_id: line.variant_id, quantity: line.quantity }).execute();
  }
  return ok(undefined);
}

/** Ends a checkout's reservation: back to the shelf, or out of the door when `sold`. Without a reservation it does nothing. */
export async function endReservation(tx: Database<StoreTables>, checkoutId: string, sold: boolean): Promise<void> {
  const rows = await tx.sql.selectFrom("reservations").selectAll().where("checkout_id", "=", checkoutId).orderBy("product_id").execute();
  for (const row of rows) {
    const removed = await tx.sql
      .deleteFrom("reservations")
      .where("checkout_id", "=", checkoutId)
      .where("product_id", "=", row.product_id)
      .executeTakeFirst();
    if (removed.numDeletedRows === 1n) {
      await tx.sql
        .updateTable("stock")
        .set({
          reserved: sql<number>`reserved - ${row.quantity}`,
          ...(sold ? { on_hand: sql<number>`on_hand - ${row.quantity}` } : {}),
        })
        .where("product_id", "=", row.product_id)
        .execute();
    }
  }
}
