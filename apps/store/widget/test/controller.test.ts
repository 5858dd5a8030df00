import { CallError } from "@countersign/widget/call-error";
import type { App } from "@countersign/widget/connect";
import { expect, test, vi } from "vitest";
import { noAddress } from "../src/buying/address.ts";
import { createController } from "../src/controller.ts";
import { recall } from "../src/memory.ts";

interface Asked {
  readonly name: string;
  readonly args: unknown;
  readonly signal: AbortSignal | undefined;
  resolve(structuredContent: Record<string, unknown>): void;
  reject(error: unknown): void;
}

/** An app whose calls end when the test says so. */
function createApp(): { readonly app: App; readonly asked: Asked[]; readonly models: unknown[] } {
  const asked: Asked[] = [];
  const models: unknown[] = [];
  let stored: unknown;
  const never = (): (() => void) => () => undefined;
  const app: App = {
    bridge: "mcp-apps",
    hostContext: { raw: {} },
    state: { durable: true, get: () => stored, set: (value) => void (stored = value), setModelContent: () => undefined },
    callTool: (name, args, options) =>
      new Promise((resolve, reject) =>
        asked.push({ name, args, signal: options?.signal, resolve: (structuredContent) => resolve({ content: [], structuredContent }), reject }),
      ),
    unlink: async () => undefined,
    onToolInput: never,
    onToolResult: never,
    onToolCancelled: never,
    onAuthorization: never,
    onHostContext: never,
    onTeardown: never,
    updateModelContext: async (context) => void models.push(context),
    sendMessage: async () => undefined,
    openLink: async () => undefined,
    requestDisplayMode: async () => "inline",
    openAuthPopup: undefined,
    resize: () => undefined,
    close: () => undefined,
  };
  return { app, asked, models };
}

const total = { amount: 100, currency: "EUR" };
const checkout = { id: "chk_1", status: "priced", items: [], total, expires_at: "" };
const flush = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

test("each action calls its tool, and a second press while it runs calls nothing", () => {
  const { app, asked } = createApp();
  const controller = createController(app, () => undefined);
  controller.run({ type: "browse", query: "", category: "desk" });
  controller.run({ type: "buy", productId: "wall-clock", variantId: "wall-clock", quantity: 2 });
  controller.run({ type: "buy", productId: "wall-clock", variantId: "wall-clock", quantity: 2 });
  controller.run({ type: "pay", checkoutId: "chk_1" });
  controller.run({ type: "pay", checkoutId: "chk_1" });
  controller.run({ type: "orders" });
  expect(asked.map(({ name, args }) => [name, args])).toEqual([
    ["browse_products", { category: "desk" }],
    ["create_checkout", { items: [{ product_id: "wall-clock", variant_id: "wall-clock", quantity: 2 }] }],
    ["pay", { checkout_id: "chk_1" }],
    ["list_orders", {}],
  ]);
});

test("an order that is canceled while its payment waits is no longer waited for, and the chat hears nothing of a failed payment", async () => {
  const { app, asked, models } = createApp();
  const controller = createController(app, () => undefined);
  controller.dispatch({ type: "told", answer: { products: [] } });
  controller.run({ type: "buy", productId: "wall-clock", variantId: "wall-clock", quantity: 1 });
  asked[0]?.resolve({ checkout });
  await flush();
  controller.run({ type: "pay", checkoutId: "chk_1" });
  controller.run({ type: "check", checkoutId: "chk_1" });
  asked[2]?.resolve({ checkout: { ...checkout, status: "awaiting_approval" } });
  await flush();
  expect(asked[1]?.signal?.aborted).toBe(false);
  controller.run({ type: "cancel", checkoutId: "chk_1" });
  asked[3]?.resolve({ checkout: { ...checkout, status: "canceled" } });
  await flush();
  expect(asked[1]?.signal?.aborted).toBe(true);
  asked[1]?.reject(new CallError({ code: "cancelled", message: "This was cancelled.", retryable: true, callId: "call_2" }));
  await flush();
  expect(controller.state.checkout?.status).toBe("canceled");
  expect(models).toEqual([{ text: "The user canceled checkout chk_1 in the shop's view. Nothing was charged." }]);
});

