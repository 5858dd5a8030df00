import type { Answer } from "./answer.ts";
import { buyingCall } from "./buying/buying-call.ts";
import { type BuyingAction, emptyBuying, failBuying, finishBuying, showGoods, startBuying, stepBuying, wholeShelf } from "./buying/buying-state.ts";
import { noteOutcome } from "./paying/outcome.ts";
import { emptyPaying, failPaying, finishPaying, payingCall, showPaid, startPaying } from "./paying/paying-state.ts";
import { type Action, type Failure, type ShopEvent, type ShopState, type ShopStep, slotOf, still } from "./shop-state.ts";
import type { ToolCall } from "./tool-call.ts";

export const emptyShop: ShopState = {
  ...emptyBuying,
  ...emptyPaying,
  screen: "start",
  running: {},
  failure: undefined,
  authorization: { state: "idle" },
};

/** What an event makes of the shop, and what the chat is to be told of it. An answer to an older call than the newest of its slot changes nothing. */
export function stepShop(state: ShopState, event: ShopEvent): ShopStep {
  if (isStale(state, event)) return still(state);
  const step = decide(state, event);
  const outcomes = noteOutcome(state, event);
  return outcomes === state.outcomes ? step : { ...step, state: { ...step.state, outcomes } };
}

/** Each part of the shop decides about its own actions. */
function decide(state: ShopState, event: ShopEvent): ShopStep {
  switch (event.type) {
    case "told":
      return tell(state, event.answer);
    case "started":
      return still(start(state, event.call, event.action));
    case "succeeded":
      return finish(ended(state, event.action), event.action, event.answer);
    case "failed":
      return fail(ended(state, event.failure.action), event.failure);
    case "go":
      return still({ ...state, screen: event.screen, failure: undefined });
    case "authorization":
      return still({ ...state, authorization: event.authorization });
    case "asked":
    case "pick":
    case "quantity":
    case "show_all":
    case "want":
    case "typed":
    case "recalled":
      return stepBuying(state, event);
  }
}

/** The tool that an action calls. */
export function callOf(action: Action, state: ShopState): ToolCall {
  return isBuying(action) ? buyingCall(action, state) : payingCall(action, state);
}

const buyingTypes: ReadonlySet<string> = new Set<BuyingAction["type"]>(["browse", "look", "buy", "again", "change", "cancel"]);

function isBuying(action: Action): action is BuyingAction {
  return buyingTypes.has(action.type);
}

/**
 * What a host has to show may be nothing of ours, such as a refusal; then the shop opens its own shelf. A checkout may be as old as the chat, and the order that
 * the user was at comes before what the host tells again.
 */
function tell(state: ShopState, answer: Answer): ShopStep {
  if (state.recalled !== undefined && answer.order === undefined) {
    if (answer.products === undefined) return still(state);
    return still({ ...state, products: answer.products, screen: state.recalled.onScreen ? state.screen : "products" });
  }
  const paid = showPaid(state, answer);
  const told = paid === state ? showGoods(state, answer) : { ...paid, recalled: undefined };
  if (answer.checkout !== undefined && told.screen === "checkout") {
    return stepBuying(told, { type: "recalled", checkoutId: answer.checkout.id, onScreen: true });
  }
  return told.screen === "start" ? { state: told, next: wholeShelf } : still(told);
}

/** A look at what is there hides no failure; whatever else is asked is a new try. */
function start(before: ShopState, call: number, action: Action): ShopState {
  const running = { ...before.running, [slotOf(action)]: call };
  const state = isLook(before, action) ? { ...before, running } : { ...before, running, failure: undefined, movedFrom: undefined, news: undefined };
  return isBuying(action) ? startBuying(state, action) : startPaying(state, action);
}

function isLook({ failure }: ShopState, action: Action): boolean {
  return action.type === "check" || (action.type === "order" && failure?.action.type === "refund" && failure.action.orderId === action.orderId);
}

function finish(state: ShopState, action: Action, answer: Answer): ShopStep {
  return isBuying(action) ? finishBuying(state, action, answer) : still(finishPaying(state, action, answer));
}

function fail(state: ShopState, failure: Failure): ShopStep {
  const { action } = failure;
  return isBuying(action) ? failBuying(state, action, failure) : failPaying(state, action, failure);
}

function isStale(state: ShopState, event: ShopEvent): boolean {
  if (event.type !== "succeeded" && event.type !== "failed") return false;
  const action = event.type === "succeeded" ? event.action : event.failure.action;
  return state.running[slotOf(action)] !== event.call;
}

function ended(state: ShopState, action: Action): ShopState {
  const { [slotOf(action)]: _ended, ...running } = state.running;
  return { ...state, running };
}
