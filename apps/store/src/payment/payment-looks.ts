import type { BankClient } from "../bank-client.ts";
import { readOrderOfPayment, writeOrderSums } from "../orders/order-rows.ts";
import { readRefundsOf } from "../refunds/refund-rows.ts";
import type { Refunder } from "../refunds/settle-refund.ts";
import { takeBack } from "../refunds/take-back.ts";
import { errorName } from "../report.ts";
import { readCapture } from "./capture-rows.ts";
import type { Settler, SettlerOptions } from "./settle.ts";

/** Looks at payments that somebody says have changed. */
export interface PaymentLooks {
  /** Looks at a payment because of its change number `sequence`; false when that has to be done again, because the bank could not be read or too many are looked at. */
  look(paymentId: string, sequence: number): Promise<boolean>;
  /** Looks at a refund because the user may have decided about it. */
  lookAtRefund(refundId: string): void;
  /** Resolves when nothing that a look began is under way. */
  idle(): Promise<void>;
}

export type PaymentLookOptions = Pick<SettlerOptions, "db" | "clock" | "report" | "announce"> & {
  readonly bank: BankClient;
  readonly settler: Settler;
  readonly refunder: Refunder;
  /** How many payments are looked at at a time. */
  readonly countMax: number;
};

/** Makes them. */
export function createPaymentLooks(options: PaymentLookOptions): PaymentLooks {
  const running = new Set<Promise<unknown>>();
  const begin = (work: Promise<unknown>): void => {
    const run = work
      .catch((thrown: unknown) => options.report({ event: "work_failed", where: "look", error: errorName(thrown) }))
      .finally(() => running.delete(run));
    running.add(run);
  };
  return {
    look: async (paymentId, sequence) => running.size < options.countMax && (await lookAt(options, begin, paymentId, sequence)),
    lookAtRefund: (refundId) => begin(options.refunder.settle(refundId)),
    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}

/**
 * What is under way goes on by its own rules, and nobody waits for it. Otherwise the sums that the bank gives now are kept with the order; a charge whose capture was
 * given up, so that it has no order and will have none, is given back. False when the bank could not be read.
 */
async function lookAt(options: PaymentLookOptions, begin: (work: Promise<unknown>) => void, paymentId: string, sequence: number): Promise<boolean> {
  const { db, bank, settler, refunder } = options;
  const settleRefund = async (): Promise<boolean> => {
    const live = (await readRefundsOf(db, paymentId)).find((each) => each.state === "pending");
    if (live !== undefined) begin(refunder.settle(live.id));
    return live !== undefined;
  };
  const capture = await readCapture(db, paymentId);
  if (capture === undefined) return true;
  if (capture.state === "pending") {
    begin(settler.settle(paymentId));
    return true;
  }
  if (await settleRefund()) return true;
  const order = await readOrderOfPayment(db, paymentId);
  // How a payment began is what its order was made from.
  if (order !== undefined && sequence === 0) return true;
  const reading = await bank.read(paymentId);
  if (reading.outcome === "unknown") return false;
  if (reading.outcome === "absent" || reading.payment.id !== paymentId) return true;
  if (order !== undefined) {
    const isChanged = await db.transaction(async (tx) => {
      const written = await writeOrderSums(tx, reading.payment);
      if (written) await options.announce(tx, order, "order_update", options.clock());
      return written;
    });
    if (isChanged) options.report({ event: "order_sums_changed", payment: paymentId });
    return true;
  }
  await takeBack(options, reading.payment);
  await settleRefund();
  return true;
}
