import type { App } from "@countersign/widget/connect";
import { isObject } from "@countersign/widget/wire";
import { type Address, readAddress } from "./buying/address.ts";
import { isOpen } from "./buying/checkout.ts";
import { type Outcome, readOutcomes } from "./paying/outcome.ts";
import type { PayingState } from "./paying/paying-state.ts";
import { texts } from "./read.ts";
import type { ShopState } from "./shop-state.ts";

/** What comes back after a reload, where the host keeps it. It is private to the view: no model reads it. */
export interface Memory {
  /** The order that the user was at, or whose receipt was on the screen. */
  readonly checkoutId?: string;
  /** What stood in its address form, when that was on the screen. */
  readonly typed?: Address;
  /** That the user looked at something else meanwhile. */
  readonly away?: true;
  /** The guest's order on the screen, and the right to read it again. */
  readonly order?: NonNullable<PayingState["receiptHandle"]>;
  /** What the chat was told. */
  readonly outcomes?: readonly Outcome[];
}

/** What the view remembered before it was loaded again; nothing where its host keeps nothing. */
export function recall(app: Pick<App, "state">): Memory {
  const stored = app.state.get();
  if (!isObject(stored)) return {};
  const [checkoutId] = texts(stored, ["checkoutId"]);
  const [orderId, handle] = isObject(stored["order"]) ? texts(stored["order"], ["orderId", "handle"]) : [];
  const outcomes = readOutcomes(stored["outcomes"]);
  const typed = readAddress(stored["typed"]);
  return {
    ...(checkoutId === undefined ? {} : { checkoutId }),
    ...(typed === undefined ? {} : { typed }),
    ...(stored["away"] === true ? { away: true } : {}),
    ...(orderId === undefined || handle === undefined ? {} : { order: { orderId, handle } }),
    ...(outcomes.length === 0 ? {} : { outcomes }),
  };
}

/** Keeps what is worth it, when it is something else than before. Before the first screen there is nothing to forget. */
export function remember(app: Pick<App, "state">, state: ShopState): void {
  if (state.screen === "start" || state.recalled !== undefined) return;
  const memory = memoryOf(state);
  if (JSON.stringify(memory) !== JSON.stringify(recall(app))) app.state.set(memory);
}

function memoryOf(state: ShopState): Memory {
  const { outcomes } = state;
  return { ...placeOf(state), ...(outcomes.length === 0 ? {} : { outcomes }) };
}

/** Where the user is, as far as it can be found again without asking anybody to sign in. An order that can still be paid is kept while they look around. */
function placeOf({ screen, checkout, order, receiptHandle, typed }: ShopState): Memory {
  if (screen === "checkout" || screen === "address") {
    if (checkout === undefined) return {};
    const isTyping = screen === "address" && typed?.checkoutId === checkout.id;
    return { checkoutId: checkout.id, ...(isTyping ? { typed: typed.address } : {}) };
  }
  if (order !== undefined && (screen === "receipt" || screen === "order")) {
    if (receiptHandle?.orderId === order.id) return { order: receiptHandle };
    return screen === "receipt" && order.checkoutId !== "" ? { checkoutId: order.checkoutId } : {};
  }
  return checkout !== undefined && isOpen(checkout) ? { checkoutId: checkout.id, away: true } : {};
}
