import type { EpochMs } from "@countersign/protocol/brand";
import type { Money } from "@countersign/protocol/money";
import type { CheckoutLine } from "../checkout/checkout.ts";

/** A paid order. One payment, one order, one checkout: each id appears once. */
export interface Order {
  readonly id: string;
  readonly checkoutId: string;
  readonly paymentId: string;
  /** `sub` of the user who approved the payment. */
  readonly subject: string;
  readonly lines: readonly CheckoutLine[];
  readonly total: Money;
  readonly createdAt: EpochMs;
  readonly humanPresent: boolean;
  /** The account it was paid from, as the wallet describes it. */
  readonly paidWith: string;
}

/** An order as tools answer it. */
export interface OrderView {
  readonly id: string;
  readonly checkout_id: string;
  readonly status: "complete";
  readonly total: Money;
  readonly items: readonly CheckoutLine[];
  readonly created_at: string;
  readonly payment: { readonly id: string; readonly status: "captured" };
}

/** Proof of purchase for people. */
export interface Receipt {
  readonly number: string;
  readonly payee: string;
  readonly total: Money;
  readonly paid_at: string;
  readonly payment_id: string;
  readonly paid_with: string;
  readonly human_present: boolean;
  readonly items: readonly { readonly name: string; readonly quantity: number; readonly amount: Money }[];
}

/** Shows an order. */
export function viewOrder(order: Order): OrderView {
  return {
    id: order.id,
    checkout_id: order.checkoutId,
    status: "complete",
    total: order.total,
    items: order.lines,
    created_at: new Date(order.createdAt).toISOString(),
    payment: { id: order.paymentId, status: "captured" },
  };
}

/** The same order gives the same receipt, whenever it is asked for. */
export function receiptOf(order: Order, payee: string): Receipt {
  return {
    number: order.id,
    payee,
    total: order.total,
    paid_at: new Date(order.createdAt).toISOString(),
    payment_id: order.paymentId,
    paid_with: order.paidWith,
    human_present: order.humanPresent,
    items: order.lines.map((line) => ({ name: line.title, quantity: line.quantity, amount: line.amount })),
  };
}
