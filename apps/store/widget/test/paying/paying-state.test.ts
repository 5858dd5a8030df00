import { describe, expect, test } from "vitest";
import { payingCall } from "../../src/paying/paying-state.ts";
import type { Action, ShopEvent, ShopState } from "../../src/shop-state.ts";
import { isRunning } from "../../src/shop-state.ts";
import { emptyShop } from "../../src/step-shop.ts";
import { checkout, onCheckout, order, play, price, receipt } from "./fixtures.ts";

const pay: Action = { type: "pay", checkoutId: "chk_1" };
const reopen: Action = { type: "reopen", checkoutId: "chk_1" };
const look: Action = { type: "order", orderId: "ord_1" };
const refund = { type: "refund", orderId: "ord_1", amount: 500, refundedBefore: 0 } as const;
const run = (call: number, action: Action, answer: Extract<ShopEvent, { type: "succeeded" }>["answer"]): readonly ShopEvent[] => [
  { type: "started", call, action },
  { type: "succeeded", call, action, answer },
];
const fail = (call: number, action: Action, code: string): readonly ShopEvent[] => [
  { type: "started", call, action },
  { type: "failed", call, failure: { action, code, message: "", retryable: true } },
];
const onOrders: ShopState = play(emptyShop, { type: "told", answer: { orders: [order] } }).state;
const partly = { ...order, status: "partly_refunded", refunded: { amount: 500, currency: "EUR" } } as const;
const made = { id: "ref_1", status: "done", amount: { amount: 500, currency: "EUR" }, createdAt: 0 } as const;

describe("asking for the window again", () => {
  const paying = play(onCheckout, { type: "started", call: 1, action: pay }).state;

  test("is a second call of the same tool beside the first, which goes on", () => {
    const both = play(paying, { type: "started", call: 2, action: reopen }).state;
    expect(isRunning(both, pay) && isRunning(both, reopen)).toBe(true);
    expect(payingCall(reopen, both)).toEqual(payingCall(pay, both));
  });

  test("brings the receipt when it is the first to hear of it, and the other call changes nothing then", () => {
    const paid = play(paying, ...run(2, reopen, { order, receipt })).state;
    expect(paid).toMatchObject({ screen: "receipt", receipt });
    expect(play(paid, { type: "succeeded", call: 1, action: pay, answer: { order, receipt } }).state).toMatchObject({ screen: "receipt", order });
  });

  test("hides nothing and shows nothing when it fails", () => {
    const refused = play(paying, ...fail(2, reopen, "rate_limited"));
    expect(refused.state).toMatchObject({ failure: undefined, screen: "checkout" });
    expect(isRunning(refused.state, pay)).toBe(true);
    expect(refused.next).toBeUndefined();
  });
});

