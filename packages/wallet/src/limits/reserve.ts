import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { CountedPayment, SpendingWindow } from "@countersign/protocol/limits";
import { windowsOf } from "@countersign/protocol/limits";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import { type RawBuilder, sql } from "kysely";
import { z } from "zod";
import { type LimitDefaults, limitsOf } from "./settings.ts";

/** A payment about to be approved, by whom and for which request. */
export interface ReservedPayment extends CountedPayment {
  readonly accountId: string;
  readonly requestId: string;
  /** The budget of the policy that approves it, when one does. */
  readonly budgets?: readonly SpendingWindow[];
}

const retentionMs = 40 * 86_400_000;
const buckets = z.array(z.string());

/**
 * Counts a payment toward every limit of its account, from its approval on. Checking and adding is one conditional statement over all sums, so that parallel
 * payments never pass a limit together. Refuses with `over_limit` and the limit's name (`payment`, `otherDevice`, `day`, `month`, `payee`, `budget`, or
 * `currency` when nothing may be spent in it), with `conflict` when the request is counted already. After a refusal the caller rolls its transaction back:
 * the sums that had room were added to.
 */
export async function reserve(tx: Database<unknown>, payment: ReservedPayment, defaults: LimitDefaults): Promise<Result<void, Refusal>> {
  const { accountId, requestId, amount, at } = payment;
  const { limits, settings } = await limitsOf(tx, accountId, defaults, at);
  const judged = windowsOf(payment, limits, settings.calendar);
  if (!judged.ok) return judged;
  const budgets = payment.budgets ?? [];
  const small = budgets.find((budget) => amount > budget.ceiling);
  if (small !== undefined) return err(refuse("over_limit", small.limit));
  const windows = sorted([...judged.value, ...budgets]);
  const names = JSON.stringify(windows.map((window) => window.bucket));
  const noted = await rowsOf(
    tx,
    sql`insert into limit_reservations (request_id, account_id, amount, buckets, expires_at)
      values (${requestId}, ${accountId}, ${amount}, ${names}, ${at + retentionMs}) on conflict (request_id) do nothing returning request_id`,
  );
  if (noted.length === 0) return err(refuse("conflict", "the request is counted already"));
  const values = windows.map((window) => sql`(${accountId}, ${window.bucket}, ${window.ceiling}, ${amount}, ${window.expiresAt})`);
  const added = await rowsOf(
    tx,
    sql<{ bucket: string }>`insert into limit_windows (account_id, bucket, ceiling, used, expires_at) values ${sql.join(values)}
      on conflict (account_id, bucket) do update
        set used = limit_windows.used + excluded.used, ceiling = excluded.ceiling, expires_at = excluded.expires_at
        where limit_windows.used + excluded.used <= excluded.ceiling
      returning bucket`,
  );
  const full = windows.find((window) => !added.some((row) => row.bucket === window.bucket));
  return full === undefined ? ok(undefined) : err(refuse("over_limit", full.limit));
}

/**
 * Gives back what a request was counted for, but for `kept` of it: its mandate was revoked, or ended without being redeemed, or not all of it was captured.
 * Once, however often it is called; false when there was nothing to give back.
 */
export async function release(tx: Database<unknown>, requestId: string, kept = 0): Promise<boolean> {
  const [row] = await rowsOf(
    tx,
    sql<{ account_id: string; amount: number; buckets: string }>`update limit_reservations set released = 1
      where request_id = ${requestId} and released = 0 and amount >= ${kept} returning account_id, amount, buckets`,
  );
  if (row === undefined) return false;
  // One after the other and in order, so that two transactions never wait for each other.
  for (const bucket of buckets.parse(JSON.parse(row.buckets))) {
    await rowsOf(
      tx,
      sql`update limit_windows set used = used - ${row.amount - kept} where account_id = ${row.account_id} and bucket = ${bucket} returning bucket`,
    );
  }
  return true;
}

/**
 * Whether a payment would find room now, for a page that says so beforehand. Refuses as {@link reserve}; what counts is decided there.
 */
export async function judgeRoom(
  database: Pick<Database<unknown>, "sql" | "records">,
  payment: CountedPayment & { readonly accountId: string },
  defaults: LimitDefaults,
): Promise<Result<void, Refusal>> {
  const { limits, settings } = await limitsOf(database, payment.accountId, defaults, payment.at);
  const judged = windowsOf(payment, limits, settings.calendar);
  if (!judged.ok) return judged;
  const used = await usedOf(database, payment.accountId, judged.value);
  const full = judged.value.find((window) => (used.get(window.bucket) ?? 0) + payment.amount > window.ceiling);
  return full === undefined ? ok(undefined) : err(refuse("over_limit", full.limit));
}

/** What is used of each of these sums. */
export async function usedOf(
  database: Pick<Database<unknown>, "sql">,
  accountId: string,
  windows: readonly SpendingWindow[],
): Promise<ReadonlyMap<string, number>> {
  if (windows.length === 0) return new Map();
  const names = windows.map((window) => sql`${window.bucket}`);
  const rows = await rowsOf(
    database,
    sql<{ bucket: string; used: number }>`select bucket, used from limit_windows where account_id = ${accountId} and bucket in (${sql.join(names)})`,
  );
  return new Map(rows.map((row) => [row.bucket, row.used]));
}

/** Deletes sums and reservations that nobody asks for any more, at most `limit` of each; gives how many. */
export async function deleteOldLimits(database: Pick<Database<unknown>, "sql">, now: EpochMs, limit: number): Promise<number> {
  const windows = await rowsOf(
    database,
    sql`delete from limit_windows where expires_at <= ${now} and (account_id, bucket) in
      (select account_id, bucket from limit_windows where expires_at <= ${now} order by expires_at limit ${limit}) returning bucket`,
  );
  const reservations = await rowsOf(
    database,
    sql`delete from limit_reservations where expires_at <= ${now} and request_id in
      (select request_id from limit_reservations where expires_at <= ${now} order by expires_at limit ${limit}) returning request_id`,
  );
  return windows.length + reservations.length;
}

function sorted(windows: readonly SpendingWindow[]): readonly SpendingWindow[] {
  return windows.toSorted((left, right) => (left.bucket < right.bucket ? -1 : 1));
}

async function rowsOf<R>(database: Pick<Database<unknown>, "sql">, query: RawBuilder<R>): Promise<readonly R[]> {
  return (await query.execute(database.sql)).rows;
}
