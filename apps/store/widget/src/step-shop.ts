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

/** What an event makes of the shop. Each part of it decides about its own actions. */
export function stepShop(state: ShopState, event: ShopEvent): ShopStep {
  switch (event.type) {
    case "told":
      return tell(state, event.answer);
    case "started":
      return still(start(state, event.call, event.action));
    case "succeeded":
      return still(isNewest(state, event.call, event.action) ? finish(ended(state, event.action), event.action, event.answer) : state);
    case "failed":
      return isNewest(state, event.call, event.failure.action) ? fail(ended(state, event.failure.action), event.failure) : still(state);
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
export function callOf(action: Action): ToolCall {
  return isBuying(action) ? buyingCall(action) : payingCall(action);
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
  const state = action.type === "check" ? { ...before, running } : { ...before, running, failure: undefined };
  return isBuying(action) ? startBuying(state, action) : startPaying(state, action);
}

function finish(state: ShopState, action: Action, answer: Answer): ShopState {
  return isBuying(action) ? finishBuying(state, action, answer) : finishPaying(state, action, answer);
}

function fail(state: ShopState, failure: Failure): ShopStep {
  const { action } = failure;
  return isBuying(action) ? failBuying(state, failure) : failPaying(state, action, failure);
}

function isNewest(state: ShopState, call: number, action: Action): boolean {
  return state.running[slotOf(action)] === call;
}

function ended(state: ShopState, action: Action): ShopState {
  const { [slotOf(action)]: _ended, ...running } = state.running;
  return { ...state, running };
}
