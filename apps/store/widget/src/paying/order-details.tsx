import type { ComponentChildren, VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Bill } from "../bill.ts";
import { useShop } from "../parts/shop-context.ts";
import type { Order, OrderStatus, Receipt, Refund } from "./order.ts";

const statusWords: Readonly<Record<OrderStatus, readonly [text: string, badge: string]>> = {
  complete: ["Paid", "badge badge-good"],
  partly_refunded: ["Partly refunded", "badge badge-warn"],
  refunded: ["Refunded", "badge"],
};

/** How an order stands with its money, in a word or two. */
export function StatusBadge({ status }: { readonly status: OrderStatus }): VNode {
  const [text, badge] = statusWords[status];
  return <span class={badge}>{text}</span>;
}

/** What was bought, what was added to it, and what it came to. */
export function BillLines({ bill }: { readonly bill: Bill }): VNode {
  const { format } = useShop();
  return (
    <ul class="lines">
      {bill.lines.map((line, index) => (
        <li key={`${index} ${line.title}`}>
          <span>
            {line.quantity > 1 ? `${line.quantity} × ` : ""}
            {line.title}
          </span>
          <span class="amount">{format.money(line.amount)}</span>
        </li>
      ))}
      {bill.extras.map((extra) => (
        <li key={extra.label} class={extra.isContained ? "quiet small" : ""}>
          <span>{extra.label}</span>
          <span class="amount">{extra.amount.amount === 0 ? "Free" : format.money(extra.amount)}</span>
        </li>
      ))}
      <li class="lines-total">
        <span>Total</span>
        <span class="amount">{format.money(bill.total)}</span>
      </li>
    </ul>
  );
}

const refundWords: Readonly<Record<Refund["status"], string>> = {
  done: "Refunded",
  pending: "Refund on its way",
  refused: "Refund refused by the bank",
};

/** What was given back, oldest first. */
export function RefundLines({ order }: { readonly order: Order }): VNode | null {
  const { format } = useShop();
  const list = useRef<HTMLUListElement>(null);
  // The form that asked for the refund is gone, and the focus with it.
  useLayoutEffect(() => {
    if (document.hasFocus() && document.activeElement === document.body) list.current?.focus({ preventScroll: true });
  }, [order.refunds.length]);
  if (order.refunds.length === 0) return null;
  return (
    <ul ref={list} tabIndex={-1} class="lines refund-lines" aria-label="Refunds" data-testid="refunds">
      {order.refunds.map((refund) => (
        <li key={refund.id} data-status={refund.status}>
          <span>
            {refundWords[refund.status]}
            <span class="quiet small order-date">{format.moment(refund.createdAt)}</span>
          </span>
          <span class={refund.status === "refused" ? "amount quiet" : "amount"}>
            {refund.status === "refused" ? "" : "− "}
            {format.money(refund.amount)}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Proof of purchase: when, from which account, and who approved it. */
export function ReceiptPairs({ order, receipt }: { readonly order: Order; readonly receipt: Receipt | undefined }): VNode {
  const { format } = useShop();
  return (
    <dl class="pairs">
      <Pair name="Date">{format.moment(receipt?.paidAt ?? order.createdAt)}</Pair>
      {receipt === undefined ? null : (
        <>
          <Pair name="Paid to">{receipt.payee}</Pair>
          {receipt.paidWith === "" ? null : <Pair name="Paid from">{receipt.paidWith}</Pair>}
          <Pair name="Approved">{receipt.humanPresent ? "By you, with your passkey" : "By your policy"}</Pair>
        </>
      )}
      <Pair name="Order">
        <span class="mono">{order.id}</span>
      </Pair>
    </dl>
  );
}

function Pair({ name, children }: { readonly name: string; readonly children: ComponentChildren }): VNode {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
