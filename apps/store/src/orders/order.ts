import type { EpochMs } from "@countersign/protocol/brand";
import type { Money } from "@countersign/protocol/money";
import type { Address } from "../checkout/address.ts";
import { type BillLine, billOf } from "../checkout/bill.ts";
import type { CheckoutLine, Shipping } from "../checkout/price.ts";
import type { Tax } from "../checkout/tax.ts";
import { type LineView, viewLines } from "../checkout/view-lines.ts";
import { type PaidStatus, paidStatusOf, type Refund, type RefundView, viewRefund } from "../refunds/refund.ts";

/** A paid order. One payment, one order, one checkout: each id appears once. */
export interface Order {
  readonly id: string;
  readonly checkoutId: string;
  readonly paymentId: string;
  /** `sub` of the user who approved the payment. */
  readonly subject: string;
  readonly lines: readonly CheckoutLine[];
  /** Null, like `tax`, in orders from before there was any. */
  readonly shipping: Shipping | null;
  readonly tax: Tax | null;
  readonly total: Money;
  readonly createdAt: EpochMs;
  readonly humanPresent: boolean;
  /** The account it was paid from, as the wallet describes it. */
  readonly paidWith: string;
  /** Minor units that the bank captured, and that it gave back, when it was last asked. */
  readonly captured: number;
  readonly refunded: number;
}

/** An order as tools answer it. */
export interface OrderView {
  readonly id: string;
  readonly checkout_id: string;
  readonly status: PaidStatus;
  readonly total: Money;
  /** Of the total. */
  readonly refunded: Money;
  readonly items: readonly LineView[];
  readonly shipping?: Omit<Shipping, "offers" | "address"> & { readonly address?: Address };
  readonly tax?: Tax;
  readonly created_at: string;
  /** `human_present` as the mandate says it: false when a policy of the buyer's approved. */
  readonly payment: { readonly id: string; readonly status: "captured" | "refunded"; readonly human_present: boolean };
  /** Where one order is looked at. */
  readonly refunds?: readonly RefundView[];
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
  /** Adds up to the total. */
  readonly items: readonly BillLine[];
}

/** Shows an order, with its refunds when they are given. */
export function viewOrder(order: Order, refunds?: readonly Refund[]): OrderView {
  return {
    id: order.id,
    checkout_id: order.checkoutId,
    status: paidStatusOf(order),
    total: order.total,
    refunded: { amount: order.refunded, currency: order.total.currency },
    items: viewLines(order.lines),
    ...(order.shipping === null ? {} : { shipping: viewShipping(order.shipping) }),
    ...(order.tax === null ? {} : { tax: order.tax }),
    created_at: new Date(order.createdAt).toISOString(),
    payment: { id: order.paymentId, status: paidStatusOf(order) === "refunded" ? "refunded" : "captured", human_present: order.humanPresent },
    ...(refunds === undefined ? {} : { refunds: refunds.map(viewRefund) }),
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
    items: billOf(order),
  };
}

function viewShipping({ option, title, amount, address }: Shipping): NonNullable<OrderView["shipping"]> {
  return address === null ? { option, title, amount } : { option, title, amount, address };
}
