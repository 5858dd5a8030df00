import type { Payee } from "@countersign/kit/payment/payee";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import type { Sealer } from "@countersign/storage/sealed";
import type { BankClient } from "./bank-client.ts";
import { applyToCheckout } from "./checkout/checkout-rows.ts";
import type { AnnounceOrder } from "./orders/announce.ts";
import { completeCheckout } from "./payment/complete.ts";
import { createPaymentLooks, type PaymentLooks } from "./payment/payment-looks.ts";
import { createSettler, type Settler } from "./payment/settle.ts";
import { createWatchers, type Watchers } from "./payment/watchers.ts";
import { createWithdrawals, type Withdrawals } from "./payment/withdrawals.ts";
import { createRefunder, type Refunder } from "./refunds/settle-refund.ts";
import type { Report } from "./report.ts";
import type { StoreTables } from "./tables.ts";

/** Everything that goes on whether or not anybody still waits for it. What is unfinished is in the database, and is found there again. */
export interface Work {
  readonly settler: Settler;
  readonly refunder: Refunder;
  readonly watchers: Watchers;
  readonly withdrawals: Withdrawals;
  readonly paymentLooks: PaymentLooks;
}

export interface WorkOptions {
  readonly db: Database<StoreTables>;
  readonly payee: Payee;
  readonly bank: BankClient;
  readonly sealer: Sealer;
  readonly clock: () => EpochMs;
  readonly report: Report;
  readonly announce: AnnounceOrder;
}

/** Makes it; nothing has begun then. */
export function createWork({ db, payee, bank, sealer, clock, report, announce }: WorkOptions): Work {
  const settler = createSettler({ db, bank, sealer, clock, report, announce });
  const refunder = createRefunder({ db, bank, payee, clock, report, announce });
  const withdrawals = createWithdrawals({ db, payee, clock, report });
  const paymentLooks = createPaymentLooks({ db, bank, settler, refunder, clock, report, announce, countMax: 64 });
  const watchers = createWatchers({
    payee,
    countMax: 256,
    async onApproved(checkoutId, approval) {
      const completed = await completeCheckout({ db, sealer, clock, report, settler }, checkoutId, approval);
      if (completed.ok) return;
      report({ event: "approval_unused", checkout: checkoutId, request: approval.requestId, code: completed.error.code });
      await withdrawals.begin();
    },
    async onEnded(checkoutId, requestId, how) {
      await applyToCheckout(db, checkoutId, { type: how, requestId }, clock());
    },
    clock,
    report,
  });
  return { settler, refunder, watchers, withdrawals, paymentLooks };
}

/** Resolves when no approval is being waited for, none is being withdrawn and no payment is being looked at. */
export async function workIdle({ watchers, withdrawals, paymentLooks }: Work): Promise<void> {
  await watchers.idle();
  await withdrawals.idle();
  await paymentLooks.idle();
}

/** Stops waiting for approvals, and resolves when what was on its way to the bank or the wallet is back. */
export async function endWork({ watchers, withdrawals, paymentLooks, settler, refunder }: Work): Promise<void> {
  await watchers.close();
  await withdrawals.idle();
  await paymentLooks.idle();
  await settler.idle();
  await refunder.idle();
}
