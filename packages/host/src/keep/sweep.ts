import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import { retentionRules } from "./retention.ts";

/** So many of a kind at a time, the longest expired first: a sweep never holds the database for long. */
const batchMax = 500;

/** Deletes what is past its retention, of every kind. Several instances may do it at once. */
export async function deleteExpiredRecords(database: Database<unknown>, now: EpochMs): Promise<void> {
  for (const { kind } of retentionRules) await database.records({ name: kind, parse: (json) => json }).deleteExpired(now, batchMax);
}
