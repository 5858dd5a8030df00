import type { App } from "@countersign/widget/connect";
import { isObject } from "@countersign/widget/wire";
import type { ShopState } from "./shop-state.ts";

/** What comes back after a reload, where the host keeps it. */
export interface Memory {
  /** The checkout that was on the screen. */
  readonly checkoutId?: string;
}

/** What the view remembered before it was loaded again; nothing where its host keeps nothing. */
export function recall(app: App): Memory {
  const stored = app.state.get();
  const checkoutId = isObject(stored) ? stored["checkoutId"] : undefined;
  return typeof checkoutId === "string" ? { checkoutId } : {};
}

/** Keeps what is worth it, when it is something else than before. Before the first screen there is nothing to forget. */
export function remember(app: App, state: ShopState): void {
  if (state.screen === "start") return;
  const memory = memoryOf(state);
  if (JSON.stringify(memory) !== JSON.stringify(recall(app))) app.state.set(memory);
}

function memoryOf(state: ShopState): Memory {
  const checkoutId = state.screen === "checkout" ? state.checkout?.id : undefined;
  return checkoutId === undefined ? {} : { checkoutId };
}
