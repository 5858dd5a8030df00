import type { VNode } from "preact";
import type { Order } from "./order.ts";
import { pictureOfProduct } from "../pictures.ts";
import { wholeShelf } from "../buying/buying-state.ts";
import { isRunning } from "../shop-state.ts";
import { StatusBadge } from "./order-details.tsx";
import { askingStage, type PaymentStage } from "./payment-stage.ts";
import { Icon, Picture, ScreenHeading, WorkButton } from "../parts/elements.tsx";
import { useShop } from "../parts/shop-context.ts";

/** The user's orders, newest first. */
export function OrdersScreen(): VNode {
  const { state, run } = useShop();
  const loading = isRunning(state, { type: "orders" });
  return (
    <section class="stack narrow" aria-busy={loading}>
      <button type="button" class="button button-quiet button-small back" onClick={() => run(wholeShelf)}>
        <Icon name="arrow_left" />
        Back to shop
      </button>
      <ScreenHeading>My orders</ScreenHeading>
      {loading && state.orders === undefined ? <Waiting /> : null}
      {!loading && state.orders === undefined ? <NotShown /> : null}
      {state.orders?.length === 0 ? <NoOrders /> : null}
      {state.orders === undefined || state.orders.length === 0 ? null : (
        <ul class="list card card-flush list-inset">
          {state.orders.map((order) => (
            <OrderRow key={order.id} order={order} />
          ))}
        </ul>
      )}
      {state.ordersCursor === undefined ? null : <MoreOrders cursor={state.ordersCursor} />}
    </section>
  );
}

function MoreOrders({ cursor }: { readonly cursor: string }): VNode {
  const { state, run } = useShop();
  return (
    <WorkButton
      class="button button-block"
      testId="more-orders"
      busy={isRunning(state, { type: "orders" })}
      onPress={() => run({ type: "orders", cursor })}
    >
      Show more
    </WorkButton>
  );
}

function OrderRow({ order }: { readonly order: Order }): VNode {
  const { format, run } = useShop();
  const [first, ...others] = order.lines;
  const title = first === undefined ? order.id : `${first.title}${others.length > 0 ? ` and ${others.length} more` : ""}`;
  return (
    <li data-testid="order-row" data-status={order.status}>
      <Picture small source={pictureOfProduct(first?.productId ?? "")} />
      <span class="grow">
        <button type="button" class="button-link order-open" onClick={() => run({ type: "order", orderId: order.id })}>
          <span class="order-title">{title}</span>
        </button>
        <span class="quiet small order-date">{format.day(order.createdAt)}</span>
      </span>
      <span class="order-sum">
        <span class="nums">{format.money(order.total)}</span>
        <StatusBadge status={order.status} />
      </span>
    </li>
  );
}

const signInHints: Readonly<Partial<Record<PaymentStage, string>>> = {
  link: "Sign in on the page above. Your orders appear here by themselves.",
  continue: "Press Continue in the chat to sign in.",
  chat: "The chat was asked for your orders.",
};
const windowHint = "If a sign-in window opened, go on there. Your orders appear here by themselves.";

function Waiting(): VNode {
  const { state } = useShop();
  const hint = signInHints[askingStage(state.authorization)] ?? windowHint;
  return (
    <div class="empty" role="status">
      <span class="spinner" aria-hidden="true" />
      <h2>Getting your orders</h2>
      <p>{hint}</p>
    </div>
  );
}

function NotShown(): VNode {
  return (
    <div class="empty">
      <span class="seal">
        <Icon name="lock" />
      </span>
      <h2>Your orders are yours alone</h2>
      <p>Sign in to see them. You can look around without.</p>
    </div>
  );
}

function NoOrders(): VNode {
  const { run } = useShop();
  return (
    <div class="empty">
      <span class="seal">
        <Icon name="bag" />
      </span>
      <h2>No orders yet</h2>
      <p>What you buy appears here.</p>
      <button type="button" class="button" onClick={() => run(wholeShelf)}>
        Look around
      </button>
    </div>
  );
}
