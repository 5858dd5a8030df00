import type { App } from "@countersign/widget/connect";
import { expect, test } from "vitest";
import { recall, remember } from "../src/memory.ts";
import type { ShopState } from "../src/shop-state.ts";
import { emptyShop } from "../src/step-shop.ts";
import { checkout, onCheckout, order, receipt } from "./paying/fixtures.ts";

/** What comes back of a state after a reload. */
function afterReload(state: ShopState): ReturnType<typeof recall> {
  let stored: unknown;
  const app: Pick<App, "state"> = {
    state: { durable: true, get: () => stored, set: (value) => void (stored = value), setModelContent: () => undefined },
  };
  remember(app, state);
  stored = JSON.parse(JSON.stringify(stored ?? null));
  return recall(app);
}

const receiptHandle = { orderId: "ord_1", handle: "h".repeat(40) };
const onReceipt: ShopState = { ...onCheckout, screen: "receipt", order, receipt };

test("the checkout on the screen comes back, and what the chat was told", () => {
  expect(afterReload(onCheckout)).toEqual({ checkoutId: "chk_1" });
  const outcomes = [{ key: "paid:chk_1", text: "The user paid." }];
  expect(afterReload({ ...onCheckout, outcomes })).toEqual({ checkoutId: "chk_1", outcomes });
});

test("a guest's receipt comes back by its handle, another user's by the checkout that is paid", () => {
  expect(afterReload({ ...onReceipt, receiptHandle })).toEqual({ order: receiptHandle });
  expect(afterReload(onReceipt)).toEqual({ checkoutId: "chk_1" });
});

test("an order that can be read after a sign-in only is not asked for before anybody pressed anything", () => {
  expect(afterReload({ ...onReceipt, screen: "order" })).toEqual({});
  expect(afterReload({ ...onReceipt, screen: "order", receiptHandle: { ...receiptHandle, orderId: "ord_2" } })).toEqual({});
});

test("an order that can still be paid is kept while the user looks around, one that is over is not", () => {
  const onShelf: ShopState = { ...onCheckout, screen: "products" };
  expect(afterReload(onShelf)).toEqual({ checkoutId: "chk_1", away: true });
  expect(afterReload({ ...onCheckout, screen: "address" })).toEqual({ checkoutId: "chk_1" });
  expect(afterReload({ ...onShelf, checkout: { ...checkout, status: "completed" } })).toEqual({});
  expect(afterReload({ ...onShelf, checkout: undefined })).toEqual({});
});

test("what stands in the address form comes back with its order, while the form is on the screen", () => {
  const address = { name: "Ada", line1: "Oude Del", line2: "", postalCode: "", city: "", region: "", country: "NL" };
  const typing: ShopState = { ...onCheckout, screen: "address", typed: { checkoutId: "chk_1", address } };
  expect(afterReload(typing)).toEqual({ checkoutId: "chk_1", typed: address });
  expect(afterReload({ ...typing, screen: "checkout" })).toEqual({ checkoutId: "chk_1" });
  expect(afterReload({ ...typing, typed: { checkoutId: "chk_0", address } })).toEqual({ checkoutId: "chk_1" });
});

test("a view that shows nothing yet, or not yet what it remembers, forgets nothing", () => {
  expect(afterReload({ ...onCheckout, recalled: { checkoutId: "chk_0", onScreen: true } })).toEqual({});
  expect(afterReload({ ...emptyShop, checkout })).toEqual({});
});

test("what is malformed counts as absent", () => {
  const recalled = (stored: unknown): unknown =>
    recall({ state: { durable: true, get: () => stored, set: () => undefined, setModelContent: () => undefined } });
  expect(recalled("text")).toEqual({});
  expect(recalled({ checkoutId: 1, order: { orderId: "ord_1" }, outcomes: [1] })).toEqual({});
});
