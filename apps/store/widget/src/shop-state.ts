import type { Authorization } from "@countersign/widget/authorization";
import type { Answer, Checkout, Order, Product, Receipt } from "./goods.ts";

/** What the view asks of the shop. */
export type Action =
  | { readonly type: "browse"; readonly query: string; readonly category: string }
  | { readonly type: "buy"; readonly productId: string; readonly quantity: number }
  | { readonly type: "pay"; readonly checkoutId: string }
  | { readonly type: "check"; readonly checkoutId: string }
  | { readonly type: "orders" };

export type Screen = "start" | "products" | "checkout" | "receipt" | "orders";

export interface Failure {
  readonly action: Action;
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

export interface ShopState {
  readonly screen: Screen;
  readonly products: readonly Product[];
  /** How many products are shown; the rest is one press away. */
  readonly shown: number;
  readonly query: string;
  readonly category: string;
  readonly quantities: Readonly<Record<string, number>>;
  readonly checkout: Checkout | undefined;
  readonly order: Order | undefined;
  readonly receipt: Receipt | undefined;
  readonly orders: readonly Order[] | undefined;
  /** The newest call of each slot. An answer to an older one is dropped. */
  readonly running: Readonly<Record<string, number>>;
  readonly failure: Failure | undefined;
  /** The checkout whose payment failed and which nobody has been able to look at since: what is known of it is old. */
  readonly doubted: string | undefined;
  readonly authorization: Authorization;
}

export type ShopEvent =
  | { readonly type: "told"; readonly answer: Answer }
  | { readonly type: "asked"; readonly query: string; readonly category: string }
  | { readonly type: "started"; readonly call: number; readonly action: Action }
  | { readonly type: "succeeded"; readonly call: number; readonly action: Action; readonly answer: Answer }
  | { readonly type: "failed"; readonly call: number; readonly failure: Failure }
  | { readonly type: "go"; readonly screen: Screen }
  | { readonly type: "quantity"; readonly productId: string; readonly quantity: number }
  | { readonly type: "show_all" }
  | { readonly type: "authorization"; readonly authorization: Authorization };

export interface ShopStep {
  readonly state: ShopState;
  /** What to ask next without anybody pressing anything. */
  readonly next: Action | undefined;
}

const shownAtFirst = 4;

/** Everything the shop has. */
export const wholeShelf: Action = { type: "browse", query: "", category: "" };

export const emptyShop: ShopState = {
  screen: "start",
  products: [],
  shown: shownAtFirst,
  query: "",
  category: "",
  quantities: {},
  checkout: undefined,
  order: undefined,
  receipt: undefined,
  orders: undefined,
  running: {},
  failure: undefined,
  doubted: undefined,
  authorization: { state: "idle" },
};

/** Two actions of one slot are the same to the user: another press of the same button. */
export function slotOf(action: Action): string {
  if (action.type === "pay" || action.type === "check") return `${action.type}:${action.checkoutId}`;
  return action.type === "buy" ? `buy:${action.productId}` : action.type;
}

/** Says whether an action, or another one of its slot, is under way. */
export function isRunning(state: ShopState, action: Action): boolean {
  return slotOf(action) in state.running;
}

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

/** What an event makes of the shop. */
export function stepShop(state: ShopState, event: ShopEvent): ShopStep {
  switch (event.type) {
    case "told":
      return tell(state, event.answer);
    case "asked":
      return still({ ...state, query: event.query, category: event.category });
    case "started":
      return still(start(state, event.call, event.action));
    case "succeeded":
      return still(isNewest(state, event.call, event.action) ? succeed(finish(state, event.action), event.action, event.answer) : state);
    case "failed":
      return isNewest(state, event.call, event.failure.action) ? fail(finish(state, event.failure.action), event.failure) : still(state);
    case "go":
      return still({ ...state, screen: event.screen, failure: undefined });
    case "quantity":
      return still({ ...state, quantities: { ...state.quantities, [event.productId]: event.quantity } });
    case "show_all":
      return still({ ...state, shown: Number.MAX_SAFE_INTEGER });
    case "authorization":
      return still({ ...state, authorization: event.authorization });
  }
}

/** What a host has to show may be nothing of ours, such as a refusal; then the shop opens its own shelf. */
function tell(state: ShopState, answer: Answer): ShopStep {
  const told = showAnswer(state, answer);
  return told.screen === "start" ? { state: told, next: wholeShelf } : still(told);
}

function start(state: ShopState, call: number, action: Action): ShopState {
  const running = { ...state.running, [slotOf(action)]: call };
  switch (action.type) {
    case "browse":
      return { ...state, running, failure: undefined, query: action.query, category: action.category, screen: "products" };
    case "orders":
      return { ...state, running, failure: undefined, screen: "orders" };
    case "buy":
    case "pay":
      return { ...state, running, failure: undefined };
    case "check":
      return { ...state, running };
  }
}

function succeed(state: ShopState, action: Action, answer: Answer): ShopState {
  switch (action.type) {
    case "browse":
      return { ...state, products: answer.products ?? [], shown: shownAtFirst };
    case "orders":
      return { ...state, orders: answer.orders ?? [] };
    case "buy":
      return state.screen === "products" ? showAnswer(state, answer) : state;
    case "pay":
      // The user may have walked on to something else; the receipt then waits among the orders.
      return state.screen === "checkout" && state.checkout?.id === action.checkoutId ? showAnswer(state, answer) : state;
    case "check":
      return checked(state, answer.checkout);
  }
}

/** A look at a checkout changes the screen only when there is nothing on it yet: after a reload. */
function checked(state: ShopState, checkout: Checkout | undefined): ShopState {
  if (checkout === undefined || (state.checkout !== undefined && state.checkout.id !== checkout.id)) return state;
  const isOver = checkout.status === "completed" && state.failure?.action.type === "pay";
  const screen = state.screen === "start" ? "checkout" : state.screen;
  return { ...state, checkout, screen, failure: isOver ? undefined : state.failure, doubted: undefined };
}

/** After a failed payment the checkout itself is asked: it may be paid although this call was lost. */
function fail(state: ShopState, failure: Failure): ShopStep {
  if (failure.action.type === "check") return { state, next: state.screen === "start" ? wholeShelf : undefined };
  if (failure.action.type !== "pay") return still({ ...state, failure });
  const { checkoutId } = failure.action;
  return { state: { ...state, failure, doubted: checkoutId }, next: { type: "check", checkoutId } };
}

function showAnswer(state: ShopState, answer: Answer): ShopState {
  if (answer.order !== undefined && answer.receipt !== undefined) {
    return { ...state, screen: "receipt", order: answer.order, receipt: answer.receipt, orders: undefined };
  }
  if (answer.checkout !== undefined) return { ...state, screen: "checkout", checkout: answer.checkout };
  if (answer.orders !== undefined) return { ...state, screen: "orders", orders: answer.orders };
  if (answer.products !== undefined) return { ...state, screen: "products", products: answer.products };
  return state;
}

function isNewest(state: ShopState, call: number, action: Action): boolean {
  return state.running[slotOf(action)] === call;
}

function finish(state: ShopState, action: Action): ShopState {
  const { [slotOf(action)]: _finished, ...running } = state.running;
  return { ...state, running };
}

function still(state: ShopState): ShopStep {
  return { state, next: undefined };
}
