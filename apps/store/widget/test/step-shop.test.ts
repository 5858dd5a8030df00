import { describe, expect, test } from "vitest";
import type { Answer } from "../src/answer.ts";
import { wholeShelf } from "../src/buying/buying-state.ts";
import type { Order } from "../src/paying/order.ts";
import { isUnsettled } from "../src/paying/paying-state.ts";
import { type Action, isRunning, type ShopEvent, type ShopState, type ShopStep } from "../src/shop-state.ts";
import { emptyShop, stepShop } from "../src/step-shop.ts";
import { checkoutOf, productOf } from "./buying/examples.ts";

const price = { amount: 1890, currency: "EUR" };
const mug = productOf("stoneware-mug");
const checkout = checkoutOf();
const order: Order = {
  id: "ord_1",
  checkoutId: "chk_1",
  status: "complete",
  lines: [],
  extras: [],
  total: price,
  createdAt: 0,
  paymentId: "pay_1",
  refunded: { amount: 0, currency: "EUR" },
  refunds: [],
};
const receipt = { number: "ord_1", payee: "Harbour Goods", total: price, paidAt: 0, paidWith: "", humanPresent: true };
const pay: Action = { type: "pay", checkoutId: "chk_1" };

function play(state: ShopState, ...events: readonly ShopEvent[]): ShopStep {
  return events.reduce<ShopStep>((step, event) => stepShop(step.state, event), { state, next: undefined });
}

const onCheckout: ShopState = { ...emptyShop, screen: "checkout", checkout };

describe("what the host tells at the start", () => {
  const told: readonly { readonly answer: Answer; readonly screen: string }[] = [
    { answer: { products: [mug] }, screen: "products" },
    { answer: { products: [] }, screen: "products" },
    { answer: { orders: [order] }, screen: "orders" },
    { answer: { order, receipt }, screen: "receipt" },
  ];
  test.each(told)("opens the screen $screen", ({ answer, screen }) => {
    const step = play(emptyShop, { type: "told", answer });
    expect(step.state.screen).toBe(screen);
    expect(step.next).toBeUndefined();
  });

  test("is nothing of the shop: the shop opens its own shelf", () => {
    expect(play(emptyShop, { type: "told", answer: {} }).next).toEqual(wholeShelf);
    expect(play(onCheckout, { type: "told", answer: {} })).toEqual({ state: onCheckout, next: undefined });
  });
});

describe("a call", () => {
  test("runs until it ends, and only its own slot", () => {
    const started = play(onCheckout, { type: "started", call: 1, action: pay }).state;
    expect(isRunning(started, pay)).toBe(true);
    expect(isRunning(started, { type: "pay", checkoutId: "chk_2" })).toBe(false);
    expect(isRunning(started, { type: "orders" })).toBe(false);
    expect(isRunning(play(started, { type: "succeeded", call: 1, action: pay, answer: { order, receipt } }).state, pay)).toBe(false);
    const failure = { action: pay, code: "cancelled", message: "", retryable: true };
    expect(isRunning(play(started, { type: "failed", call: 1, failure }).state, pay)).toBe(false);
  });

  test("that was replaced by a newer one of its slot changes nothing when it ends", () => {
    const kitchen: Action = { type: "browse", query: "", category: "kitchen" };
    const desk: Action = { type: "browse", query: "", category: "desk" };
    const both = play(emptyShop, { type: "started", call: 1, action: kitchen }, { type: "started", call: 2, action: desk }).state;
    expect(play(both, { type: "succeeded", call: 1, action: kitchen, answer: { products: [mug] } }).state).toBe(both);
    const failure = { action: kitchen, code: "internal_error", message: "", retryable: true };
    expect(play(both, { type: "failed", call: 1, failure }).state).toBe(both);
    const done = play(both, { type: "succeeded", call: 2, action: desk, answer: { products: [] } }).state;
    expect(done).toMatchObject({ category: "desk", products: [], running: {} });
  });
});

describe("paying", () => {
  const paying = play(onCheckout, { type: "started", call: 1, action: pay }).state;

  test("ends on the receipt", () => {
    expect(play(paying, { type: "succeeded", call: 1, action: pay, answer: { order, receipt } }).state).toMatchObject({ screen: "receipt", receipt });
  });

  test("does not pull the user back who walked on meanwhile", () => {
    const walked = play(paying, { type: "started", call: 2, action: { type: "orders" } }).state;
    expect(play(walked, { type: "succeeded", call: 1, action: pay, answer: { order, receipt } }).state.screen).toBe("orders");
  });

  test("that failed shows why, and looks at the checkout: it may be paid after all", () => {
    const failure = { action: pay, code: "outcome_unknown", message: "Unknown", retryable: false };
    const failed = play(paying, { type: "failed", call: 1, failure });
    expect(failed.state.failure).toEqual(failure);
    expect(failed.next).toEqual({ type: "check", checkoutId: "chk_1" });
    const check: Action = { type: "check", checkoutId: "chk_1" };
    const paid = play(
      failed.state,
      { type: "started", call: 2, action: check },
      { type: "succeeded", call: 2, action: check, answer: { checkout: { ...checkout, status: "completed" } } },
    );
    expect(paid.state).toMatchObject({ screen: "checkout", failure: undefined, checkout: { status: "completed" } });
    const unpaid = play(
      failed.state,
      { type: "started", call: 2, action: check },
      { type: "succeeded", call: 2, action: check, answer: { checkout } },
    );
    expect(unpaid.state.failure).toEqual(failure);
  });

  test("that failed with a shop that does not answer is looked at until it does", () => {
    const check: Action = { type: "check", checkoutId: "chk_1" };
    const failure = { action: pay, code: "server_unreachable", message: "", retryable: true };
    expect(isUnsettled(onCheckout, checkout)).toBe(false);
    expect(isUnsettled(paying, checkout)).toBe(false);
    const failed = play(paying, { type: "failed", call: 1, failure }, { type: "started", call: 2, action: check }).state;
    const missed = play(failed, { type: "failed", call: 2, failure: { ...failure, action: check } }).state;
    expect(isUnsettled(missed, checkout)).toBe(true);
    expect(isUnsettled(missed, { ...checkout, id: "chk_2" })).toBe(false);
    const seen = play(missed, { type: "started", call: 3, action: check }, { type: "succeeded", call: 3, action: check, answer: { checkout } }).state;
    expect(isUnsettled(seen, checkout)).toBe(false);
  });

  test.each([
    ["priced", false],
    ["awaiting_approval", true],
    ["completing", true],
    ["completed", false],
    ["expired", false],
  ])("that the shop says is %s is looked at again: %s", (status, again) => {
    expect(isUnsettled(onCheckout, { ...checkout, status })).toBe(again);
    expect(isUnsettled(paying, { ...checkout, status })).toBe(false);
  });

  test("again clears the failure", () => {
    const failure = { action: pay, code: "cancelled", message: "", retryable: true };
    const failed = play(paying, { type: "failed", call: 1, failure }).state;
    expect(play(failed, { type: "started", call: 3, action: pay }).state.failure).toBeUndefined();
  });
});
