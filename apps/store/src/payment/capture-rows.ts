import type { EpochMs } from "@countersign/protocol/brand";
import { errorCatalogue, type ErrorCode } from "@countersign/protocol/errors";
import type { Database } from "@countersign/storage/open";
import { type Selectable, sql } from "kysely";
import { z } from "zod";
import type { StoreTables } from "../tables.ts";
import type { Capture } from "./capture.ts";

const body = z.object({
  total: z.object({ amount: z.int().nonnegative(), currency: z.string() }),
  checkoutHash: z.string(),
  idempotencyKey: z.string(),
  sealedMandate: z.string(),
  mandateExpiresAt: z.int(),
  subject: z.string(),
  humanPresent: z.boolean(),
  paidWith: z.string(),
  refusedWith: z.custom<ErrorCode>((value) => typeof value === "string" && Object.hasOwn(errorCatalogue, value)).nullable(),
});
const states = z.enum(["pending", "captured", "refused"]);

/** Adds the outbox row of a capture, due at once. A second live capture of a checkout breaks a unique rule and throws. */
export async function insertCapture(tx: Database<StoreTables>, capture: Capture, now: EpochMs): Promise<void> {
  await tx.sql
    .insertInto("captures")
    .values({ ...columnsOf(capture), next_at: now })
    .execute();
}

/** Reads a capture, or undefined. */
export async function readCapture(db: Database<StoreTables>, paymentId: string): Promise<Capture | undefined> {
  const row = await db.sql.selectFrom("captures").selectAll().where("payment_id", "=", paymentId).executeTakeFirst();
  return row === undefined ? undefined : toCapture(row);
}

/** Ids of captures that are due, the longest due first. */
export async function readDueCaptures(db: Database<StoreTables>, now: EpochMs, limit: number): Promise<readonly string[]> {
  const rows = await db.sql
    .selectFrom("captures")
    .select("payment_id")
    .where("state", "=", "pending")
    .where("next_at", "<=", now)
    .orderBy("next_at")
    .limit(limit)
    .execute();
  return rows.map((row) => row.payment_id);
}

/** Counts a sending before it leaves, so that a crash right after it is known; false when the capture is settled already. */
export async function countAttempt(db: Database<StoreTables>, paymentId: string, nextAt: EpochMs): Promise<boolean> {
  const counted = await db.sql
    .updateTable("captures")
    .set({ attempts: sql<number>`attempts + 1`, next_at: nextAt })
    .where("payment_id", "=", paymentId)
    .where("state", "=", "pending")
    .executeTakeFirst();
  return counted.numUpdatedRows === 1n;
}

/** Makes a capture due later. */
export async function postponeCapture(db: Database<StoreTables>, paymentId: string, nextAt: EpochMs): Promise<void> {
  await db.sql.updateTable("captures").set({ next_at: nextAt }).where("payment_id", "=", paymentId).where("state", "=", "pending").execute();
}

/** Settles a pending capture, once: false when it was settled before. The mandate is dropped with it. */
export async function settleCapture(
  tx: Database<StoreTables>,
  capture: Capture,
  state: "captured" | "refused",
  code: ErrorCode | null,
): Promise<boolean> {
  const { body: settledBody } = columnsOf({ ...capture, refusedWith: code, sealedMandate: "" });
  const settled = await tx.sql
    .updateTable("captures")
    .set({ state, body: settledBody })
    .where("payment_id", "=", capture.paymentId)
    .where("state", "=", "pending")
    .executeTakeFirst();
  return settled.numUpdatedRows === 1n;
}

function columnsOf(capture: Capture): Omit<StoreTables["captures"], "next_at"> {
  const { paymentId, checkoutId, state, attempts, ...rest } = capture;
  return { payment_id: paymentId, checkout_id: checkoutId, state, attempts, body: JSON.stringify(rest) };
}

function toCapture(row: Selectable<StoreTables["captures"]>): Capture {
  return {
    paymentId: row.payment_id,
    checkoutId: row.checkout_id,
    state: states.parse(row.state),
    attempts: row.attempts,
    ...body.parse(JSON.parse(row.body)),
  };
}
