import { describe, expect, test } from "vitest";
import { readOutcomes, textOf } from "../../src/paying/outcome.ts";
import type { Action, ShopEvent, ShopState } from "../../src/shop-state.ts";
import { emptyShop } from "../../src/step-shop.ts";
import { checkout, onCheckout, order, play, receipt } from "./fixtures.ts";

const pay: Action = { type: "pay", checkoutId: "chk_1" };
const check: Action = { type: "check", checkoutId: "chk_1" };
const told = (state: ShopState): string => textOf(state.outcomes);
const run = (call: number, action: Action, answer: Extract<ShopEvent, { type: "succeeded" }>["answer"]): readonly ShopEvent[] => [
  { type: "started", call, action },
  { type: "succeeded", call, action, answer },
];
const fail = (call: number, code: string): readonly ShopEvent[] => [
  { type: "started", call, action: pay },
  { type: "failed", call, failure: { action: pay, code, message: "", retryable: true } },
];

describe("what the chat is told", () => {
  test("a payment is told once, with the order, however often it is heard of", () => {
    const paid = play(onCheckout, ...run(1, pay, { order, receipt })).state;
    expect(told(paid)).toBe("The user paid in the shop's view. Order ord_1.");
    const again = play(paid, ...run(2, pay, { order, receipt }), ...run(3, check, { checkout: { ...checkout, status: "completed" } })).state;
    expect(again.outcomes).toBe(paid.outcomes);
  });

  test("a payment that was only seen to be complete is told too, and not again with its receipt", () => {
    const seen = play(onCheckout, ...run(1, check, { checkout: { ...checkout, status: "completed" } })).state;
    expect(told(seen)).toBe("The user paid in the shop's view. Checkout chk_1.");
    expect(play(seen, ...run(2, pay, { order, receipt })).state.outcomes).toBe(seen.outcomes);
  });

  test.each([
    ["access_denied", "The user did not approve the payment of checkout chk_1. Nothing was charged."],
    ["cancelled", "The user stopped the payment of checkout chk_1."],
    ["flow_expired", "Nobody approved the payment of checkout chk_1 in time. Nothing was charged."],
    ["insufficient_funds", "The payment of checkout chk_1 was declined. Nothing was charged."],
    ["server_unreachable", ""],
    ["payment_outcome_unknown", ""],
  ])("a try that ended with %s: %s", (code, text) => {
    expect(told(play(onCheckout, ...fail(1, code)).state)).toBe(text);
  });

  test("each new no is told, and the payment after them", () => {
    const state = play(onCheckout, ...fail(1, "access_denied"), ...fail(2, "access_denied"), ...run(3, pay, { order, receipt })).state;
    expect(told(state).split("\n")).toHaveLength(3);
    expect(told(state)).toMatch(/Order ord_1\.$/);
  });

  test("the end of a link is told by the library of the view, and not once more", () => {
    const byLink: ShopEvent = { type: "authorization", authorization: { state: "denied", rung: "link", tool: "pay" } };
    expect(told(play(onCheckout, byLink, ...fail(1, "payment_denied")).state)).toBe("");
    expect(told(play(onCheckout, byLink, ...fail(1, "payment_request_expired")).state)).toBe("");
  });

  test("an order that was canceled or whose time is over is told once", () => {
    const canceled = play(onCheckout, ...run(1, check, { checkout: { ...checkout, status: "canceled" } })).state;
    expect(told(canceled)).toBe("Somebody canceled checkout chk_1. Nothing was charged.");
    const byUser: Action = { type: "cancel", checkoutId: "chk_1" };
    const given = play(onCheckout, ...run(1, byUser, { checkout: { ...checkout, status: "canceled" } })).state;
    expect(told(given)).toBe("The user canceled checkout chk_1 in the shop's view. Nothing was charged.");
    const expired = play(onCheckout, ...fail(1, "flow_expired"), ...run(2, check, { checkout: { ...checkout, status: "expired" } })).state;
    expect(expired.outcomes).toHaveLength(1);
  });

  test("an order of before that somebody looks at is no payment", () => {
    expect(told(play(emptyShop, ...run(1, { type: "order", orderId: "ord_1" }, { order, receipt })).state)).toBe("");
    expect(told(play(onCheckout, ...run(1, { type: "order", orderId: "ord_1" }, { order, receipt }), ...run(2, pay, { order, receipt })).state)).toBe(
      "The user paid in the shop's view. Order ord_1.",
    );
  });

  test("a refund is told when it is on its way and when it is made, each once", () => {
    const refund: Action = { type: "refund", orderId: "ord_1", amount: 500, refundedBefore: 0 };
    const made = { id: "ref_1", status: "pending", amount: { amount: 500, currency: "EUR" }, createdAt: 0 } as const;
    const pending = play(onCheckout, ...run(1, refund, { order, refund: made }), ...run(2, refund, { order, refund: made })).state;
    expect(told(pending)).toBe("A refund of 5.00 EUR of order ord_1 is on its way.");
    const done = play(pending, ...run(3, refund, { order, refund: { ...made, status: "done" } })).state;
    expect(told(done)).toMatch(/\nThe user had 5\.00 EUR of order ord_1 refunded\.$/);
  });

  test("what the chat asked for itself is not told back to it; what this view waited for is", () => {
    expect(told(play(emptyShop, { type: "told", answer: { order, receipt } }).state)).toBe("");
    expect(told(play(onCheckout, { type: "told", answer: { order, receipt } }).state)).toContain("Order ord_1");
    const reloaded = play(emptyShop, { type: "started", call: 1, action: check }).state;
    expect(told(play(reloaded, { type: "told", answer: { order, receipt } }).state)).toContain("Order ord_1");
  });

  test("an answer that comes too late for its button tells nothing", () => {
    const stale: ShopEvent = { type: "succeeded", call: 1, action: pay, answer: { order, receipt } };
    expect(play(onCheckout, { type: "started", call: 2, action: pay }, stale).state.outcomes).toEqual([]);
  });

  test("what was told is read back whole, and nothing else with it", () => {
    const { outcomes } = play(onCheckout, ...fail(1, "access_denied")).state;
    expect(readOutcomes(JSON.parse(JSON.stringify(outcomes)))).toEqual(outcomes);
    expect(readOutcomes([{ key: 1 }, "x", { key: "k", text: "t".repeat(301) }])).toEqual([]);
    expect(readOutcomes("x")).toEqual([]);
    expect(readOutcomes(Array.from({ length: 20 }, (_, index) => ({ key: `${index}`, text: "t" })))).toHaveLength(8);
  });
});
