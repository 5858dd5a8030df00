import type { App } from "@countersign/widget/connect";
import type { Answer } from "../answer.ts";
import type { Action } from "../shop-state.ts";

/** Tells the model what the user did here. Not every host takes it, and nothing depends on it. */
export function tellOutcome(app: App, action: Action, answer: Answer): void {
  if (action.type !== "pay" || answer.receipt === undefined) return;
  app.updateModelContext({ text: `The user paid in the shop's view. Order ${answer.receipt.number}.` }).catch(() => undefined);
}
