import type { EpochMs } from "@countersign/protocol/brand";
import type { PaymentRequestStatus } from "@countersign/protocol/payment";
import type { Database } from "@countersign/storage/database";
import { sql } from "kysely";
import { paymentRequestKind, statusOf, writtenStatusOf } from "../src/payment-requests/request.ts";

/** A payment request as the wallet has it. `reference` is what its mandate was redeemed for. */
export interface RequestFact {
  readonly id: string;
  readonly checkoutId: string;
  readonly checkoutHash: string;
  readonly amount: number;
  readonly status: PaymentRequestStatus;
  /** As it was last written; the clock may know better. */
  readonly written: PaymentRequestStatus;
  readonly approvedBy: string | undefined;
  readonly reference: string | undefined;
  /** What it holds of its account's limits. */
  readonly reserved: number;
}

/** One sum of an account: what is used of it, and what the reservations that stand add up to. */
export interface LimitFact {
  readonly bucket: string;
  readonly used: number;
  readonly reserved: number;
}

/** Every request that there is. */
export async function readRequests(database: Database<unknown>, now: EpochMs): Promise<readonly RequestFact[]> {
  const found = await sql<{ request_id: string; amount: number }>`select request_id, amount from limit_reservations where released = 0`.execute(
    database.sql,
  );
  const reserved = new Map(found.rows.map((row) => [row.request_id, row.amount]));
  const requests = await database.records(paymentRequestKind).scan(undefined, 1000);
  return requests.map(({ id, value }) => {
    const { decision, outcome, terms, checkoutHash } = value;
    return {
      id,
      checkoutId: terms.id,
      checkoutHash,
      amount: terms.amount,
      status: statusOf(value, now),
      written: writtenStatusOf(value),
      approvedBy: decision?.status === "approved" ? decision.accountId : undefined,
      reference: outcome !== null && "reference" in outcome ? outcome.reference : undefined,
      reserved: reserved.get(id) ?? 0,
    };
  });
}

/** Clears the desk: requests and what was counted are gone. */
export async function forgetRequests(database: Database<unknown>): Promise<void> {
  for (const table of ["limit_windows", "limit_reservations"]) await sql`delete from ${sql.table(table)}`.execute(database.sql);
  await sql`delete from records where kind in ('payment-request', 'live-payment-request', 'receipt')`.execute(database.sql);
}

/** The sums of an account. */
export async function readLimits(database: Database<unknown>, accountId: string): Promise<readonly LimitFact[]> {
  const windows = await sql<{ bucket: string; used: number }>`select bucket, used from limit_windows where account_id = ${accountId}`.execute(
    database.sql,
  );
  const reservations = await sql<{
    amount: number;
    buckets: string;
  }>`select amount, buckets from limit_reservations where account_id = ${accountId} and released = 0`.execute(database.sql);
  return windows.rows.map(({ bucket, used }) => ({
    bucket,
    used,
    reserved: reservations.rows.reduce((sum, row) => (namesOf(row.buckets).includes(bucket) ? sum + row.amount : sum), 0),
  }));
}

function namesOf(text: string): readonly unknown[] {
  const names: unknown = JSON.parse(text);
  return Array.isArray(names) ? names : [];
}
