import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import type { Line } from "../bill.ts";
import { Icon, Picture, ScreenHeading, Stepper, WorkButton } from "../parts/elements.tsx";
import { useShop } from "../parts/shop-context.ts";
import { PaymentPanel } from "../paying/payment-panel.tsx";
import { pictureOf, pictureOfProduct } from "../pictures.ts";
import { isRunning } from "../shop-state.ts";
import { isChanging, wholeShelf } from "./buying-state.ts";
import { type Checkout, isOpen } from "./checkout.ts";
import { Delivery } from "./delivery.tsx";

const quantityMax = 20;
/** Longer than a timer can wait, and than any price is held. */
const waitMsMax = 24 * 60 * 60_000;

/** The order before it is paid: what, how it comes, how much, one button. */
export function CheckoutScreen({ checkout }: { readonly checkout: Checkout }): VNode {
  const { state, run } = useShop();
  useExpiry(checkout);
  const canChange = isOpen(checkout) && !isRunning(state, { type: "pay", checkoutId: checkout.id });
  return (
    <section class="stack narrow" data-testid="order" data-status={checkout.status}>
      <button type="button" class="button button-quiet button-small back" onClick={() => run(wholeShelf)}>
        <Icon name="arrow_left" />
        Back to shop
      </button>
      <ScreenHeading again={checkout.lines.length}>Your order</ScreenHeading>
      <Moved checkout={checkout} />
      <div class="card card-flush" aria-busy={isChanging(state, checkout)}>
        <ul class="list list-inset">
          {checkout.lines.map((line) => (
            <LineRow key={line.variantId} line={line} canChange={canChange} />
          ))}
        </ul>
        <Sums checkout={checkout} />
      </div>
      {canChange ? <Delivery checkout={checkout} /> : null}
      <PaymentPanel checkout={checkout} />
      {isOpen(checkout) ? <CancelButton checkout={checkout} /> : null}
    </section>
  );
}

function LineRow({ line, canChange }: { readonly line: Line; readonly canChange: boolean }): VNode {
  const { state, format, dispatch } = useShop();
  const quantity = state.wanted.quantities[line.variantId] ?? line.quantity;
  const want = (next: number): void => dispatch({ type: "want", wish: { variantId: line.variantId, quantity: next } });
  return (
    <li class="order-line" data-testid="order-line">
      <Picture small source={pictureOf(line.image) ?? pictureOfProduct(line.productId)} />
      <span class="grow">
        {line.title}
        {canChange ? null : <span class="quiet small line-quantity">Quantity {line.quantity}</span>}
      </span>
      <span class="nums line-amount">{format.money(line.amount)}</span>
      {canChange ? (
        <span class="line-tools">
          <Stepper what={line.title} value={quantity} max={quantityMax} onChange={want} />
          <button
            type="button"
            class="icon-button"
            aria-label={`Remove ${line.title}`}
            title={`Remove ${line.title}`}
            data-testid="remove"
            onClick={() => want(0)}
          >
            <Icon name="trash" />
          </button>
        </span>
      ) : null}
    </li>
  );
}

/** Everything that makes the total, as the shop says it. */
function Sums({ checkout }: { readonly checkout: Checkout }): VNode {
  const { format } = useShop();
  return (
    <>
      <ul class="extras">
        {checkout.extras.map((extra) => (
          <li key={extra.label} class={extra.isContained ? "quiet small" : ""}>
            <span class="grow">{extra.label}</span>
            <span class="nums">{extra.amount.amount === 0 ? "Free" : format.money(extra.amount)}</span>
          </li>
        ))}
      </ul>
      <div class="card-foot order-total">
        <span class="strong grow">Total</span>
        <span class="strong nums" data-testid="total">
          {format.money(checkout.total)}
        </span>
      </div>
    </>
  );
}

/** Somebody else changed the order: the chat, or another window. */
function Moved({ checkout }: { readonly checkout: Checkout }): VNode | null {
  const { state, format } = useShop();
  if (state.movedFrom === undefined) return null;
  const [was, is] = [format.money(state.movedFrom), format.money(checkout.total)];
  return (
    <div class="notice notice-warn" role="status" data-testid="moved">
      <Icon name="info" />
      <span class="grow">
        {was === is
          ? "This order was changed elsewhere. The total is the same; look at what is in it before you pay."
          : `The price changed: it was ${was} and is ${is} now, because this order was changed elsewhere.`}
      </span>
    </div>
  );
}

function CancelButton({ checkout }: { readonly checkout: Checkout }): VNode {
  const { state, run } = useShop();
  const cancel = { type: "cancel", checkoutId: checkout.id } as const;
  return (
    <WorkButton class="button button-quiet button-small center-self" testId="cancel" busy={isRunning(state, cancel)} onPress={() => run(cancel)}>
      Cancel this order
    </WorkButton>
  );
}

/** When the time is over, the shop is asked whether it really is. */
function useExpiry({ id, status, expiresAt }: Checkout): void {
  const { run } = useShop();
  useEffect(() => {
    const left = expiresAt - Date.now();
    if (status !== "priced" || Number.isNaN(left) || left > waitMsMax) return;
    const timer = setTimeout(() => run({ type: "check", checkoutId: id }), Math.max(0, left) + 500);
    return () => clearTimeout(timer);
  }, [id, status, expiresAt]);
}
