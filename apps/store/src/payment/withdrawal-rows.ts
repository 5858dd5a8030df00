import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import { sql } from "kysely";
import type { StoreTables } from "../tables.ts";

/** Notes that a payment request is to be ended at the wallet, due at once; part of the transaction in which the checkout leaves it. Twice is once. */
export async function insertWithdrawal(tx: Database<StoreTables>, requestId: string, now: EpochMs): Promise<void> {
  await tx.sql
    .insertInto("withdrawals")
    .values({ request_id: requestId, attempts: 0, next_at: now })
    .onConflict((conflict) => conflict.column("request_id").doNothing())
    .execute();
}

/** Ids of requests whose withdrawal is due, the longest due first. */
export async function readDueWithdrawals(db: Database<StoreTables>, now: EpochMs, limit: number): Promise<readonly string[]> {
  const rows = await db.sql.selectFrom("withdrawals").select("request_id").where("next_at", "<=", now).orderBy("next_at").limit(limit).execute();
  return rows.map((row) => row.request_id);
}

/** How often a withdrawal was tried; undefined when it is not to be done any more. */
export async function readWithdrawalAttempts(db: Database<StoreTables>, requestId: string): Promise<number | undefined> {
  const row = await db.sql.selectFrom("withdrawals").select("attempts").where("request_id", "=", requestId).executeTakeFirst();
  return row?.attempts;
}

/** Makes a withdrawal due later and counts the attempt. */
export async function postponeWithdrawal(db: Database<StoreTables>, requestId: string, nextAt: EpochMs): Promise<void> {
  await db.sql.updateTable("withdrawals").set({ attempts: sql<number>`attempts + 1`, next_at: nextAt }).where("request_id", "=", requestId).execute();
}

/** Forgets a withdrawal that is done. */
export async function deleteWithdrawal(db: Database<StoreTables>, requestId: string): Promise<void> {
  await db.sql.deleteFrom("withdrawals").where("request_id", "=", requestId).execute();
}
