import { toCallError } from "@countersign/widget/call-error";
import type { App } from "@countersign/widget/connect";
import { isObject } from "@countersign/widget/wire";
import { readAnswer } from "./goods.ts";
import { type Action, emptyShop, isRunning, type ShopEvent, type ShopState, stepShop } from "./shop-state.ts";

/** Holds the state, asks the shop's tools, and tells the listener after each change. */
export interface Controller {
  readonly state: ShopState;
  dispatch(event: ShopEvent): void;
  /** Asks for something, unless the same is under way already: a second press of a button does nothing. */
  run(action: Action): void;
}

/** Makes the controller of one frame and shows what its host has already told. */
export function createController(app: App, changed: (state: ShopState) => void): Controller {
  let state = emptyShop;
  let lastCall = 0;
  const dispatch = (event: ShopEvent): void => {
    const step = stepShop(state, event);
    state = step.state;
    changed(state);
    remember(app, state);
    if (step.next !== undefined) run(step.next);
  };
  const run = (action: Action): void => {
    if (action.type !== "browse" && isRunning(state, action)) return;
    lastCall += 1;
    const call = lastCall;
    dispatch({ type: "started", call, action });
    const [name, args] = toolOf(action);
    // A checkout is paid once however often it is asked for; everything else but a new order only looks.
    app.callTool(name, args, { idempotent: action.type !== "buy" }).then(
      (result) => {
        const answer = readAnswer(result.structuredContent);
        dispatch({ type: "succeeded", call, action, answer });
        if (action.type === "pay" && answer.receipt !== undefined) tellModel(app, answer.receipt.number);
      },
      (thrown: unknown) => {
        const { code, message, retryable } = toCallError(thrown);
        dispatch({ type: "failed", call, failure: { action, code, message, retryable } });
      },
    );
  };
  app.onAuthorization((authorization) => dispatch({ type: "authorization", authorization }));
  app.onToolInput((input) => dispatch({ type: "asked", query: textOf(input["query"]), category: textOf(input["category"]) }));
  app.onToolResult((result) => dispatch({ type: "told", answer: readAnswer(result.structuredContent) }));
  return {
    get state() {
      return state;
    },
    dispatch,
    run,
  };
}

/** The checkout that was on the screen when the frame was last seen, if its host keeps state. */
export function rememberedCheckout(app: App): string | undefined {
  const stored = app.state.get();
  const id = isObject(stored) ? stored["checkoutId"] : undefined;
  return typeof id === "string" ? id : undefined;
}

function remember(app: App, state: ShopState): void {
  const checkoutId = state.screen === "checkout" ? state.checkout?.id : undefined;
  if (state.screen !== "start" && checkoutId !== rememberedCheckout(app)) app.state.set(checkoutId === undefined ? {} : { checkoutId });
}

/** Not every host takes it, and nothing depends on it. */
function tellModel(app: App, order: string): void {
  app.updateModelContext({ text: `The user paid in the shop's view. Order ${order}.` }).catch(() => undefined);
}

function toolOf(action: Action): readonly [string, Record<string, unknown>] {
  switch (action.type) {
    case "browse":
      return [
        "browse_products",
        { ...(action.query === "" ? {} : { query: action.query }), ...(action.category === "" ? {} : { category: action.category }) },
      ];
    case "buy":
      return ["create_checkout", { items: [{ product_id: action.productId, quantity: action.quantity }] }];
    case "pay":
      return ["pay", { checkout_id: action.checkoutId }];
    case "check":
      return ["get_checkout", { checkout_id: action.checkoutId }];
    case "orders":
      return ["list_orders", {}];
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
