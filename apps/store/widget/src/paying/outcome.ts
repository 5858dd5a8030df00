import { formatMinorUnits } from "@countersign/protocol/money";
import { isObject } from "@countersign/widget/wire";
import type { Answer } from "../answer.ts";
import { readList, texts } from "../read.ts";
import { type Action, isRunning, type ShopEvent, type ShopState } from "../shop-state.ts";
import { isMoot } from "./paying-state.ts";
import { paymentEnding } from "./payment-stage.ts";

/** Something that happened here and that the chat cannot see. Two of one key are the same thing. */
export interface Outcome {
  readonly key: string;
  readonly text: string;
}

const outcomesMax = 8;
const textMax = 300;

/** Adds what an event makes known, unless it was told before. Gives the very list where there is nothing new. */
export function noteOutcome(state: ShopState, event: ShopEvent): readonly Outcome[] {
  const { outcomes } = state;
  const found = outcomeOf(state, event);
  return found === undefined || outcomes.some(({ key }) => key === found.key) ? outcomes : [...outcomes, found].slice(-outcomesMax);
}

/** Reads what an earlier life of the view told. */
export function readOutcomes(stored: unknown): readonly Outcome[] {
  const read = readList(stored, (each) => {
    const [key, text] = isObject(each) ? texts(each, ["key", "text"]) : [];
    return key === undefined || text === undefined || text.length > textMax ? undefined : { key, text };
  });
  return read.slice(-outcomesMax);
}

/** All that was told and is told now, as the chat gets it: each telling takes the place of the one before. */
export function textOf(outcomes: readonly Outcome[]): string {
  return outcomes.map(({ text }) => text).join("\n");
}

function outcomeOf(state: ShopState, event: ShopEvent): Outcome | undefined {
  if (event.type === "failed") return ofFailure(state, event);
  if (event.type === "succeeded") return ofAnswer(event.answer, event.action.type);
  if (event.type !== "told") return undefined;
  // What the chat itself asked for it knows; what this view waited for before it was loaded again it does not.
  const checkoutId = event.answer.order?.checkoutId ?? event.answer.checkout?.id ?? "";
  const isOurs = state.checkout?.id === checkoutId || isRunning(state, { type: "check", checkoutId });
  return isOurs ? ofAnswer(event.answer, "told") : undefined;
}

/** `by`: what the answer is to. Somebody who looks at an order of last month pays nothing. */
function ofAnswer({ order, receipt, refund, checkout }: Answer, by: Action["type"] | "told"): Outcome | undefined {
  if (by === "refund" && order !== undefined && refund !== undefined) {
    const sum = `${formatMinorUnits(refund.amount)} ${refund.amount.currency}`;
    const text =
      refund.status === "done" ? `The user had ${sum} of order ${order.id} refunded.` : `A refund of ${sum} of order ${order.id} is on its way.`;
    return { key: `refund:${refund.id}:${refund.status}`, text };
  }
  if (by !== "order" && order !== undefined && receipt !== undefined) return paid(order.checkoutId, `Order ${order.id}.`);
  if (checkout === undefined) return undefined;
  const { id, status } = checkout;
  if (status === "completed") return paid(id, `Checkout ${id}.`);
  if (status === "canceled") {
    const what = by === "cancel" ? `The user canceled checkout ${id} in the shop's view.` : `Somebody canceled checkout ${id}.`;
    return { key: `canceled:${id}`, text: `${what} Nothing was charged.` };
  }
  return status === "expired" ? lapsed(id) : undefined;
}

/** Where the user approves by a link, the library in this view tells the chat itself how that ended. */
function ofFailure(state: ShopState, { call, failure }: ShopEvent & { readonly type: "failed" }): Outcome | undefined {
  if (failure.action.type !== "pay") return undefined;
  const { checkoutId } = failure.action;
  const isByLink = state.authorization.rung === "link";
  const ending = paymentEnding(failure.code);
  if (ending === "denied")
    return isByLink ? undefined : ended(call, `The user did not approve the payment of checkout ${checkoutId}. Nothing was charged.`);
  if (ending === "lapsed") return isByLink ? undefined : lapsed(checkoutId);
  // Its order is given up: that is told, and that its payment ends with it goes without saying.
  if (isMoot(state, failure.action)) return undefined;
  if (ending === "stopped") return ended(call, `The user stopped the payment of checkout ${checkoutId}.`);
  const isDeclined = ending === "declined" || ending === "over_limit";
  return isDeclined ? ended(call, `The payment of checkout ${checkoutId} was declined. Nothing was charged.`) : undefined;
}

const paid = (checkoutId: string, what: string): Outcome => ({ key: `paid:${checkoutId}`, text: `The user paid in the shop's view. ${what}` });
const lapsed = (checkoutId: string): Outcome => ({
  key: `expired:${checkoutId}`,
  text: `Nobody approved the payment of checkout ${checkoutId} in time. Nothing was charged.`,
});
const ended = (call: number, text: string): Outcome => ({ key: `ended:${call}:${text}`, text });
