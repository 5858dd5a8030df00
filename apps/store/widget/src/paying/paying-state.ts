import type { Answer } from "../answer.ts";
import { seeCheckout, wholeShelf } from "../buying/buying-state.ts";
import type { Checkout } from "../buying/checkout.ts";
import { type Failure, isRunning, type ShopState, type ShopStep, still } from "../shop-state.ts";
import type { ToolCall } from "../tool-call.ts";
import type { Order, Receipt } from "./order.ts";
import type { Outcome } from "./outcome.ts";

/**
 * What is asked from the pay button on. `reopen` asks for the same payment beside the call that waits for it, so that its host opens the wallet's window anew.
 * `refund` says what was refunded before, so that asking twice is one refund.
 */
export type PayingAction =
  | { readonly type: "pay"; readonly checkoutId: string }
  | { readonly type: "reopen"; readonly checkoutId: string }
  | { readonly type: "check"; readonly checkoutId: string }
  | { readonly type: "orders"; readonly cursor?: string }
  | { readonly type: "order"; readonly orderId: string }
  | { readonly type: "refund"; readonly orderId: string; readonly amount: number; readonly refundedBefore: number };

/** `receipt`: what was just paid. `order`: any order, looked at again. */
export type PayingScreen = "receipt" | "orders" | "order";

export interface PayingState {
  readonly order: Order | undefined;
  readonly receipt: Receipt | undefined;
  /** The right to read one order again without signing in, where the shop gave one. */
  readonly receiptHandle: { readonly orderId: string; readonly handle: string } | undefined;
  readonly orders: readonly Order[] | undefined;
  /** Where the list goes on. */
  readonly ordersCursor: string | undefined;
  /** The checkout whose payment failed and which nobody has been able to look at since: what is known of it is old. */
  readonly doubted: string | undefined;
  /** What the chat is told, each thing once; the newest last. */
  readonly outcomes: readonly Outcome[];
}

export const emptyPaying: PayingState = {
  order: undefined,
  receipt: undefined,
  receiptHandle: undefined,
  orders: undefined,
  ordersCursor: undefined,
  doubted: undefined,
  outcomes: [],
};

/** Says whether a checkout must be looked at again until it is known: money is or may be on its way, and nobody is asking. */
export function isUnsettled(state: ShopState, checkout: Checkout): boolean {
  if (isRunning(state, { type: "pay", checkoutId: checkout.id })) return false;
  return checkout.status === "awaiting_approval" || checkout.status === "completing" || state.doubted === checkout.id;
}

/** Says whether an action waits for an approval that the shop takes no more: its order was canceled, or its time is over. */
export function isMoot({ checkout }: ShopState, action: { readonly type: string; readonly checkoutId?: string }): boolean {
  if (action.type !== "pay" && action.type !== "reopen") return false;
  return checkout?.id === action.checkoutId && (checkout?.status === "canceled" || checkout?.status === "expired");
}

/** What is shown while the shop is asked. An order that is shown already stays where it is. */
export function startPaying(state: ShopState, action: PayingAction): ShopState {
  if (action.type === "orders") return { ...state, screen: "orders" };
  if (action.type !== "order" || isShown(state, action.orderId)) return state;
  const known = [state.order, ...(state.orders ?? [])].find((order) => order?.id === action.orderId);
  if (known === undefined) return state;
  return { ...state, screen: "order", order: known, receipt: state.receipt?.number === known.id ? state.receipt : undefined };
}

/** What the shop's answer makes of the view. */
export function finishPaying(state: ShopState, action: PayingAction, answer: Answer): ShopState {
  switch (action.type) {
    case "orders":
      return {
        ...state,
        orders: [...(action.cursor === undefined ? [] : (state.orders ?? [])), ...(answer.orders ?? [])],
        ordersCursor: answer.nextCursor,
      };
    case "pay":
    case "reopen":
      // The user may have walked on to something else; the receipt then waits among the orders.
      return state.screen === "checkout" && state.checkout?.id === action.checkoutId
        ? showPaid(paid(state, action.checkoutId), answer)
        : paid(state, action.checkoutId);
    case "check":
      return checked(state, answer.checkout);
    case "order":
      if (state.screen === "start") return { ...state, ...keepOrder(state, answer), screen: "order" };
      return isShown(state, action.orderId) ? { ...state, ...keepOrder(state, answer) } : state;
    case "refund":
      return { ...state, ...keepOrder(state, answer) };
  }
}

