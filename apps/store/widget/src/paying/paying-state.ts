import type { Authorization } from "@countersign/widget/authorization";
import type { Answer } from "../answer.ts";
import { wholeShelf } from "../buying/buying-state.ts";
import type { Checkout } from "../buying/checkout.ts";
import { type Failure, isRunning, type ShopState, type ShopStep, still } from "../shop-state.ts";
import type { ToolCall } from "../tool-call.ts";
import type { Order, Receipt } from "./order.ts";

/** What is asked from the pay button on. */
export type PayingAction =
  | { readonly type: "pay"; readonly checkoutId: string }
  | { readonly type: "check"; readonly checkoutId: string }
  | { readonly type: "orders" };

export type PayingScreen = "receipt" | "orders";

export interface PayingState {
  readonly order: Order | undefined;
  readonly receipt: Receipt | undefined;
  readonly orders: readonly Order[] | undefined;
  /** The checkout whose payment failed and which nobody has been able to look at since: what is known of it is old. */
  readonly doubted: string | undefined;
}

export const emptyPaying: PayingState = { order: undefined, receipt: undefined, orders: undefined, doubted: undefined };

/** Where the user can act on what waits: the link that stands above the shop, the chat, or a window that the host opened. */
export function whereToAct({ state, rung }: Authorization): "link" | "chat" | "window" {
  if (state !== "required") return "window";
  return rung === "link" ? "link" : "chat";
}

/** Says whether a checkout must be looked at again until it is known: money is or may be on its way, and nobody is asking. */
export function isUnsettled(state: ShopState, checkout: Checkout): boolean {
  if (isRunning(state, { type: "pay", checkoutId: checkout.id })) return false;
  return checkout.status === "awaiting_approval" || checkout.status === "completing" || state.doubted === checkout.id;
}

/** What is shown while the shop is asked. */
export function startPaying(state: ShopState, action: PayingAction): ShopState {
  return action.type === "orders" ? { ...state, screen: "orders" } : state;
}

/** What the shop's answer makes of the view. */
export function finishPaying(state: ShopState, action: PayingAction, answer: Answer): ShopState {
  switch (action.type) {
    case "orders":
      return { ...state, orders: answer.orders ?? [] };
    case "pay":
      // The user may have walked on to something else; the receipt then waits among the orders.
      return state.screen === "checkout" && state.checkout?.id === action.checkoutId ? showPaid(state, answer) : state;
    case "check":
      return checked(state, answer.checkout);
  }
}

/** After a failed payment the checkout itself is asked: it may be paid although this call was lost. */
export function failPaying(state: ShopState, action: PayingAction, failure: Failure): ShopStep {
  if (action.type === "check") return { state, next: state.screen === "start" ? wholeShelf : undefined };
  if (action.type === "orders") return still({ ...state, failure });
  const { checkoutId } = action;
  return { state: { ...state, failure, doubted: checkoutId }, next: { type: "check", checkoutId } };
}

/** Shows what an answer carries of this part; the state itself where it carries nothing. */
export function showPaid(state: ShopState, answer: Answer): ShopState {
  if (answer.order !== undefined && answer.receipt !== undefined) {
    return { ...state, screen: "receipt", order: answer.order, receipt: answer.receipt, orders: undefined };
  }
  if (answer.orders !== undefined) return { ...state, screen: "orders", orders: answer.orders };
  return state;
}

/** The tool that an action calls. A checkout is paid once however often it is asked for; everything else only looks. */
export function payingCall(action: PayingAction): ToolCall {
  switch (action.type) {
    case "pay":
      return { name: "pay", args: { checkout_id: action.checkoutId }, idempotent: true };
    case "check":
      return { name: "get_checkout", args: { checkout_id: action.checkoutId }, idempotent: true };
    case "orders":
      return { name: "list_orders", args: {}, idempotent: true };
  }
}

/** A look at a checkout changes the screen only when there is nothing on it yet: after a reload. */
function checked(state: ShopState, checkout: Checkout | undefined): ShopState {
  if (checkout === undefined || (state.checkout !== undefined && state.checkout.id !== checkout.id)) return state;
  const isOver = checkout.status === "completed" && state.failure?.action.type === "pay";
  const screen = state.screen === "start" ? "checkout" : state.screen;
  return { ...state, checkout, screen, failure: isOver ? undefined : state.failure, doubted: undefined };
}
