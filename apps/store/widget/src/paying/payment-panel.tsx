import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { wholeShelf } from "../buying/buying-state.ts";
import type { Checkout } from "../buying/checkout.ts";
import { Icon, WorkButton } from "../parts/elements.tsx";
import { useShop } from "../parts/shop-context.ts";
import { type Action, isRunning, type ShopState } from "../shop-state.ts";
import { isUnsettled, whereToAct } from "./paying-state.ts";

const lookAgainMs = 3_000;
/** An approval and its capture are over long before; after that only a press looks again. */
const looksMax = 600;

/** Below the bill of a checkout: one button, and what happens with it. */
export function PaymentPanel({ checkout }: { readonly checkout: Checkout }): VNode {
  const { state, format } = useShop();
  useWatch(checkout);
  return (
    <>
      <PayButton checkout={checkout} />
      <p class="small quiet hint-below" role="status">
        {hintFor(state, checkout, format.time(checkout.expiresAt))}
      </p>
    </>
  );
}

function PayButton({ checkout }: { readonly checkout: Checkout }): VNode {
  const { state, format, run } = useShop();
  const pay: Action = { type: "pay", checkoutId: checkout.id };
  const busy = isRunning(state, pay);
  if (checkout.status === "expired" || checkout.status === "canceled") {
    return (
      <button type="button" class="button button-block" onClick={() => run(wholeShelf)}>
        Choose again
      </button>
    );
  }
  const label = labelFor(checkout, format.money(checkout.total));
  return (
    <WorkButton class="button button-primary button-large button-block" testId="pay" busy={busy} onPress={() => run(pay)}>
      {busy ? null : <Icon name={checkout.status === "completed" ? "receipt" : "passkey"} />}
      {busy ? busyLabelFor(state) : label}
    </WorkButton>
  );
}

function labelFor(checkout: Checkout, total: string): string {
  if (checkout.status === "completed") return "Show receipt";
  return checkout.status === "completing" ? "Check payment" : `Pay ${total}`;
}

function busyLabelFor(state: ShopState): string {
  return state.authorization.state === "granted" ? "Completing your order" : "Waiting for your approval";
}

const approvalHints = {
  link: "Go on with the page above. This view goes on by itself.",
  chat: "Press Continue in the chat to approve this payment.",
  window: "Approve the payment in your wallet’s window. This page goes on by itself.",
};

function hintFor(state: ShopState, checkout: Checkout, until: string): string {
  if (isRunning(state, { type: "pay", checkoutId: checkout.id })) {
    return approvalHints[whereToAct(state.authorization)];
  }
  switch (checkout.status) {
    case "completed":
      return "This order is paid.";
    case "completing":
      return "You approved this payment. The bank has not confirmed it yet, and it will not charge twice.";
    case "expired":
      return "The time to pay this order is over.";
    case "canceled":
      return "This order was canceled. Nothing was charged.";
    default:
      return `You approve exactly this sum with your passkey. The price is held until ${until}.`;
  }
}

/** While money is or may be on its way and nobody is asking, look again now and then: the shop completes the order by itself. */
function useWatch(checkout: Checkout): void {
  const { state, run } = useShop();
  const unsettled = isUnsettled(state, checkout);
  useEffect(() => {
    if (!unsettled) return;
    let looksLeft = looksMax;
    const timer = setInterval(() => {
      run({ type: "check", checkoutId: checkout.id });
      looksLeft -= 1;
      if (looksLeft === 0) clearInterval(timer);
    }, lookAgainMs);
    return () => clearInterval(timer);
  }, [unsettled, checkout.id]);
}
