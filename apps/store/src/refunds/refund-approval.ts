import type { Payee } from "@countersign/kit/payment/payee";
import type { EpochMs } from "@countersign/protocol/brand";
import { type ErrorCode, refuse } from "@countersign/protocol/errors";
import type { CheckoutTerms, PaymentRequestStatus } from "@countersign/protocol/payment";
import type { Database } from "@countersign/storage/open";
import type { Report } from "../report.ts";
import type { StoreTables } from "../tables.ts";
import type { Refund } from "./refund.ts";
import { allowRefund, endRefundApproval, postponeRefund } from "./refund-rows.ts";
import type { RefundSettlement } from "./settle-refund.ts";

/** Above how many minor units, by currency, an order's refunds need the user's passkey. A currency without a row always does. */
export type RefundLimits = Readonly<Record<string, number>>;

/** As the shop has them unless it is told otherwise. */
export const refundLimits: RefundLimits = { EUR: 10_000 };

/** The terms of a refund, as its payee signs them and the user approves them. */
export function refundTermsOf({ id, amount }: Pick<Refund, "id" | "amount">, orderId: string, resource: string): CheckoutTerms {
  const items = [{ name: `Refund of order ${orderId}`, quantity: 1, amount: amount.amount }];
  return { id, version: 1, amount: amount.amount, currency: amount.currency, items, resource, refund_of: orderId };
}

export interface RefundApprovalParts {
  readonly db: Database<StoreTables>;
  readonly payee: Pick<Payee, "read">;
  readonly clock: () => EpochMs;
  readonly report: Report;
}

const againMs = 10_000;

/** What an end at the wallet comes to; null while the user has not decided, true for their yes. */
const ends: Readonly<Record<PaymentRequestStatus, ErrorCode | true | null>> = {
  created: null,
  approved: true,
  redeemed: true,
  denied: "payment_denied",
  revoked: "payment_denied",
  voided: "payment_denied",
  canceled: "cancelled",
  expired: "payment_request_expired",
};

/**
 * Asks the wallet how the user decided about a refund that waits for them, and keeps the answer: `go_on` when the bank is to be asked now, `unknown` while nobody
 * has decided or the wallet does not answer.
 */
export async function learnApproval(parts: RefundApprovalParts, refund: Refund): Promise<RefundSettlement | "go_on"> {
  const { db, payee, clock, report } = parts;
  const { signed, requestId } = refund;
  const isOver = signed === null || clock() >= signed.expiresAt;
  const request = requestId === null ? undefined : await payee.read(requestId, 0);
  const isTheirs = request?.ok === true && request.value.id === requestId && request.value.checkoutHash === signed?.hash;
  const end = isTheirs ? ends[request.value.status] : null;
  if (end === true) {
    if (await allowRefund(db, refund.id, clock())) report({ event: "refund_approved", refund: refund.id });
    return "go_on";
  }
  // Nobody was ever asked, or the wallet knows nothing of it: then nobody can say yes after its time.
  const isUnknown = request === undefined || (!request.ok && request.error.code === "not_found");
  const code = end ?? (isOver && isUnknown ? "payment_request_expired" : null);
  if (code === null) {
    await postponeRefund(db, refund.id, clock() + againMs);
    return { outcome: "unknown" };
  }
  if (await endRefundApproval(db, refund, code)) report({ event: "refund_refused", refund: refund.id, code });
  return { outcome: "refused", refusal: refuse(code) };
}
