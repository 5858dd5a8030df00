import type { Authorization } from "@countersign/widget/authorization";
import type { Answer } from "./answer.ts";
import type { BuyingAction, BuyingEvent, BuyingScreen, BuyingState } from "./buying/buying-state.ts";
import type { PayingAction, PayingScreen, PayingState } from "./paying/paying-state.ts";

/** What the view asks of the shop. */
export type Action = BuyingAction | PayingAction;

export type Screen = "start" | BuyingScreen | PayingScreen;

export interface Failure {
  readonly action: Action;
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** What both parts of the shop see; each changes its own part, and the screen. */
export interface ShopState extends BuyingState, PayingState {
  readonly screen: Screen;
  /** The newest call of each slot. An answer to an older one is dropped. */
  readonly running: Readonly<Record<string, number>>;
  readonly failure: Failure | undefined;
  readonly authorization: Authorization;
}

export type ShopEvent =
  | { readonly type: "told"; readonly answer: Answer }
  | { readonly type: "started"; readonly call: number; readonly action: Action }
  | { readonly type: "succeeded"; readonly call: number; readonly action: Action; readonly answer: Answer }
  | { readonly type: "failed"; readonly call: number; readonly failure: Failure }
  | { readonly type: "go"; readonly screen: Screen }
  | { readonly type: "authorization"; readonly authorization: Authorization }
  | BuyingEvent;

export interface ShopStep {
  readonly state: ShopState;
  /** What to ask next without anybody pressing anything. */
  readonly next: Action | undefined;
}

/** A step after which nothing is asked. */
export function still(state: ShopState): ShopStep {
  return { state, next: undefined };
}

/** Two actions of one slot are the same to the user: another press of the same button. */
export function slotOf(action: Action): string {
  if ("checkoutId" in action) return `${action.type}:${action.checkoutId}`;
  if ("orderId" in action) return `${action.type}:${action.orderId}`;
  return "productId" in action ? `${action.type}:${action.productId}` : action.type;
}

/** Says whether an action, or another one of its slot, is under way. */
export function isRunning(state: ShopState, action: Action): boolean {
  return slotOf(action) in state.running;
}
