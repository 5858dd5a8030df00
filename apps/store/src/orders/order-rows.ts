import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/open";
import type { Selectable } from "kysely";
import { z } from "zod";
import { storedLine, storedMoney, storedShipping, storedTax } from "../checkout/stored-price.ts";
import type { BankPayment } from "../bank-client.ts";
import type { StoreTables } from "../tables.ts";
import type { Order } from "./order.ts";

const body = z.object({
  lines: z.array(storedLine),
  shipping: storedShipping.nullable().default(null),
  tax: storedTax.nullable().default(null),
  total: storedMoney,
  humanPresent: z.boolean(),
  paidWith: z.string(),
});

/** Adds an order; part of the transaction that completes its checkout. A second order for a checkout or payment breaks a unique rule and throws. */
export async function insertOrder(tx: Database<StoreTables>, order: Order): Promise<void> {
  const { lines, shipping, tax, total, humanPresent, paidWith } = order;
  await tx.sql
    .insertInto("orders")
    .values({
      id: order.id,
      checkout_id: order.checkoutId,
      payment_id: order.paymentId,
      subject: order.subject,
      created_at: order.createdAt,
      body: JSON.stringify({ lines, shipping, tax, total, humanPresent, paidWith }),
      captured: order.captured,
      refunded: order.refunded,
    })
    .execute();
}

/** Keeps what the bank says of an order's payment; false when there is no such order or it said no less before. What was given back never becomes less. */
export async function writeOrderSums(
  tx: Database<StoreTables>,
  { id, captured, refunded }: Pick<BankPayment, "id" | "captured" | "refunded">,
): Promise<boolean> {
  const written = await tx.sql
    .updateTable("orders")
    .set({ captured, refunded })
    .where("payment_id", "=", id)
    .where("refunded", "<", refunded)
    .executeTakeFirst();
  return written.numUpdatedRows === 1n;
}

/** The order of a payment, or undefined. */
export async function readOrderOfPayment(db: Database<StoreTables>, paymentId: string): Promise<Order | undefined> {
  const row = await db.sql.selectFrom("orders").selectAll().where("payment_id", "=", paymentId).executeTakeFirst();
  return row === undefined ? undefined : toOrder(row);
}

/** One order of one user, or undefined when it is not there or somebody else's. */
export async function readOrder(db: Database<StoreTables>, subject: string, id: string): Promise<Order | undefined> {
  const row = await db.sql.selectFrom("orders").selectAll().where("id", "=", id).where("subject", "=", subject).executeTakeFirst();
  return row === undefined ? undefined : toOrder(row);
}

/** Any order by its id, for a caller whose right to it was judged. */
export async function readAnyOrder(db: Database<StoreTables>, id: string): Promise<Order | undefined> {
  const row = await db.sql.selectFrom("orders").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : toOrder(row);
}

export interface OrderPage {
  readonly orders: readonly Order[];
  readonly nextCursor?: string;
}

/** A user's orders, newest first. `cursor` is the `nextCursor` of the page before; another user's is refused with `invalid_arguments`. */
export async function readOrders(
  db: Database<StoreTables>,
  subject: string,
  limit: number,
  cursor: string | undefined,
): Promise<Result<OrderPage, Refusal>> {
  let query = db.sql.selectFrom("orders").selectAll().where("subject", "=", subject);
  if (cursor !== undefined) {
    const after = await readOrder(db, subject, cursor);
    if (after === undefined) {
      return err(refuse("invalid_arguments", "the cursor belongs to another list"));
    }
    query = query.where((where) =>
      where.or([where("created_at", "<", after.createdAt), where.and([where("created_at", "=", after.createdAt), where("id", "<", after.id)])]),
    );
  }
  const rows = await query
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1)
    .execute();
  const orders = rows.slice(0, limit).map(toOrder);
  const last = orders.at(-1);
  return ok({ orders, ...(rows.length > limit && last !== undefined ? { nextCursor: last.id } : {}) });
}

function toOrder(row: Selectable<StoreTables["orders"]>): Order {
  const stored = body.parse(JSON.parse(row.body));
  return {
    id: row.id,
    checkoutId: row.checkout_id,
    paymentId: row.payment_id,
    subject: row.subject,
    createdAt: row.created_at,
    ...stored,
    captured: row.captured ?? stored.total.amount,
    refunded: row.refunded,
  };
}
