import { createHash } from "node:crypto";
import type { Payee } from "@countersign/kit/payment/payee";
import type { EpochMs } from "@countersign/protocol/brand";
import { type ErrorCode, type Refusal, refuse } from "@countersign/protocol/errors";
import type { Database } from "@countersign/storage/open";
import type { BankClient, BankPayment } from "../bank-client.ts";
import type { AnnounceOrder } from "../orders/announce.ts";
import { readAnyOrder, writeOrderSums } from "../orders/order-rows.ts";
import { type CaptureKnowledge, decideCapture, nextAttemptAt } from "../payment/capture.ts";
import type { Report } from "../report.ts";
import type { StoreTables } from "../tables.ts";
import { findRefund, type Refund } from "./refund.ts";
import { learnApproval } from "./refund-approval.ts";
import { takeBack } from "./take-back.ts";
import { countRefundAttempt, postponeRefund, readRefund, settleRefund } from "./refund-rows.ts";

export type RefundSettlement =
  | { readonly outcome: "done" }
  | { readonly outcome: "refused"; readonly refusal: Refusal }
  /** The bank, or the user who is to approve it, has not said; the recovery asks again. */
  | { readonly outcome: "unknown" };

/** Brings refunds to their end. Several callers of one refund share one run. */
export interface Refunder {
  settle(refundId: string): Promise<RefundSettlement>;
  /** Resolves when no run is under way. */
  idle(): Promise<void>;
}

export interface RefunderOptions {
  readonly db: Database<StoreTables>;
  readonly bank: BankClient;
  readonly clock: () => EpochMs;
  readonly report: Report;
  readonly payee: Pick<Payee, "read">;
  /** Notes a changed order for whoever is told of it. */
  readonly announce: AnnounceOrder;
}

const sendsPerRun = 2;

/** Makes the refunder. */
export function createRefunder(options: RefunderOptions): Refunder {
  const running = new Map<string, Promise<RefundSettlement>>();
  return {
    settle(refundId) {
      const current = running.get(refundId);
      if (current !== undefined) return current;
      const run = runRefund(options, refundId).finally(() => running.delete(refundId));
      running.set(refundId, run);
      return run;
    },
    async idle() {
      await Promise.allSettled(running.values());
    },
  };
}

/** A refund is decided about like a capture whose mandate never ends: what was sent is read before it is sent again, and it is never called failed while it may have happened. */
async function runRefund(options: RefunderOptions, refundId: string): Promise<RefundSettlement> {
  const { db, bank, clock, report } = options;
  const refund = await readRefund(db, refundId);
  if (refund === undefined) throw new TypeError("there is no such refund");
  if (refund.state === "awaiting_approval") {
    const learnt = await learnApproval(options, refund);
    return learnt === "go_on" ? runRefund(options, refundId) : learnt;
  }
  if (refund.state !== "pending") return settlementOf(refund);
  const idempotencyKey = refundKeyOf(refundId);
  let known: CaptureKnowledge = { attempts: refund.attempts, reply: "none", reading: "none", sendsLeft: sendsPerRun, mandateAlive: true };
  let payment: BankPayment | undefined;
  let code: ErrorCode = "payment_declined";
  for (;;) {
    switch (decideCapture(known)) {
      case "finish":
        return finish(options, refund, payment);
      case "refuse":
        return giveUp(options, refund, code, payment);
      case "postpone":
        await postponeRefund(db, refundId, nextAttemptAt(known.attempts, clock()));
        return { outcome: "unknown" };
      case "read": {
        const reading = await bank.read(refund.paymentId);
        payment = reading.outcome === "found" ? reading.payment : undefined;
        const isAbsent = payment !== undefined && findRefund(payment, refund, idempotencyKey) === "absent";
        known = { ...known, reading: isAbsent ? "absent" : reading.outcome };
        break;
      }
      case "send": {
        const attempts = known.attempts + 1;
        if (!(await countRefundAttempt(db, refundId, nextAttemptAt(attempts, clock())))) return recall(options, refundId);
        report({ event: "refund_sent", refund: refundId, attempt: attempts });
        const reply = await bank.refund({ paymentId: refund.paymentId, amount: refund.amount, idempotencyKey });
        payment = reply.outcome === "captured" ? reply.payment : undefined;
        code = reply.outcome === "refused" ? reply.refusal.code : code;
        if (reply.outcome === "unknown") report({ event: "refund_unknown", refund: refundId, why: reply.why });
        known = { ...known, attempts, reply: reply.outcome, reading: "none", sendsLeft: known.sendsLeft - 1 };
        break;
      }
    }
  }
}

async function finish(options: RefunderOptions, refund: Refund, payment: BankPayment | undefined): Promise<RefundSettlement> {
  const { db, clock, report } = options;
  if (payment === undefined || findRefund(payment, refund, refundKeyOf(refund.id)) !== "found") {
    report({ event: "refund_mismatch", refund: refund.id });
    await postponeRefund(db, refund.id, nextAttemptAt(10, clock()));
    return { outcome: "unknown" };
  }
  const isFirst = await db.transaction(async (tx) => {
    const settled = await settleRefund(tx, refund, "done", null);
    if (!settled) return false;
    await writeOrderSums(tx, payment);
    if (refund.orderId !== null) await announceOrder(options, tx, refund.orderId);
    return true;
  });
  if (!isFirst) return recall(options, refund.id);
  report({ event: "refund_done", refund: refund.id, payment: refund.paymentId });
  return { outcome: "done" };
}

/**
 * What the bank was read to say about the payment is kept with it: a refusal because of another refund shows that one. A charge without an order is owed
 * whatever the bank says now, so giving it back is begun again in the same transaction.
 */
async function giveUp(options: RefunderOptions, refund: Refund, code: ErrorCode, payment: BankPayment | undefined): Promise<RefundSettlement> {
  const isFirst = await options.db.transaction(async (tx) => {
    const settled = await settleRefund(tx, refund, "refused", code);
    if (!settled || payment === undefined) return settled;
    if (refund.orderId === null) await takeBack({ ...options, db: tx }, payment);
    else if (await writeOrderSums(tx, payment)) await announceOrder(options, tx, refund.orderId);
    return true;
  });
  if (!isFirst) return recall(options, refund.id);
  options.report({ event: "refund_refused", refund: refund.id, code });
  return { outcome: "refused", refusal: refuse(code) };
}

async function announceOrder({ announce, clock }: RefunderOptions, tx: Database<StoreTables>, orderId: string): Promise<void> {
  const order = await readAnyOrder(tx, orderId);
  if (order !== undefined) await announce(tx, order, "order_update", clock());
}

/** What was settled before, here or by another instance. */
async function recall(options: RefunderOptions, refundId: string): Promise<RefundSettlement> {
  const refund = await readRefund(options.db, refundId);
  return refund === undefined ? { outcome: "unknown" } : settlementOf(refund);
}

function settlementOf(refund: Refund): RefundSettlement {
  switch (refund.state) {
    case "awaiting_approval":
    case "pending":
      return { outcome: "unknown" };
    case "done":
      return { outcome: "done" };
    case "refused":
      return { outcome: "refused", refusal: refuse(refund.refusedWith ?? "payment_declined") };
  }
}

/** The key under which the bank knows one refund, however often it is sent: derived, so that it cannot be lost. */
export function refundKeyOf(refundId: string): string {
  return `refund-${createHash("sha256").update(`countersign/refund/${refundId}`).digest("base64url")}`;
}
