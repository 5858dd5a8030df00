import type { EpochMs } from "@countersign/protocol/brand";
import type { Payee } from "@countersign/kit/payment/payee";
import type { Database } from "@countersign/storage/open";
import { errorName, type Report } from "../report.ts";
import type { StoreTables } from "../tables.ts";
import { nextAttemptAt } from "./capture.ts";
import { deleteWithdrawal, postponeWithdrawal, readDueWithdrawals, readWithdrawalAttempts } from "./withdrawal-rows.ts";

/** Tells the wallet to end payment requests that no checkout asks for any more. */
export interface Withdrawals {
  /** Begins with those that are due and not under way. What fails is due again later. */
  begin(): Promise<void>;
  /** Resolves when none is under way. */
  idle(): Promise<void>;
}

export interface WithdrawalOptions {
  readonly db: Database<StoreTables>;
  readonly payee: Pick<Payee, "withdraw">;
  readonly clock: () => EpochMs;
  readonly report: Report;
}

const batch = 100;

/** Makes them. */
export function createWithdrawals(options: WithdrawalOptions): Withdrawals {
  const running = new Map<string, Promise<void>>();
  return {
    async begin() {
      for (const requestId of await readDueWithdrawals(options.db, options.clock(), batch)) {
        if (running.has(requestId)) continue;
        const run = withdraw(options, requestId)
          .catch((thrown: unknown) => options.report({ event: "work_failed", where: "withdraw", error: errorName(thrown) }))
          .finally(() => running.delete(requestId));
        running.set(requestId, run);
      }
    },
    async idle() {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}

/** `not_found` and `conflict` are last words as well: what is not there, or has ended otherwise, can bring nothing. */
async function withdraw({ db, payee, clock, report }: WithdrawalOptions, requestId: string): Promise<void> {
  const attempts = await readWithdrawalAttempts(db, requestId);
  if (attempts === undefined) return;
  const ended = await payee.withdraw(requestId);
  const how = ended.ok ? ended.value.status : ended.error.code;
  if (ended.ok || how === "not_found" || how === "conflict") {
    await deleteWithdrawal(db, requestId);
    report({ event: "request_withdrawn", request: requestId, how });
    return;
  }
  await postponeWithdrawal(db, requestId, nextAttemptAt(attempts + 1, clock()));
  report({ event: "withdrawal_failed", request: requestId, code: how });
}
