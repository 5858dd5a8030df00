import type { VNode } from "preact";
import { AddressScreen } from "../buying/address-screen.tsx";
import { countOf, isOpen } from "../buying/checkout.ts";
import { CheckoutScreen } from "../buying/checkout-screen.tsx";
import { EmptyOrder } from "../buying/empty-order.tsx";
import { buyingWords } from "../buying/failure-words.ts";
import { ProductScreen } from "../buying/product-screen.tsx";
import { OrdersScreen } from "../paying/orders-screen.tsx";
import { Icon, WorkButton } from "./elements.tsx";
import { CardSkeletons, ProductsScreen } from "../buying/products-screen.tsx";
import { OrderScreen, ReceiptScreen } from "../paying/receipt-screen.tsx";
import { type Failure, isRunning, type ShopState } from "../shop-state.ts";
import { type Shop, ShopContext, useShop } from "./shop-context.ts";

/** The whole view. */
export function ShopView({ shop }: { readonly shop: Shop }): VNode {
  return (
    <ShopContext.Provider value={shop}>
      <Header />
      <Said />
      <main class="stack">
        <FailureNotice />
        <Screen />
      </main>
    </ShopContext.Provider>
  );
}

function Header(): VNode {
  const { state, run } = useShop();
  const orders = { type: "orders" } as const;
  return (
    <header class="shop-header">
      <span class="brand">
        <Icon name="store" />
        Harbour Goods
      </span>
      <CartButton />
      <WorkButton class="button button-small" testId="my-orders" busy={isRunning(state, orders)} onPress={() => run(orders)}>
        {isRunning(state, orders) ? null : <Icon name="bag" />}
        My orders
      </WorkButton>
    </header>
  );
}

/** Leads to the order that is being put together. */
function CartButton(): VNode {
  const { state, dispatch } = useShop();
  const { checkout } = state;
  const count = checkout !== undefined && isOpen(checkout) ? countOf(checkout) : 0;
  return (
    <button
      type="button"
      class="button button-small cart-button"
      data-testid="cart"
      aria-label={count === 1 ? "Cart: 1 thing" : `Cart: ${count} things`}
      onClick={() => dispatch({ type: "go", screen: "checkout" })}
    >
      Cart <span class={count > 0 ? "badge badge-accent" : "badge"}>{count}</span>
    </button>
  );
}

const newsWords = { added: "Added to your order.", changed: "Your order is changed.", canceled: "Your order is canceled. Nothing was charged." };

/** Says to who does not see it what became of the order. */
function Said(): VNode {
  const { state, format } = useShop();
  const { news, checkout } = state;
  const sum = checkout !== undefined && isOpen(checkout) ? ` Total ${format.money(checkout.total)}.` : "";
  return (
    <p class="visually-hidden" role="status" data-testid="said">
      {news === undefined ? "" : `${newsWords[news]}${sum}`}
    </p>
  );
}

function Screen(): VNode {
  const { state } = useShop();
  switch (state.screen) {
    case "products":
      return <ProductsScreen />;
    case "orders":
      return <OrdersScreen />;
    case "product":
      return <ProductScreen />;
    case "address":
      return state.checkout === undefined || !isOpen(state.checkout) ? <EmptyOrder /> : <AddressScreen checkout={state.checkout} />;
    case "checkout":
      return state.checkout === undefined ? <EmptyOrder /> : <CheckoutScreen key={state.checkout.id} checkout={state.checkout} />;
    case "receipt":
      return state.order === undefined || state.receipt === undefined ? (
        <ProductsScreen />
      ) : (
        <ReceiptScreen order={state.order} receipt={state.receipt} />
      );
    case "order":
      return state.order === undefined ? <ProductsScreen /> : <OrderScreen key={state.order.id} order={state.order} receipt={state.receipt} />;
    case "start":
      return <CardSkeletons />;
  }
}

/** The host speaks of access; here it is a payment that was not approved. */
function wordsOf(failure: Failure): string {
  if (failure.code === "access_denied" && failure.action.type === "pay") return "You did not approve the payment. Nothing was charged.";
  return buyingWords(failure) ?? failure.message;
}

/** Payments and refunds say at their own place how they failed, as long as it is on the screen. */
function isSaidInPlace({ failure, screen, checkout, order }: ShopState): boolean {
  if (failure?.action.type === "pay") return screen === "checkout" && checkout?.id === failure.action.checkoutId;
  return failure?.action.type === "refund" && (screen === "order" || screen === "receipt") && order?.id === failure.action.orderId;
}

function FailureNotice(): VNode | null {
  const { state, run } = useShop();
  const { failure } = state;
  if (failure === undefined || isSaidInPlace(state)) return null;
  return (
    <div
      class={state.screen === "products" ? "notice notice-bad" : "notice notice-bad narrow"}
      role="alert"
      data-testid="error"
      data-code={failure.code}
    >
      <Icon name="alert" />
      <span class="grow">{wordsOf(failure)}</span>
      {failure.retryable ? (
        <button type="button" class="button button-small" data-testid="retry" onClick={() => run(failure.action)}>
          <Icon name="refresh" />
          {failure.code === "payment_outcome_unknown" ? "Check again" : "Try again"}
        </button>
      ) : null}
    </div>
  );
}
