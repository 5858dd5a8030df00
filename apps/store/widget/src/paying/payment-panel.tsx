import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { isChanging } from "../buying/buying-state.ts";
import type { Checkout } from "../buying/checkout.ts";
import { buyingWords } from "../buying/failure-words.ts";
import { OrderAgain } from "../buying/order-again.tsx";
import { WorkButton } from "../parts/elements.tsx";
import { useShop } from "../parts/shop-context.ts";
import { type Action, isRunning, type ShopState } from "../shop-state.ts";
import { isUnsettled } from "./paying-state.ts";
import { authorizationOf, type PaymentStage, paymentStage } from "./payment-stage.ts";
import { wordsOf } from "./payment-words.ts";
import { Countdown, LinkPlace, StageCard } from "./stage-card.tsx";

const lookAgainMs = 3_000;
/** An approval and its capture are over long before; after that only a press looks again. */
const looksMax = 600;

/** Below the bill of a checkout: where its payment stands, what to do, and one button. The button stays where it is, so that the focus does. */
export function PaymentPanel({ checkout }: { readonly checkout: Checkout }): VNode {
  const { state, format, run } = useShop();
  useWatch(checkout);
  const authorization = authorizationOf(state.authorization, ["pay", "complete_checkout"]);
  const stage = stageOf(state, checkout, authorization);
  const failure = failureOf(state, checkout);
  const words = wordsOf(stage, {
    total: format.money(checkout.total),
    until: format.time(checkout.expiresAt),
    message: failure === undefined ? "" : (buyingWords(failure) ?? failure.message),
    isSignedIn: authorization.connection === "signed_in",
  });
  const pay: Action = { type: "pay", checkoutId: checkout.id };
  const isPaying = isRunning(state, pay);
  const isOver = stage === "expired" || stage === "canceled";
  return (
    <section class="stack snug" aria-label="Payment" data-testid="payment" data-stage={stage}>
      {stage === "link" ? <LinkPlace /> : null}
      <StageCard words={stage === "ready" || stage === "link" ? undefined : words} code={failure?.code}>
        {stage === "window" || stage === "continue" ? <Countdown until={authorization.expiresAt} /> : null}
        {stage === "window" ? (
          <button type="button" class="button button-small" data-testid="reopen" onClick={() => run({ type: "reopen", checkoutId: checkout.id })}>
            Open the window again
          </button>
        ) : null}
      </StageCard>
      {isOver ? (
        <OrderAgain checkout={checkout} />
      ) : (
        <WorkButton
          class={`button button-large button-block ${stage === "unconfirmed" ? "" : "button-primary"}`}
          testId="pay"
          busy={isPaying || isChanging(state, checkout)}
          onPress={() => run(pay)}
        >
          {isPaying ? (busyLabels.get(stage) ?? "Waiting for your approval") : words.button}
        </WorkButton>
      )}
      <p class="small quiet hint-below">{stage === "ready" ? words.text : stage === "link" ? "Nothing is charged before you approve it." : ""}</p>
    </section>
  );
}

const busyLabels: ReadonlyMap<PaymentStage, string> = new Map([
  ["asking", "One moment"],
  ["charging", "Completing your order"],
]);

/** How the last try of this view to pay this checkout failed. */
function failureOf({ failure }: ShopState, checkout: Checkout): ShopState["failure"] {
  return failure?.action.type === "pay" && failure.action.checkoutId === checkout.id ? failure : undefined;
}

function stageOf(state: ShopState, checkout: Checkout, authorization: ShopState["authorization"]): PaymentStage {
  return paymentStage({
    status: checkout.status,
    lastRefusal: checkout.lastRefusal,
    isPaying: isRunning(state, { type: "pay", checkoutId: checkout.id }),
    authorization,
    failure: failureOf(state, checkout)?.code,
    isDoubted: state.doubted === checkout.id,
  });
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
