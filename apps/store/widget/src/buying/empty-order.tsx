import type { VNode } from "preact";
import { Icon, ScreenHeading } from "../parts/elements.tsx";
import { useShop } from "../parts/shop-context.ts";
import { wholeShelf } from "./buying-state.ts";

/** Nothing is in the order yet. */
export function EmptyOrder(): VNode {
  const { run } = useShop();
  return (
    <div class="empty" data-testid="empty-order">
      <span class="seal">
        <Icon name="bag" />
      </span>
      <ScreenHeading>Your cart is empty</ScreenHeading>
      <p>What you choose appears here.</p>
      <button type="button" class="button" onClick={() => run(wholeShelf)}>
        Look around
      </button>
    </div>
  );
}
