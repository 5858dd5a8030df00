import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import type { BankPayment } from "../bank-client.ts";
import type { Report } from "../report.ts";
import type { StoreTables } from "../tables.ts";
import { insertRefund, readRefundsOf } from "./refund-rows.ts";

/** How long a charge waits to be given back after the bank has refused that so many times: a minute, doubling, at most a day. */
function delayAfter(refusals: number): number {
  return refusals === 0 ? 0 : Math.min(86_400_000, 60_000 * 2 ** Math.min(refusals - 1, 11));
}

/**
 * Gives back a charge that came to no order, because the store had given the payment up when the bank made it: what was captured and not refunded becomes a refund in the outbox.
 * Twice is once. One that the bank refused is begun anew under a key of its own, later: nobody else would ask for this money again.
 */
export async function takeBack(
  parts: { readonly db: Database<StoreTables>; readonly clock: () => EpochMs; readonly report: Report },
  payment: BankPayment,
): Promise<void> {
  const { id: paymentId, captured, refunded, currency } = payment;
  if (refunded >= captured) return;
  const now = parts.clock();
  const refusals = (await readRefundsOf(parts.db, paymentId)).filter((each) => each.state === "refused").length;
  const refund = {
    // By what it gives back, so that two who find the charge at once make one refund.
    id: `ref_${paymentId}_${refunded}${refusals === 0 ? "" : `_${refusals}`}`,
    paymentId,
    orderId: null,
    amount: { amount: captured - refunded, currency },
    before: refunded,
    captured,
    state: "pending",
    attempts: 0,
    reason: null,
    createdAt: now,
    refusedWith: null,
    isApproved: false,
    signed: null,
    requestId: null,
  } as const;
  if (await insertRefund(parts.db, refund, now + delayAfter(refusals)))
    parts.report({ event: "charge_taken_back", refund: refund.id, payment: paymentId });
}