test("a half-typed address is kept with its last letter, and comes back with the form", async () => {
  vi.useFakeTimers();
  try {
    const { app, asked } = createApp();
    const controller = createController(app, () => undefined);
    controller.dispatch({ type: "told", answer: { products: [] } });
    controller.run({ type: "buy", productId: "wall-clock", variantId: "wall-clock", quantity: 1 });
    asked[0]?.resolve({ checkout });
    await vi.advanceTimersByTimeAsync(0);
    controller.dispatch({ type: "go", screen: "address" });
    for (const line1 of ["O", "Ou", "Oude"]) {
      const address = { name: "", line1, line2: "", postalCode: "", city: "", region: "", country: "NL" };
      controller.dispatch({ type: "typed", checkoutId: "chk_1", address });
    }
    expect(recall(app)).toEqual({ checkoutId: "chk_1" });
    await vi.advanceTimersByTimeAsync(300);
    expect(recall(app)).toMatchObject({ checkoutId: "chk_1", typed: { line1: "Oude" } });
    const items = [{ product_id: "wall-clock", variant_id: "wall-clock", title: "Clock", quantity: 1, unit_price: total, amount: total }];
    const reloaded = createController(app, () => undefined);
    expect(asked.at(-1)).toMatchObject({ name: "get_checkout" });
    asked.at(-1)?.resolve({ checkout: { ...checkout, items } });
    await vi.advanceTimersByTimeAsync(0);
    expect(reloaded.state).toMatchObject({ screen: "address", typed: { checkoutId: "chk_1", address: { line1: "Oude" } } });
    reloaded.dispatch({ type: "want", wish: { address: { ...noAddress, line1: "Oude Delft 1", country: "NL" } } });
    asked.at(-1)?.resolve({ checkout: { ...checkout, items, version: 2 } });
    await vi.advanceTimersByTimeAsync(0);
    expect(reloaded.state).toMatchObject({ screen: "checkout", typed: undefined });
  } finally {
    vi.useRealTimers();
  }
});

test("a paid order reaches the screen and the model once, and is remembered as paid", async () => {
  const { app, asked, models } = createApp();
  const changed = vi.fn();
  const controller = createController(app, changed);
  controller.dispatch({ type: "told", answer: { products: [] } });
  controller.run({ type: "buy", productId: "wall-clock", variantId: "wall-clock", quantity: 1 });
  asked[0]?.resolve({ checkout });
  await flush();
  expect(recall(app)).toEqual({ checkoutId: "chk_1" });
  controller.run({ type: "pay", checkoutId: "chk_1" });
  asked[1]?.resolve({ order: { id: "ord_1", checkout_id: "chk_1", total, items: [] }, receipt: { number: "ord_1", payee: "Harbour Goods", total } });
  await flush();
  expect(controller.state.screen).toBe("receipt");
  expect(models).toEqual([{ text: "The user paid in the shop's view. Order ord_1." }]);
  const outcomes = [{ key: "paid:chk_1", text: "The user paid in the shop's view. Order ord_1." }];
  expect(recall(app)).toEqual({ checkoutId: "chk_1", outcomes });
  // Loaded again, the view looks at the same checkout and has nothing new to tell.
  const again = createController(app, () => undefined);
  again.run({ type: "check", checkoutId: "chk_1" });
  asked[2]?.resolve({ checkout: { ...checkout, status: "completed" } });
  await flush();
  expect(again.state).toMatchObject({ screen: "checkout", outcomes });
  expect(models).toHaveLength(1);
  expect(changed).toHaveBeenCalled();
});

test("a refused payment is shown with its code, then the checkout is looked at", async () => {
  const { app, asked } = createApp();
  const controller = createController(app, () => undefined);
  controller.dispatch({ type: "told", answer: { products: [] } });
  controller.run({ type: "pay", checkoutId: "chk_1" });
  asked[0]?.reject(new CallError({ code: "access_denied", message: "Access was not granted.", retryable: true, callId: "call_1" }));
  await flush();
  expect(controller.state.failure).toMatchObject({ code: "access_denied", message: "Access was not granted.", retryable: true });
  expect(asked[1]).toMatchObject({ name: "get_checkout", args: { checkout_id: "chk_1" } });
});

test("each press asks for the lost window again, while the payment itself is asked for once", () => {
  const { app, asked } = createApp();
  const controller = createController(app, () => undefined);
  controller.run({ type: "pay", checkoutId: "chk_1" });
  controller.run({ type: "pay", checkoutId: "chk_1" });
  controller.run({ type: "reopen", checkoutId: "chk_1" });
  controller.run({ type: "reopen", checkoutId: "chk_1" });
  expect(asked.map(({ name }) => name)).toEqual(["pay", "pay", "pay"]);
});
