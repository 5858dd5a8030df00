import { createHash } from "node:crypto";
import type { Payee } from "@countersign/kit/payment/payee";
import type { EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/open";
import type { Order } from "../orders/order.ts";
import { readAnyOrder } from "../orders/order-rows.ts";
import { insertWithdrawal } from "../payment/withdrawal-rows.ts";
import type { Report } from "../report.ts";
import type { StoreTables } from "../tables.ts";
import { judgeRefund, type Refund } from "./refund.ts";
import { type RefundLimits, refundTermsOf } from "./refund-approval.ts";
import { endRefundApproval, insertRefund, readRefund, readRefundOfRequest, readRefundsOf } from "./refund-rows.ts";

export interface RefundBeginning {
  readonly db: Database<StoreTables>;
  readonly clock: () => EpochMs;
  readonly randomId: () => string;
  readonly report: Report;
  readonly resource: string;
  readonly payee: Pick<Payee, "signCheckout">;
  readonly refundLimits: RefundLimits;
}

/** What a caller wants back of an order. `seen`: minor units that had been given back, as they saw it; by default as the order says now. */
export interface OrderRefundWish {
  readonly amount: number | undefined;
  readonly seen: number | undefined;
  readonly reason: string | undefined;
  /** What the call is known by, however often it is sent: its refund is known by it too. */
  readonly key: string | undefined;
  /** The wallet's requests whose approval this call shows: it comes back from one of them. */
  readonly requests: readonly string[];
}

const attemptsMax = 3;
/** How many requests that a token names are looked up. */
const requestsMax = 4;

/**
 * Begins a refund of an order, or finds the one that this wish began before. Two at once are one: whoever comes second is judged by what the first one saw. A call that
 * comes back is given what it began. Refuses as {@link judgeRefund} does, and with `idempotency_conflict` when its key stands for another refund.
 */
export async function beginRefund(parts: RefundBeginning, order: Order, wish: OrderRefundWish): Promise<Result<Refund, Refusal>> {
  const { db, clock, randomId, report, resource, payee, refundLimits } = parts;
  const known = await findBegun(parts, order, wish);
  if (known !== undefined) return known;
  const seen = wish.seen ?? order.refunded;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const current = (await readAnyOrder(db, order.id)) ?? order;
    // After the order: what is done between the two is met by the insertion, and judged again.
    const refunds = await readRefundsOf(db, order.paymentId);
    const { captured, refunded, paymentId, total } = current;
    const judged = judgeRefund({ captured, refunded, refunds, limit: refundLimits[total.currency] }, { amount: wish.amount, seen });
    if (!judged.ok) return judged;
    if (judged.value.verdict === "go_on") {
      const known = await readRefund(db, judged.value.id);
      return known === undefined ? err(refuse("conflict")) : ok(known);
    }
    const now = clock();
    const id = wish.key === undefined ? `ref_${randomId()}` : idOfKey(order, wish.key);
    const { amount, needsApproval, replaces } = judged.value;
    const money = { amount, currency: total.currency };
    const refund: Refund = {
      id,
      paymentId,
      orderId: order.id,
      amount: money,
      before: refunded,
      captured,
      state: needsApproval ? "awaiting_approval" : "pending",
      attempts: 0,
      reason: wish.reason ?? null,
      createdAt: now,
      refusedWith: null,
      isApproved: false,
      signed: needsApproval ? await payee.signCheckout(refundTermsOf({ id, amount: money }, order.id, resource)) : null,
      requestId: null,
    };
    const replaced = refunds.find((each) => each.id === replaces);
    const isInserted = await db.transaction(async (tx) => {
      if (replaced !== undefined && (await endRefundApproval(tx, replaced, "cancelled")) && replaced.requestId !== null) {
        await insertWithdrawal(tx, replaced.requestId, now);
      }
      return insertRefund(tx, refund, now);
    });
    if (isInserted) {
      report({ event: "refund_begun", refund: refund.id, payment: paymentId });
      return ok(refund);
    }
  }
  return err(refuse("conflict"));
}

/** By its key, or by an approval that it shows. An approval is of one refund: told again without a key, the same wish is not a second one while its token lives. */
async function findBegun({ db }: RefundBeginning, order: Order, wish: OrderRefundWish): Promise<Result<Refund, Refusal> | undefined> {
  const isSame = (refund: Refund): boolean =>
    refund.orderId === order.id &&
    refund.amount.amount === (wish.amount ?? refund.captured - refund.before) &&
    (wish.seen === undefined || refund.before === wish.seen);
  const keyed = wish.key === undefined ? undefined : await readRefund(db, idOfKey(order, wish.key));
  if (keyed !== undefined) return isSame(keyed) ? ok(keyed) : err(refuse("idempotency_conflict"));
  for (const requestId of wish.requests.slice(0, requestsMax)) {
    const refund = await readRefundOfRequest(db, requestId);
    if (refund !== undefined && isSame(refund)) return ok(refund);
  }
  return undefined;
}

function idOfKey(order: Order, key: string): string {
  return `ref_${createHash("sha256")
    .update(JSON.stringify([order.id, key]))
    .digest("base64url")
    .slice(0, 22)}`;
}