describe("an order", () => {
  test("of the list opens with what is known of it, and is read whole", () => {
    const opened = play(onOrders, { type: "started", call: 1, action: look }).state;
    expect(opened).toMatchObject({ screen: "order", order, receipt: undefined });
    const read = play(opened, { type: "succeeded", call: 1, action: look, answer: { order: { ...order, refunds: [made] }, receipt } }).state;
    expect(read).toMatchObject({ screen: "order", order: { refunds: [made] }, receipt });
  });

  test("that comes back after a reload opens by itself, and gives way to the shelf when it is gone", () => {
    expect(play(emptyShop, ...run(1, look, { order, receipt })).state).toMatchObject({ screen: "order", order, receipt });
    expect(play(emptyShop, ...fail(1, look, "not_found"))).toMatchObject({ state: { failure: undefined }, next: { type: "browse" } });
  });

  test("names the version on the button, and what is paid takes no more goods, wherever the user is by then", () => {
    const paying: ShopState = { ...onCheckout, checkout: { ...checkout, version: 7 } };
    expect(payingCall(pay, paying).args).toEqual({ checkout_id: "chk_1", version: 7 });
    expect(payingCall(pay, { ...paying, checkout: { ...checkout, id: "chk_2" } }).args).toEqual({ checkout_id: "chk_1" });
    const walked = play({ ...paying, screen: "products" }, ...run(1, pay, { order, receipt })).state;
    expect(walked).toMatchObject({ screen: "products", checkout: { status: "completed" } });
  });

  test("does not pull the user back who walked on meanwhile", () => {
    const walked = play(onOrders, { type: "started", call: 1, action: look }, { type: "started", call: 2, action: { type: "orders" } }).state;
    expect(play(walked, { type: "succeeded", call: 1, action: look, answer: { order, receipt } }).state.screen).toBe("orders");
  });

  test("is read with the guest's handle when it is this order's, and without one otherwise", () => {
    const receiptHandle = { orderId: "ord_1", handle: "h" };
    expect(payingCall(look, { ...onCheckout, receiptHandle }).args).toEqual({ order_id: "ord_1", receipt_handle: "h" });
    expect(payingCall({ type: "order", orderId: "ord_2" }, { ...onCheckout, receiptHandle }).args).toEqual({ order_id: "ord_2" });
    expect(play(onCheckout, ...run(1, pay, { order, receipt, receiptHandle: "h" })).state.receiptHandle).toEqual(receiptHandle);
  });

  test("list goes on below what is shown", () => {
    const first = play(emptyShop, ...run(1, { type: "orders" }, { orders: [order], nextCursor: "ord_1" })).state;
    expect(first.ordersCursor).toBe("ord_1");
    const more: Action = { type: "orders", cursor: "ord_1" };
    expect(payingCall(more, first).args).toEqual({ cursor: "ord_1" });
    const second = play(first, ...run(2, more, { orders: [{ ...order, id: "ord_0" }] })).state;
    expect(second.orders?.map(({ id }) => id)).toEqual(["ord_1", "ord_0"]);
    expect(second.ordersCursor).toBeUndefined();
    expect(play(second, ...run(3, { type: "orders" }, { orders: [order] })).state.orders).toHaveLength(1);
  });
});

describe("a refund", () => {
  const onOrder = play(onOrders, ...run(1, look, { order, receipt })).state;

  test("names what was given back before, so that asking twice is one refund", () => {
    expect(payingCall({ ...refund, refundedBefore: 100 }, onOrder)).toEqual({
      name: "refund_order",
      args: { order_id: "ord_1", amount_minor: 500, refunded_minor: 100 },
      idempotent: true,
    });
  });

  test("changes the order on the screen and in the list, and leaves its receipt", () => {
    const refunded = play(onOrder, ...run(2, refund, { order: { ...partly, refunds: [made] }, refund: made })).state;
    expect(refunded).toMatchObject({ screen: "order", order: { status: "partly_refunded", refunds: [made] }, receipt });
    expect(refunded.orders).toMatchObject([{ status: "partly_refunded" }]);
  });

  test("of an order that is not on the screen any more changes the list alone", () => {
    const elsewhere = play(onOrder, { type: "told", answer: { order: { ...order, id: "ord_2" }, receipt } }).state;
    expect(play(elsewhere, ...run(2, refund, { order: partly, refund: made })).state.order?.id).toBe("ord_2");
  });

  test("that failed looks at the order, and goes on saying why", () => {
    const failed = play(onOrder, ...fail(2, refund, "exceeds_payment"));
    expect(failed).toMatchObject({ state: { failure: { code: "exceeds_payment" } }, next: look });
    const looked = play(failed.state, ...run(3, look, { order, receipt })).state;
    expect(looked.failure?.code).toBe("exceeds_payment");
    expect(play(looked, { type: "started", call: 4, action: { ...look, orderId: "ord_2" } }).state.failure).toBeUndefined();
  });
});

test("how the payment of an order ended that was given up is not said beside the next order", () => {
  const next: ShopState = { ...onCheckout, checkout: { ...checkout, id: "chk_2" } };
  expect(play(next, ...fail(1, pay, "access_denied"))).toMatchObject({ state: { failure: undefined, doubted: undefined }, next: undefined });
  expect(play(onCheckout, ...fail(1, pay, "access_denied")).state.failure?.code).toBe("access_denied");
});

test("a checkout that is paid is shown as it is, whoever asks", () => {
  const check: Action = { type: "check", checkoutId: "chk_1" };
  const state = play(
    onCheckout,
    ...fail(1, pay, "server_unreachable"),
    ...run(2, check, { checkout: { ...checkout, status: "completed", total: price } }),
  ).state;
  expect(state).toMatchObject({ failure: undefined, doubted: undefined, checkout: { status: "completed" } });
});
