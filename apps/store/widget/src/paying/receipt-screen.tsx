import type { VNode } from "preact";
import type { Order, Receipt } from "./order.ts";
import { wholeShelf } from "../buying/buying-state.ts";
import { Icon, ScreenHeading } from "../parts/elements.tsx";
import { useShop } from "../parts/shop-context.ts";

/** Paid: the sum first, then what it was for. */
export function ReceiptScreen({ order, receipt }: { readonly order: Order; readonly receipt: Receipt }): VNode {
  const { format, run } = useShop();
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
        <ul class="lines">
          {order.lines.map((line) => (
            <li key={line.title}>
              <span>
                {line.quantity > 1 ? `${line.quantity} × ` : ""}
                {line.title}
              </span>
              <span class="amount">{format.money(line.amount)}</span>
            </li>
          ))}
          {order.extras.map((extra) => (
            <li key={extra.label} class={extra.isContained ? "quiet small" : ""}>
              <span>{extra.label}</span>
              <span class="amount">{format.money(extra.amount)}</span>
            </li>
          ))}
          <li class="lines-total">
            <span>Total</span>
            <span class="amount">{format.money(order.total)}</span>
          </li>
        </ul>
        <dl class="pairs">
          <dt>Date</dt>
          <dd>{format.moment(receipt.paidAt)}</dd>
          {receipt.paidWith === "" ? null : (
            <>
              <dt>Paid from</dt>
              <dd>{receipt.paidWith}</dd>
            </>
          )}
          <dt>Approved</dt>
          <dd>{receipt.humanPresent ? "By you, with your passkey" : "By your standing permission"}</dd>
          <dt>Order</dt>
          <dd class="mono">{receipt.number}</dd>
        </dl>
      </div>
      <div class="row snug wrap">
        <button type="button" class="button grow" onClick={() => run(wholeShelf)}>
          Keep shopping
        </button>
        <button type="button" class="button grow" onClick={() => run({ type: "orders" })}>
          See all orders
        </button>
      </div>
    </section>
  );
}
