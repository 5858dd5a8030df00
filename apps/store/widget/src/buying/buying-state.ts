import type { Answer } from "../answer.ts";
import type { Money } from "../read.ts";
import { type Failure, isRunning, type ShopState, type ShopStep, still } from "../shop-state.ts";
import type { Address } from "./address.ts";
import { type Change, emptiesAll, isNothing, joinChanges, leftOver, noChange } from "./change.ts";
import { type Checkout, isOpen } from "./checkout.ts";
import type { Product } from "./product.ts";

/** What is asked while choosing. Whatever changes the open checkout starts from the version that is on the screen when it is asked. */
export type BuyingAction =
  | { readonly type: "browse"; readonly query: string; readonly category: string }
  | { readonly type: "look"; readonly productId: string }
  | { readonly type: "buy"; readonly productId: string; readonly variantId: string; readonly quantity: number }
  | { readonly type: "again"; readonly checkout: Checkout }
  | { readonly type: "change"; readonly checkoutId: string; readonly change: Change }
  | { readonly type: "cancel"; readonly checkoutId: string };

export type BuyingScreen = "products" | "product" | "checkout" | "address";

/** What was done to the order, for who does not see it. */
export type News = "added" | "changed" | "canceled";

export interface BuyingState {
  readonly products: readonly Product[];
  /** How many products are shown; the rest is one press away. */
  readonly shown: number;
  readonly query: string;
  readonly category: string;
  /** The product whose page is open. */
  readonly product: Product | undefined;
  /** The variant that is chosen of each product. */
  readonly picked: Readonly<Record<string, string>>;
  /** How many are chosen of each product. */
  readonly quantities: Readonly<Record<string, number>>;
  readonly checkout: Checkout | undefined;
  /** What the user wants of the open checkout that the shop has not answered yet. */
  readonly wanted: Change;
  /** The total that the user saw before somebody else changed the checkout. */
  readonly movedFrom: Money | undefined;
  /** Where the last order was to be sent. */
  readonly lastAddress: Address | undefined;
  readonly news: News | undefined;
  /** What stands in the address form of a checkout and was not sent yet. */
  readonly typed: { readonly checkoutId: string; readonly address: Address } | undefined;
  /** The checkout that was there before the view was loaded again, until it was looked at. */
  readonly recalled: { readonly checkoutId: string; readonly onScreen: boolean } | undefined;
}

export type Wish = { readonly quantity: number; readonly variantId: string } | { readonly address: Address } | { readonly option: string };

export type BuyingEvent =
  | { readonly type: "asked"; readonly query: string; readonly category: string }
  | { readonly type: "pick"; readonly productId: string; readonly variantId: string }
  | { readonly type: "quantity"; readonly productId: string; readonly quantity: number }
  | { readonly type: "show_all" }
  | { readonly type: "want"; readonly wish: Wish }
  | { readonly type: "typed"; readonly checkoutId: string; readonly address: Address }
  | { readonly type: "recalled"; readonly checkoutId: string; readonly onScreen: boolean };

const shownAtFirst = 4;

export const emptyBuying: BuyingState = {
  products: [],
  shown: shownAtFirst,
  query: "",
  category: "",
  product: undefined,
  picked: {},
  quantities: {},
  checkout: undefined,
  wanted: noChange,
  movedFrom: undefined,
  lastAddress: undefined,
  news: undefined,
  typed: undefined,
  recalled: undefined,
};

/** Everything the shop has. */
export const wholeShelf: BuyingAction = { type: "browse", query: "", category: "" };

/** What somebody did while choosing. */
export function stepBuying(state: ShopState, event: BuyingEvent): ShopStep {
  switch (event.type) {
    case "asked":
      return still({ ...state, query: event.query, category: event.category });
    case "pick":
      return still({ ...state, picked: { ...state.picked, [event.productId]: event.variantId } });
    case "quantity":
      return still({ ...state, quantities: { ...state.quantities, [event.productId]: event.quantity } });
    case "show_all":
      return still({ ...state, shown: Number.MAX_SAFE_INTEGER });
    case "want":
      return askWanted({ ...state, wanted: joinChanges(state.wanted, changeOf(event.wish)) });
    case "typed":
      return still({ ...state, typed: { checkoutId: event.checkoutId, address: event.address } });
    case "recalled": {
      const { checkoutId, onScreen } = event;
      return { state: { ...state, recalled: { checkoutId, onScreen } }, next: { type: "check", checkoutId } };
    }
  }
}

/** What is shown while the shop is asked. */
export function startBuying(state: ShopState, action: BuyingAction): ShopState {
  switch (action.type) {
    case "browse":
      return { ...state, query: action.query, category: action.category, screen: "products" };
    case "look": {
      const known = [...state.products, ...(state.product === undefined ? [] : [state.product])];
      return { ...state, screen: "product", product: known.find((each) => each.id === action.productId) };
    }
    case "buy":
    case "again":
    case "change":
    case "cancel":
      return state;
  }
}

