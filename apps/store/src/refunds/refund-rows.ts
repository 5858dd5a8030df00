import type { EpochMs } from "@countersign/protocol/brand";
import { errorCatalogue, type ErrorCode } from "@countersign/protocol/errors";
import type { Database } from "@countersign/storage/open";
import { type Selectable, sql } from "kysely";
import { z } from "zod";
import { storedSigned } from "../checkout/stored-price.ts";
import type { StoreTables } from "../tables.ts";
import type { Refund } from "./refund.ts";

const states = z.enum(["awaiting_approval", "pending", "done", "refused"]);
const body = z.object({
  currency: z.string(),
  reason: z.string().nullable(),
  createdAt: z.int(),
  refusedWith: z.custom<ErrorCode>((value) => typeof value === "string" && Object.hasOwn(errorCatalogue, value)).nullable(),
  isApproved: z.boolean(),
  signed: storedSigned.nullable(),
});

/** Adds a refund, due at once; false when the payment has an unsettled one, or one that began at the same sum, already. */
export async function insertRefund(tx: Database<StoreTables>, refund: Refund, now: EpochMs): Promise<boolean> {
  const inserted = await tx.sql
    .insertInto("refunds")
    .values({ ...columnsOf(refund), next_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .returning("id")
    .executeTakeFirst();
  return inserted !== undefined;
}

/** Reads a refund, or undefined. */
export async function readRefund(db: Database<StoreTables>, id: string): Promise<Refund | undefined> {
  const row = await db.sql.selectFrom("refunds").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : toRefund(row);
}

/** The refunds of a payment in the order in which they began. The bank bounds how many one can have. */
export async function readRefundsOf(db: Database<StoreTables>, paymentId: string): Promise<readonly Refund[]> {
  const rows = await db.sql.selectFrom("refunds").selectAll().where("payment_id", "=", paymentId).execute();
  return rows.map(toRefund).toSorted((left, right) => left.createdAt - right.createdAt || left.before - right.before);
}

/** Ids of refunds that are due, the longest due first. */
export async function readDueRefunds(db: Database<StoreTables>, now: EpochMs, limit: number): Promise<readonly string[]> {
  const rows = await db.sql
    .selectFrom("refunds")
    .select("id")
    .where("state", "in", ["pending", "awaiting_approval"])
    .where("next_at", "<=", now)
    .orderBy("next_at")
    .limit(limit)
    .execute();
  return rows.map((row) => row.id);
}

/** Counts a sending before it leaves, so that a crash right after it is known; false when the refund is settled already. */
export async function countRefundAttempt(db: Database<StoreTables>, id: string, nextAt: EpochMs): Promise<boolean> {
  const counted = await db.sql
    .updateTable("refunds")
    .set({ attempts: sql<number>`attempts + 1`, next_at: nextAt })
    .where("id", "=", id)
    .where("state", "=", "pending")
    .executeTakeFirst();
  return counted.numUpdatedRows === 1n;
}

/** Makes a refund due later. */
export async function postponeRefund(db: Database<StoreTables>, id: string, nextAt: EpochMs): Promise<void> {
  await db.sql.updateTable("refunds").set({ next_at: nextAt }).where("id", "=", id).where("state", "in", ["pending", "awaiting_approval"]).execute();
}

/** Keeps the wallet's request for a refund that waits for the user. */
export async function keepRefundRequest(db: Database<StoreTables>, id: string, requestId: string): Promise<void> {
  await db.sql.updateTable("refunds").set({ request_id: requestId }).where("id", "=", id).where("state", "=", "awaiting_approval").execute();
}

/** The refund that a request of the wallet is for, or undefined. */
export async function readRefundOfRequest(db: Database<StoreTables>, requestId: string): Promise<Refund | undefined> {
  const row = await db.sql.selectFrom("refunds").selectAll().where("request_id", "=", requestId).executeTakeFirst();
  return row === undefined ? undefined : toRefund(row);
}

/** The user said yes, once: from here on the bank is asked. False when that was known, or the refund is over. */
export async function allowRefund(db: Database<StoreTables>, id: string, now: EpochMs): Promise<boolean> {
  return db.transaction(async (tx) => {
    const refund = await readRefund(tx, id);
    if (refund === undefined) return false;
    const { body: allowed } = columnsOf({ ...refund, isApproved: true });
    const moved = await tx.sql
      .updateTable("refunds")
      .set({ state: "pending", next_at: now, body: allowed })
      .where("id", "=", id)
      .where("state", "=", "awaiting_approval")
      .executeTakeFirst();
    return moved.numUpdatedRows === 1n;
  });
}

/** Ends a refund that nobody approved, once: false when it waits for nobody any more. */
export async function endRefundApproval(tx: Database<StoreTables>, refund: Refund, code: ErrorCode): Promise<boolean> {
  const { body: ended } = columnsOf({ ...refund, refusedWith: code });
  const moved = await tx.sql
    .updateTable("refunds")
    .set({ state: "refused", body: ended })
    .where("id", "=", refund.id)
    .where("state", "=", "awaiting_approval")
    .executeTakeFirst();
  return moved.numUpdatedRows === 1n;
}

/** Settles a pending refund, once: false when it was settled before. */
export async function settleRefund(tx: Database<StoreTables>, refund: Refund, state: "done" | "refused", code: ErrorCode | null): Promise<boolean> {
  const { body: settledBody } = columnsOf({ ...refund, refusedWith: code });
  const settled = await tx.sql
    .updateTable("refunds")
    .set({ state, body: settledBody })
    .where("id", "=", refund.id)
    .where("state", "=", "pending")
    .executeTakeFirst();
  return settled.numUpdatedRows === 1n;
}

function columnsOf(refund: Refund): Omit<StoreTables["refunds"], "next_at"> {
  const { id, paymentId, orderId, before, captured, state, attempts, amount, requestId, ...rest } = refund;
  return {
    id,
    payment_id: paymentId,
    order_id: orderId,
    amount: amount.amount,
    refunded_before: before,
    captured,
    state,
    attempts,
    request_id: requestId,
    body: JSON.stringify({ currency: amount.currency, ...rest }),
  };
}

function toRefund(row: Selectable<StoreTables["refunds"]>): Refund {
  const { currency, ...rest } = body.parse(JSON.parse(row.body));
  return {
    id: row.id,
    paymentId: row.payment_id,
    orderId: row.order_id,
    amount: { amount: row.amount, currency },
    before: row.refunded_before,
    captured: row.captured,
    state: states.parse(row.state),
    attempts: row.attempts,
    requestId: row.request_id,
    ...rest,
  };
}
