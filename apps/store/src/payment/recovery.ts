import type { Payee } from "@countersign/kit/payment/payee";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import { approvalGraceMs } from "../checkout/checkout.ts";
import { applyToCheckout, readAwaiting, readOverdue } from "../checkout/checkout-rows.ts";
import { errorName, type Report } from "../report.ts";
import { readDueRefunds } from "../refunds/refund-rows.ts";
import type { Refunder } from "../refunds/settle-refund.ts";
import type { StoreTables } from "../tables.ts";
import { readDueCaptures } from "./capture-rows.ts";
import { findRequests } from "./find-requests.ts";
import type { Settler } from "./settle.ts";
import type { Watchers } from "./watchers.ts";
import type { Withdrawals } from "./withdrawals.ts";

export interface RecoveryOptions {
  readonly db: Database<StoreTables>;
  readonly payee: Pick<Payee, "lodge">;
  readonly settler: Settler;
  readonly refunder: Refunder;
  readonly watchers: Watchers;
  readonly withdrawals: Withdrawals;
  readonly clock: () => EpochMs;
  readonly report: Report;
}

const batch = 100;

/**
 * Picks up everything that is unfinished, after a restart or a lost answer: checkouts whose time is over give their stock back, awaiting checkouts are
 * watched, requests that nobody wants any more are withdrawn, due captures and refunds are settled, and requests whose ids were lost are found again. What asks others comes last, because one who hangs must not hold up the rest, and what
 * cannot go on is reported and left for later. Doing it twice, or on two instances at once, changes nothing.
 */
export async function recover(options: RecoveryOptions): Promise<void> {
  const { db, settler, refunder, watchers, withdrawals, clock, report } = options;
  const now = clock();
  const overdue = [...(await readOverdue(db, "priced", now, batch)), ...(await readOverdue(db, "awaiting_approval", now - approvalGraceMs, batch))];
  for (const id of overdue) {
    await applyToCheckout(db, id, { type: "timed_out" }, now);
  }
  for (const checkout of await readAwaiting(db, batch)) {
    watchers.watch(checkout);
  }
  await withdrawals.begin();
  const settling = async (where: "settle" | "refund", ids: readonly string[], settle: (id: string) => Promise<unknown>): Promise<void> => {
    for (const id of ids) {
      try {
        await settle(id);
      } catch (thrown) {
        report({ event: "work_failed", where, error: errorName(thrown) });
      }
    }
  };
  await settling("settle", await readDueCaptures(db, now, batch), (id) => settler.settle(id));
  await settling("refund", await readDueRefunds(db, now, batch), (id) => refunder.settle(id));
  await findRequests(options, batch);
}

/** Runs {@link recover} at once and then at an interval, never two at a time. The function it gives stops it and waits for the running one. */
export function startRecovery(options: RecoveryOptions, intervalMs: number): () => Promise<void> {
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const run = async (): Promise<void> => {
    try {
      await recover(options);
    } catch (thrown) {
      options.report({ event: "work_failed", where: "recovery", error: errorName(thrown) });
    }
    if (!stopped) {
      timer = setTimeout(() => {
        current = run();
      }, intervalMs);
      timer.unref();
    }
  };
  let current = run();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await current;
  };
}
