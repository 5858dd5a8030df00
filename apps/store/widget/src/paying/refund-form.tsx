import { formatMinorUnits } from "@countersign/protocol/money";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { WorkButton } from "../parts/elements.tsx";
import { useShop } from "../parts/shop-context.ts";
import { isRunning, type ShopState } from "../shop-state.ts";
import type { Order } from "./order.ts";
import { askingStage, authorizationOf, type PaymentStage } from "./payment-stage.ts";
import type { StageWords } from "./payment-words.ts";
import { readRefundAmount, refundable } from "./refund-amount.ts";
import { Countdown, LinkPlace, StageCard } from "./stage-card.tsx";

/** Gives money back: all that is left, or a part. Nothing where nothing is left; while a refund is on its way, only that it is. */
export function RefundForm({ order }: { readonly order: Order }): VNode | null {
  const { state, format, run } = useShop();
  const [isOpen, setOpen] = useState(false);
  const left = refundable(order);
  const [typed, setTyped] = useState(formatMinorUnits(left));
  const [problem, setProblem] = useState("");
  const busy = isRunning(state, { type: "refund", orderId: order.id, amount: 0, refundedBefore: 0 });
  const isPending = order.refunds.some(({ status }) => status === "pending");
  if (isPending) return <StageCard words={onItsWay} code={undefined} />;
  if (left.amount === 0) return null;
  if (!isOpen) {
    return (
      <button type="button" class="button button-block" data-testid="refund-open" onClick={() => setOpen(true)}>
        Refund
      </button>
    );
  }
  // Not by a form's own way: hosts may show this view in a frame that can send no form.
  const submit = (): void => {
    if (busy) return;
    const amount = readRefundAmount(typed, left);
    setProblem(amount.ok ? "" : amount.error);
    if (amount.ok) run({ type: "refund", orderId: order.id, amount: amount.value, refundedBefore: order.refunded.amount });
  };
  return (
    <section class="card" data-testid="refund" aria-labelledby="refund-title">
      <h2 id="refund-title">Refund to the account that paid</h2>
      <div class="field">
        <label class="label" for="refund-amount">
          Sum in {left.currency}
        </label>
        <input
          ref={focusNow}
          id="refund-amount"
          class="input nums"
          inputMode="decimal"
          autoComplete="off"
          maxLength={20}
          value={typed}
          aria-invalid={problem !== ""}
          aria-describedby="refund-hint"
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Enter" && submit()}
        />
        <p id="refund-hint" class={problem === "" ? "hint" : "field-error"} role={problem === "" ? undefined : "alert"}>
          {problem === "" ? `At most ${format.money(left)}.` : problem}
        </p>
      </div>
      <RefundStage order={order} busy={busy} />
      <div class="row snug wrap">
        <button type="button" class="button grow" onClick={() => setOpen(false)}>
          Not now
        </button>
        <WorkButton class="button button-primary grow" testId="refund-send" busy={busy} onPress={submit}>
          Refund
        </WorkButton>
      </div>
    </section>
  );
}

/** The field that somebody asked for has the focus, with its text chosen. */
function focusNow(input: HTMLInputElement | null): void {
  if (input !== null && input.dataset["focused"] === undefined) {
    input.dataset["focused"] = "";
    input.select();
  }
}

/** What has to be done before the shop refunds: a sign-in or an approval, in the same ways as a payment. */
function RefundStage({ order, busy }: { readonly order: Order; readonly busy: boolean }): VNode {
  const { state } = useShop();
  const { failure } = state;
  const authorization = authorizationOf(state.authorization, ["refund_order"]);
  const failed = !busy && failure?.action.type === "refund" && failure.action.orderId === order.id ? failure : undefined;
  const stage = busy ? askingStage(authorization) : undefined;
  return (
    <>
      {stage === "link" ? <LinkPlace /> : null}
      <StageCard words={failed === undefined ? (stage === undefined ? undefined : stages[stage]) : wordsOfFailure(failed)} code={failed?.code}>
        {stage === "window" || stage === "continue" ? <Countdown until={authorization.expiresAt} /> : null}
      </StageCard>
    </>
  );
}

function wordsOfFailure({ code, message }: NonNullable<ShopState["failure"]>): StageWords {
  const isNo = code === "access_denied" || code === "payment_denied";
  const text = isNo ? "Nothing was refunded." : message;
  return { icon: isNo ? "close" : "alert", tone: "bad", title: isNo ? "You did not approve" : "This was not refunded", text, button: undefined };
}

const busyWords = { icon: "wallet", tone: "busy", button: undefined } as const;
const stages: Readonly<Partial<Record<PaymentStage, StageWords>>> = {
  asking: { ...busyWords, title: "Asking the shop", text: "The money goes back to the account that paid." },
  window: { ...busyWords, title: "Go on in the window that opened", text: "The shop asks that it is you. This page goes on by itself." },
  continue: {
    ...busyWords,
    tone: "warn",
    title: "Press Continue in the chat",
    text: "The shop asks that it is you. No window could be opened from here.",
  },
  charging: { ...busyWords, icon: "bank", title: "Approved", text: "The bank is being asked. A refund is made once." },
};

const onItsWay: StageWords = {
  icon: "bank",
  tone: "busy",
  title: "A refund is on its way",
  text: "The bank has not confirmed it yet. It is made once; there is nothing to do.",
  button: undefined,
};
