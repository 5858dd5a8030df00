import type { Answer } from "../answer.ts";
import { type Failure, type ShopState, type ShopStep, still } from "../shop-state.ts";
import type { ToolCall } from "../tool-call.ts";
import type { Checkout } from "./checkout.ts";
import type { Product } from "./product.ts";

/** What is asked while choosing. */
export type BuyingAction =
  | { readonly type: "browse"; readonly query: string; readonly category: string }
  | { readonly type: "buy"; readonly productId: string; readonly quantity: number };

export type BuyingScreen = "products" | "checkout";

export interface BuyingState {
  readonly products: readonly Product[];
  /** How many products are shown; the rest is one press away. */
  readonly shown: number;
  readonly query: string;
  readonly category: string;
  readonly quantities: Readonly<Record<string, number>>;
  readonly checkout: Checkout | undefined;
}

export type BuyingEvent =
  | { readonly type: "asked"; readonly query: string; readonly category: string }
  | { readonly type: "quantity"; readonly productId: string; readonly quantity: number }
  | { readonly type: "show_all" };

const shownAtFirst = 4;

export const emptyBuying: BuyingState = {
  products: [],
  shown: shownAtFirst,
  query: "",
  category: "",
  quantities: {},
  checkout: undefined,
};

/** Everything the shop has. */
export const wholeShelf: BuyingAction = { type: "browse", query: "", category: "" };

/** What somebody did on the shelf. */
export function stepBuying(state: ShopState, event: BuyingEvent): ShopState {
  switch (event.type) {
    case "asked":
      return { ...state, query: event.query, category: event.category };
    case "quantity":
      return { ...state, quantities: { ...state.quantities, [event.productId]: event.quantity } };
    case "show_all":
      return { ...state, shown: Number.MAX_SAFE_INTEGER };
  }
}

/** What is shown while the shop is asked. */
export function startBuying(state: ShopState, action: BuyingAction): ShopState {
  return action.type === "browse" ? { ...state, query: action.query, category: action.category, screen: "products" } : state;
}

/** What the shop's answer makes of the view. */
export function finishBuying(state: ShopState, action: BuyingAction, answer: Answer): ShopState {
  switch (action.type) {
    case "browse":
      return { ...state, products: answer.products ?? [], shown: shownAtFirst };
    case "buy":
      return state.screen === "products" ? showGoods(state, answer) : state;
  }
}

/** What a refusal makes of the view. */
export function failBuying(state: ShopState, failure: Failure): ShopStep {
  return still({ ...state, failure });
}

/** Shows what an answer carries of this part; the state itself where it carries nothing. */
export function showGoods(state: ShopState, answer: Answer): ShopState {
  if (answer.checkout !== undefined) return { ...state, screen: "checkout", checkout: answer.checkout };
  if (answer.products !== undefined) return { ...state, screen: "products", products: answer.products };
  return state;
}

/** The tool that an action calls. */
export function buyingCall(action: BuyingAction): ToolCall {
  switch (action.type) {
    case "browse":
      return {
        name: "browse_products",
        args: { ...(action.query === "" ? {} : { query: action.query }), ...(action.category === "" ? {} : { category: action.category }) },
        idempotent: true,
      };
    case "buy":
      return { name: "create_checkout", args: { items: [{ product_id: action.productId, quantity: action.quantity }] }, idempotent: false };
  }
}
