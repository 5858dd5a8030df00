import type { VNode } from "preact";
import { Icon, Picture, ScreenHeading } from "../parts/elements.tsx";
import { useShop } from "../parts/shop-context.ts";
import { PaymentPanel } from "../paying/payment-panel.tsx";
import { pictureOfProduct } from "../pictures.ts";
import { wholeShelf } from "./buying-state.ts";
import type { Checkout } from "./checkout.ts";

/** The order before it is paid: what, how much, one button. */
export function CheckoutScreen({ checkout }: { readonly checkout: Checkout }): VNode {
  const { format, run } = useShop();
  return (
    <section class="stack narrow">
      <button type="button" class="button button-quiet button-small back" onClick={() => run(wholeShelf)}>
        <Icon name="arrow_left" />
        Back to shop
      </button>
      <ScreenHeading>Your order</ScreenHeading>
      <div class="card card-flush">
        <ul class="list list-inset">
          {checkout.lines.map((line) => (
            <li key={line.title}>
              <Picture small source={pictureOfProduct(line.productId)} />
              <span class="grow">
                {line.title}
                <span class="quiet small line-quantity">Quantity {line.quantity}</span>
              </span>
              <span class="nums">{format.money(line.amount)}</span>
            </li>
          ))}
        </ul>
        <ul class="extras">
          {checkout.extras.map((extra) => (
            <li key={extra.label} class={extra.isContained ? "quiet small" : ""}>
              <span class="grow">{extra.label}</span>
              <span class="nums">{format.money(extra.amount)}</span>
            </li>
          ))}
        </ul>
        <div class="card-foot order-total">
          <span class="strong grow">Total</span>
          <span class="strong nums" data-testid="total">
            {format.money(checkout.total)}
          </span>
        </div>
      </div>
      <PaymentPanel checkout={checkout} />
    </section>
  );
}