/** After a failed payment the checkout itself is asked: it may be paid although this call was lost. So is the order after a failed refund. */
export function failPaying(state: ShopState, action: PayingAction, failure: Failure): ShopStep {
  switch (action.type) {
    case "check":
      return { state: { ...state, recalled: undefined }, next: state.screen === "start" ? wholeShelf : undefined };
    case "order":
      return state.screen === "start"
        ? { state, next: wholeShelf }
        : still(isShown(state, action.orderId) ? { ...state, failure: state.failure ?? failure } : state);
    case "orders":
      return still({ ...state, failure });
    case "refund":
      return { state: { ...state, failure }, next: isShown(state, action.orderId) ? { type: "order", orderId: action.orderId } : undefined };
    case "reopen":
      // The call that it stands beside goes on, or has ended with the same word.
      return still(state);
    case "pay":
      // The user gave that order up and has begun another one: what became of it is not said beside this one.
      if (state.checkout !== undefined && state.checkout.id !== action.checkoutId) return still(state);
      return { state: { ...state, failure, doubted: action.checkoutId }, next: { type: "check", checkoutId: action.checkoutId } };
  }
}

/** Shows what an answer carries of this part; the state itself where it carries nothing. */
export function showPaid(state: ShopState, answer: Answer): ShopState {
  if (answer.order !== undefined) {
    const screen = answer.receipt === undefined ? "order" : "receipt";
    return { ...state, ...keepOrder(state, answer), screen, receipt: answer.receipt, orders: undefined };
  }
  if (answer.orders !== undefined) return { ...state, screen: "orders", orders: answer.orders, ordersCursor: answer.nextCursor };
  return state;
}

/**
 * The tool that an action calls. A checkout is paid once however often it is asked for, and in the version whose sum stood on the button; a refund that names what
 * was refunded before is one refund.
 */
export function payingCall(action: PayingAction, state: Pick<ShopState, "receiptHandle" | "checkout">): ToolCall {
  switch (action.type) {
    case "pay":
    case "reopen": {
      const seen = state.checkout?.id === action.checkoutId ? { version: state.checkout.version } : {};
      return { name: "pay", args: { checkout_id: action.checkoutId, ...seen }, idempotent: true };
    }
    case "check":
      return { name: "get_checkout", args: { checkout_id: action.checkoutId }, idempotent: true };
    case "orders":
      return { name: "list_orders", args: action.cursor === undefined ? {} : { cursor: action.cursor }, idempotent: true };
    case "order": {
      const held = state.receiptHandle?.orderId === action.orderId ? { receipt_handle: state.receiptHandle.handle } : {};
      return { name: "get_order", args: { order_id: action.orderId, ...held }, idempotent: true };
    }
    case "refund": {
      const { orderId, amount, refundedBefore } = action;
      return { name: "refund_order", args: { order_id: orderId, amount_minor: amount, refunded_minor: refundedBefore }, idempotent: true };
    }
  }
}

/** What is paid is no order any more that goods can be put into. */
function paid(state: ShopState, checkoutId: string): ShopState {
  return state.checkout?.id === checkoutId ? { ...state, checkout: { ...state.checkout, status: "completed" } } : state;
}

/** A look tells what became of a payment that failed. */
function checked(before: ShopState, checkout: Checkout | undefined): ShopState {
  if (checkout === undefined) return before;
  const state = seeCheckout(before, checkout);
  if (state.checkout?.id !== checkout.id) return state;
  const isOver = checkout.status === "completed" && state.failure?.action.type === "pay";
  return { ...state, failure: isOver ? undefined : state.failure, doubted: undefined };
}

function isShown(state: ShopState, orderId: string): boolean {
  return (state.screen === "order" || state.screen === "receipt") && state.order?.id === orderId;
}

/** The order of an answer, on the screen and in the list. An answer without a receipt leaves the one of the same order. */
function keepOrder(state: ShopState, { order, receipt, receiptHandle }: Answer): Partial<PayingState> {
  if (order === undefined) return {};
  const isSame = state.order === undefined || state.order.id === order.id;
  return {
    ...(isSame || receipt !== undefined ? { order } : {}),
    ...(receipt === undefined ? {} : { receipt }),
    ...(receiptHandle === undefined ? {} : { receiptHandle: { orderId: order.id, handle: receiptHandle } }),
    ...(state.orders === undefined ? {} : { orders: state.orders.map((each) => (each.id === order.id ? order : each)) }),
  };
}