/** What the shop's answer makes of the view. */
export function finishBuying(state: ShopState, action: BuyingAction, answer: Answer): ShopStep {
  switch (action.type) {
    case "browse":
      return still({ ...state, products: answer.products ?? [], shown: shownAtFirst });
    case "look":
      return still({ ...state, product: answer.product ?? state.product });
    case "buy":
      return still(added(state, answer));
    case "again":
      return still({ ...showGoods(state, answer), news: "added" });
    case "change":
      return changed(state, action.change, answer.checkout);
    case "cancel":
      return still({ ...state, ...(answer.checkout === undefined ? {} : { checkout: answer.checkout }), wanted: noChange, news: "canceled" });
  }
}

const movedCodes: ReadonlySet<string> = new Set(["conflict", "checkout_expired", "checkout_not_open"]);

/** What a refusal makes of the view. When the checkout is not what the user saw, it is looked at, and the same press can then be made again. */
export function failBuying(state: ShopState, action: BuyingAction, failure: Failure): ShopStep {
  const failed = { ...state, failure, wanted: action.type === "change" ? noChange : state.wanted };
  const { checkout } = state;
  const isMoved = movedCodes.has(failure.code) && action.type !== "again" && checkout !== undefined;
  if (!isMoved) return still(failed);
  // What became of the order says itself why it cannot be changed.
  const isSaid = action.type === "buy" || failure.code === "conflict";
  return { state: { ...failed, failure: isSaid ? { ...failure, retryable: true } : undefined }, next: { type: "check", checkoutId: checkout.id } };
}

/** Shows what an answer carries of this part; the state itself where it carries nothing. */
export function showGoods(state: ShopState, answer: Answer): ShopState {
  if (answer.checkout !== undefined) return keepAddress({ ...state, screen: "checkout", checkout: answer.checkout, wanted: noChange });
  if (answer.product !== undefined) return { ...state, screen: "product", product: answer.product };
  if (answer.products !== undefined) return { ...state, screen: "products", products: answer.products };
  return state;
}

/**
 * Takes what a look at a checkout found. One that somebody else changed says so, because the user saw other figures; an answer that was overtaken by a newer one
 * is dropped.
 */
export function seeCheckout(state: ShopState, checkout: Checkout): ShopState {
  const { checkout: known, recalled } = state;
  if (recalled?.checkoutId === checkout.id) {
    const isTyping = state.typed?.checkoutId === checkout.id && isOpen(checkout);
    const screen = recalled.onScreen || state.screen === "start" ? (isTyping ? "address" : "checkout") : state.screen;
    return keepAddress({ ...state, checkout, screen, recalled: undefined });
  }
  if (known === undefined) return keepAddress({ ...state, checkout, screen: state.screen === "start" ? "checkout" : state.screen });
  if (known.id !== checkout.id || checkout.version < known.version) return state;
  const isMoved = isOpen(checkout) && checkout.version > known.version && !isChanging(state, checkout) && !isSameBill(known, checkout);
  return keepAddress({ ...state, checkout, movedFrom: isMoved ? known.total : state.movedFrom });
}

/** Says whether the shop is being asked for another version of a checkout. */
export function isChanging(state: ShopState, { id }: Checkout): boolean {
  return isRunning(state, { type: "change", checkoutId: id, change: noChange }) || isRunning(state, { type: "cancel", checkoutId: id });
}

/** The goods that are put in, while nothing else is on the screen than where they were chosen. */
function added(state: ShopState, answer: Answer): ShopState {
  const isHere = state.screen === "products" || state.screen === "product";
  if (isHere) return { ...showGoods(state, answer), news: "added" };
  return answer.checkout === undefined ? state : { ...state, checkout: answer.checkout };
}

function changed(state: ShopState, asked: Change, checkout: Checkout | undefined): ShopStep {
  if (checkout === undefined) return still(state);
  const screen = asked.address !== undefined && state.screen === "address" ? "checkout" : state.screen;
  const typed = asked.address === undefined ? state.typed : undefined;
  return askWanted(keepAddress({ ...state, checkout, screen, typed, wanted: leftOver(state.wanted, asked), news: "changed" }));
}

/** Asks for what is wanted, one change after the other. A checkout with nothing in it is given up. */
function askWanted(state: ShopState): ShopStep {
  const { checkout, wanted } = state;
  if (checkout === undefined || !isOpen(checkout) || isNothing(wanted)) return still({ ...state, wanted: noChange });
  if (isChanging(state, checkout)) return still(state);
  const { id: checkoutId } = checkout;
  return { state, next: emptiesAll(checkout, wanted) ? { type: "cancel", checkoutId } : { type: "change", checkoutId, change: wanted } };
}

function changeOf(wish: Wish): Change {
  return "quantity" in wish ? { quantities: { [wish.variantId]: wish.quantity } } : { ...noChange, ...wish };
}

function keepAddress(state: ShopState): ShopState {
  return { ...state, lastAddress: state.checkout?.address ?? state.lastAddress };
}

function isSameBill(one: Checkout, other: Checkout): boolean {
  return JSON.stringify([one.lines, one.extras, one.total]) === JSON.stringify([other.lines, other.extras, other.total]);
}
