import { collectId } from "../checkout/shipping.ts";
import type { Order } from "../orders/order.ts";
import type { Refund, RefundState } from "../refunds/refund.ts";
import { type AcpTotal, totalsOf } from "./totals.ts";

interface OrderLine {
  readonly id: string;
  readonly title: string;
  readonly product_id: string;
  readonly quantity: { readonly ordered: number; readonly current: number; readonly fulfilled: number };
  readonly unit_price: number;
  readonly subtotal: number;
  readonly status: "processing";
}

interface Adjustment {
  readonly id: string;
  readonly type: "refund";
  readonly occurred_at: string;
  readonly status: "pending" | "completed" | "failed";
  readonly amount: number;
  readonly currency: string;
}

/** An order as ACP 2026-04-17 tells of it. Who paid, and from which account, is not the agent's to know. */
export interface AcpOrder {
  readonly type: "order";
  readonly id: string;
  readonly checkout_session_id: string;
  readonly order_number: string;
  readonly permalink_url: string;
  readonly status: "confirmed";
  readonly line_items: readonly OrderLine[];
  readonly fulfillments: readonly { readonly id: string; readonly type: "shipping" | "pickup"; readonly status: "pending" }[];
  readonly adjustments: readonly Adjustment[];
  /** The total is what was charged; what was given back of it is a figure of its own. */
  readonly totals: readonly AcpTotal[];
}

const refundStatuses: Readonly<Record<RefundState, Adjustment["status"]>> = {
  awaiting_approval: "pending",
  pending: "pending",
  done: "completed",
  refused: "failed",
};

/** Shows an order with its refunds. `permalink`: the page where the buyer sees it. */
export function viewAcpOrder(order: Order, refunds: readonly Refund[], permalink: string): AcpOrder {
  const { id, lines, shipping } = order;
  const refunded = order.refunded === 0 ? [] : [{ type: "amount_refunded", display_text: "Refunded", amount: order.refunded } as const];
  return {
    type: "order",
    id,
    checkout_session_id: order.checkoutId,
    order_number: id,
    permalink_url: permalink,
    status: "confirmed",
    line_items: lines.map((line) => ({
      id: line.variant_id,
      title: line.title,
      product_id: line.product_id,
      quantity: { ordered: line.quantity, current: line.quantity, fulfilled: 0 },
      unit_price: line.unit_price.amount,
      subtotal: line.amount.amount,
      status: "processing",
    })),
    fulfillments: shipping === null ? [] : [{ id: `${id}-1`, type: shipping.option === collectId ? "pickup" : "shipping", status: "pending" }],
    adjustments: refunds.map(viewRefund),
    totals: [...totalsOf(order), ...refunded],
  };
}

function viewRefund({ id, createdAt, state, amount: { amount, currency } }: Refund): Adjustment {
  const occurred_at = new Date(createdAt).toISOString();
  return { id, type: "refund", occurred_at, status: refundStatuses[state], amount, currency: currency.toLowerCase() };
}
