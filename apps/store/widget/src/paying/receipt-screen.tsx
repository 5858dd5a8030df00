import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { wholeShelf } from "../buying/buying-state.ts";
import { Icon, ScreenHeading } from "../parts/elements.tsx";
import { useShop } from "../parts/shop-context.ts";
import { isRunning } from "../shop-state.ts";
import type { Order, Receipt } from "./order.ts";
import { BillLines, ReceiptPairs, RefundLines, StatusBadge } from "./order-details.tsx";
import { RefundForm } from "./refund-form.tsx";

/** Paid: the sum first, then what it was for. */
export function ReceiptScreen({ order, receipt }: { readonly order: Order; readonly receipt: Receipt }): VNode {
  const { format, run } = useShop();
  useWatchRefund(order);
  return (
    <section class="stack narrow" data-testid="receipt">
      <div class="card">
        <div class="receipt-head">
          <span class="seal seal-good">
            <Icon name="check" />
          </span>
          <ScreenHeading>Paid</ScreenHeading>
          <p class="total-amount nums">{format.money(receipt.total)}</p>
          <p class="quiet">to {receipt.payee}</p>
        </div>
        <BillLines bill={order} />
        <RefundLines order={order} />
        <ReceiptPairs order={order} receipt={receipt} />
      </div>
      <div class="row snug wrap">
        <button type="button" class="button grow" onClick={() => run(wholeShelf)}>
          Keep shopping
        </button>
        <button type="button" class="button grow" onClick={() => run({ type: "orders" })}>
          See all orders
        </button>
      </div>
      <RefundForm key={`${order.id} ${order.refunded.amount}`} order={order} />
    </section>
  );
}

const lookAgainMs = 3_000;

/** While a refund is on its way, look again now and then: the shop asks the bank by itself. */
function useWatchRefund(order: Order): void {
  const { run } = useShop();
  const isPending = order.refunds.some(({ status }) => status === "pending");
  useEffect(() => {
    if (!isPending) return;
    const timer = setInterval(() => run({ type: "order", orderId: order.id }), lookAgainMs);
    return () => clearInterval(timer);
  }, [isPending, order.id]);
}

/** An order looked at again. */
export function OrderScreen({ order, receipt }: { readonly order: Order; readonly receipt: Receipt | undefined }): VNode {
  const { state, run } = useShop();
  useWatchRefund(order);
  const busy = isRunning(state, { type: "order", orderId: order.id });
  return (
    <section class="stack narrow" data-testid="order" aria-busy={busy}>
      <button type="button" class="button button-quiet button-small back" onClick={() => run({ type: "orders" })}>
        <Icon name="arrow_left" />
        My orders
      </button>
      <div class="row between">
        <ScreenHeading>Your order</ScreenHeading>
        <StatusBadge status={order.status} />
      </div>
      <div class="card">
        <BillLines bill={order} />
        <RefundLines order={order} />
        <ReceiptPairs order={order} receipt={receipt} />
      </div>
      <RefundForm key={`${order.id} ${order.refunded.amount}`} order={order} />
    </section>
  );
}
