import type { VNode } from "preact";
import { WorkButton } from "../parts/elements.tsx";
import { useShop } from "../parts/shop-context.ts";
import { isRunning } from "../shop-state.ts";
import { wholeShelf } from "./buying-state.ts";
import type { Checkout } from "./checkout.ts";

/** What to do with an order that ended without a payment: the same again at today's price, or something else. */
export function OrderAgain({ checkout }: { readonly checkout: Checkout }): VNode {
  const { state, run } = useShop();
  const again = { type: "again", checkout } as const;
  return (
    <>
      <WorkButton class="button button-primary button-large button-block" testId="again" busy={isRunning(state, again)} onPress={() => run(again)}>
        Order this again
      </WorkButton>
      <button type="button" class="button button-block" onClick={() => run(wholeShelf)}>
        Choose something else
      </button>
    </>
  );
}
