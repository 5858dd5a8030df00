import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import { sessionKind } from "./pages/sessions.ts";
import type { BankTables } from "./tables.ts";

/** How long an answer is kept under its idempotency key, in milliseconds: 72 h. */
export const answerTtlMs = 259_200_000;

const batchMax = 500;
/** Of each table in one sweep. */
const batchesMax = 200;

/**
 * Deletes assertions that are refused for their age anyway, answers past their time and sessions that are over, in small batches so that no payment waits for long. Gives how many
 * rows went.
 */
export async function sweep(database: Database<BankTables>, now: EpochMs): Promise<number> {
  const sweeps = [
    () => sweepAssertions(database, now),
    () => sweepAnswers(database, now),
    () => database.records(sessionKind).deleteExpired(now, batchMax),
  ];
  let gone = 0;
  for (const sweepOnce of sweeps) gone += await inBatches(sweepOnce);
  return gone;
}

async function inBatches(sweepOnce: () => Promise<number>): Promise<number> {
  let gone = 0;
  for (let batch = 0; batch < batchesMax; batch += 1) {
    const count = await sweepOnce();
    gone += count;
    if (count < batchMax) break;
  }
  return gone;
}

async function sweepAssertions(database: Database<BankTables>, now: EpochMs): Promise<number> {
  const rows = await database.sql
    .deleteFrom("client_assertions")
    .where((where) =>
      where(
        where.refTuple("client_id", "jti"),
        "in",
        where
          .selectFrom("client_assertions as old")
          .select(["old.client_id", "old.jti"])
          .where("old.expires_at", "<=", now)
          .orderBy("old.expires_at")
          .limit(batchMax)
          .$asTuple("client_id", "jti"),
      ),
    )
    .returning("jti")
    .execute();
  return rows.length;
}

async function sweepAnswers(database: Database<BankTables>, now: EpochMs): Promise<number> {
  const rows = await database.sql
    .deleteFrom("idempotency_keys")
    .where((where) =>
      where(
        where.refTuple("client_id", "key"),
        "in",
        where
          .selectFrom("idempotency_keys as old")
          .select(["old.client_id", "old.key"])
          .where("old.created_at", "<=", now - answerTtlMs)
          .orderBy("old.created_at")
          .limit(batchMax)
          .$asTuple("client_id", "key"),
      ),
    )
    .returning("key")
    .execute();
  return rows.length;
}
