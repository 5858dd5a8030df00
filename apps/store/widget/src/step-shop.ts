import type { Answer } from "./answer.ts";
import {
  type BuyingAction,
  buyingCall,
  emptyBuying,
  failBuying,
  finishBuying,
  showGoods,
  startBuying,
  stepBuying,
  wholeShelf,
} from "./buying/buying-state.ts";
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
      return still(finish(ended(state, event.action), event.action, event.answer));
    case "failed":
      return fail(ended(state, event.failure.action), event.failure);
    case "go":
      return still({ ...state, screen: event.screen, failure: undefined });
    case "authorization":
      return still({ ...state, authorization: event.authorization });
    case "asked":
    case "quantity":
    case "show_all":
      return still(stepBuying(state, event));
  }
}

/** The tool that an action calls. */
export function callOf(action: Action, state: ShopState): ToolCall {
  return isBuying(action) ? buyingCall(action) : payingCall(action, state);
}

function isBuying(action: Action): action is BuyingAction {
  return action.type === "browse" || action.type === "buy";
}

/** What a host has to show may be nothing of ours, such as a refusal; then the shop opens its own shelf. */
function tell(state: ShopState, answer: Answer): ShopStep {
  const paid = showPaid(state, answer);
  const told = paid === state ? showGoods(state, answer) : paid;
  return told.screen === "start" ? { state: told, next: wholeShelf } : still(told);
}

/** A look at what is there hides no failure; whatever else is asked is a new try. */
function start(before: ShopState, call: number, action: Action): ShopState {
  const running = { ...before.running, [slotOf(action)]: call };
  const state = isLook(before, action) ? { ...before, running } : { ...before, running, failure: undefined };
  return isBuying(action) ? startBuying(state, action) : startPaying(state, action);
}

function isLook({ failure }: ShopState, action: Action): boolean {
  return action.type === "check" || (action.type === "order" && failure?.action.type === "refund" && failure.action.orderId === action.orderId);
}

function finish(state: ShopState, action: Action, answer: Answer): ShopState {
  return isBuying(action) ? finishBuying(state, action, answer) : finishPaying(state, action, answer);
}

function fail(state: ShopState, failure: Failure): ShopStep {
  const { action } = failure;
  return isBuying(action) ? failBuying(state, failure) : failPaying(state, action, failure);
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
