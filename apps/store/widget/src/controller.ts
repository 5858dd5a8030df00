import { toCallError } from "@countersign/widget/call-error";
import type { App } from "@countersign/widget/connect";
import { readAnswer } from "./answer.ts";
import { recall, remember } from "./memory.ts";
import { textOf as textOfOutcomes } from "./paying/outcome.ts";
import { isMoot } from "./paying/paying-state.ts";
import { type Action, isRunning, type ShopEvent, type ShopState } from "./shop-state.ts";
import { callOf, emptyShop, stepShop } from "./step-shop.ts";

/** Holds the state, asks the shop's tools, and tells the listener after each change. */
export interface Controller {
  readonly state: ShopState;
  dispatch(event: ShopEvent): void;
  /**
   * Asks for something, unless the same is under way already: a second press of a button does nothing. A window is asked for with each press, because hosts open
   * none just after another.
   */
  run(action: Action): void;
}

/** Letters that come within this time are kept together: hosts count what a view sends. */
const typingMs = 300;

/** Makes the controller of one frame and shows what its host has already told. */
export function createController(app: App, changed: (state: ShopState) => void): Controller {
  const { order, outcomes = [], checkoutId, typed, away = false } = recall(app);
  const address = checkoutId === undefined || typed === undefined ? undefined : { checkoutId, address: typed };
  let state: ShopState = { ...emptyShop, receiptHandle: order, outcomes, typed: address };
  let lastCall = 0;
  const open = new Map<number, { readonly action: Action; readonly stop: AbortController }>();
  let typing: ReturnType<typeof setTimeout> | undefined;
  const keep = (): void => {
    clearTimeout(typing);
    typing = undefined;
    remember(app, state);
  };
  const dispatch = (event: ShopEvent): void => {
    const step = stepShop(state, event);
    const isNews = step.state.outcomes !== state.outcomes;
    state = step.state;
    changed(state);
    if (event.type !== "typed") keep();
    else typing ??= setTimeout(keep, typingMs);
    // The host then stops asking the user for something that nobody can approve any more.
    for (const { action, stop } of open.values()) if (isMoot(state, action)) stop.abort();
    // Not every host takes it, and nothing depends on it.
    if (isNews) app.updateModelContext({ text: textOfOutcomes(state.outcomes) }).catch(() => undefined);
    if (step.next !== undefined) run(step.next);
  };
  const run = (action: Action): void => {
    if (action.type !== "browse" && action.type !== "reopen" && isRunning(state, action)) return;
    lastCall += 1;
    const call = lastCall;
    dispatch({ type: "started", call, action });
    const { name, args, idempotent } = callOf(action, state);
    const stop = new AbortController();
    open.set(call, { action, stop });
    app.callTool(name, args, { idempotent, signal: stop.signal }).then(
      (result) => {
        open.delete(call);
        dispatch({ type: "succeeded", call, action, answer: readAnswer(result.structuredContent, result._meta) });
      },
      (thrown: unknown) => {
        open.delete(call);
        const { code, message, retryable } = toCallError(thrown);
        dispatch({ type: "failed", call, failure: { action, code, message: wordsFor(message), retryable } });
      },
    );
  };
  if (order === undefined && checkoutId !== undefined) dispatch({ type: "recalled", checkoutId, onScreen: !away });
  app.onAuthorization((authorization) => dispatch({ type: "authorization", authorization }));
  app.onToolInput((input) => dispatch({ type: "asked", query: textOf(input["query"]), category: textOf(input["category"]) }));
  app.onToolResult((result) => dispatch({ type: "told", answer: readAnswer(result.structuredContent, result._meta) }));
  return {
    get state() {
      return state;
    },
    dispatch,
    run,
  };
}

/** Some hosts hand on what one of their programs said to another. Nobody is shown that. */
function wordsFor(message: string): string {
  return /^\s*[[{]/.test(message) ? "This did not work. Please try again." : message;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
