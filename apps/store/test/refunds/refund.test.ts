import { describe, expect, test } from "vitest";
import { findRefund, judgeRefund, paidStatusOf, type Refund, type RefundableSums } from "../../src/refunds/refund.ts";

const eur = (amount: number): { amount: number; currency: string } => ({ amount, currency: "EUR" });
const limit = 5000;
const none: RefundableSums = { captured: 1000, refunded: 0, refunds: [], limit };
const withOne = (amount: number, state: Refund["state"]): RefundableSums => ({
  captured: 1000,
  refunded: state === "done" ? amount : 0,
  refunds: [{ id: "ref_1", amount: eur(amount), before: 0, state, isApproved: false }],
  limit,
});
const some = withOne(300, "done");
const live = withOne(300, "pending");
const failed = withOne(300, "refused");
const all = withOne(1000, "done");

describe("a wish for a refund", () => {
  test.each([
    ["all of it", none, undefined, 0, "begin 1000"],
    ["a part", none, 1, 0, "begin 1"],
    ["all that is left", some, undefined, 300, "begin 700"],
    ["exactly what is left", some, 700, 300, "begin 700"],
    ["P07 more than is left", some, 701, 300, "exceeds_payment"],
    ["P07 more than was captured", none, 1001, 0, "exceeds_payment"],
    ["told again while it is under way", live, 300, 0, "go on ref_1"],
    ["another one while one is under way", live, 200, 0, "conflict"],
    ["all while a part is under way", live, undefined, 0, "conflict"],
    ["told again when it is done", some, 300, 0, "go on ref_1"],
    ["all, told again when it is done", all, undefined, 0, "go on ref_1"],
    ["another one of somebody who did not see the first", some, 200, 0, "conflict"],
    ["of more than was ever given back", none, 100, 50, "conflict"],
    ["a second time after the first was refused", failed, 300, 0, "begin 300"],
    ["anything when nothing is left", all, 1, 1000, "payment_closed"],
    ["all when nothing is left is what was asked for before", all, undefined, 1000, "go on ref_1"],
    ["all when the bank gave it back by itself", { ...none, refunded: 1000 }, undefined, 1000, "payment_closed"],
  ] as const)("%s: %#", (_title, sums, amount, seen, expected) => {
    const judged = judgeRefund(sums, { amount, seen });
    const told = !judged.ok ? judged.error.code : judged.value.verdict === "begin" ? `begin ${judged.value.amount}` : `go on ${judged.value.id}`;
    expect(told).toBe(expected);
  });
});

test("of two refunds over the same sum the one that began at the seen sum is the wish's", () => {
  const two = ["ref_1", "ref_2"].map((id, index) => ({ id, amount: eur(300), before: 300 * index, state: "done" as const, isApproved: false }));
  const judged = judgeRefund({ captured: 1000, refunded: 600, refunds: two, limit }, { amount: 300, seen: 300 });
  expect(judged).toEqual({ ok: true, value: { verdict: "go_on", id: "ref_2" } });
});

describe("a refund over the limit", () => {
  const large = { captured: 20_000, refunded: 0, refunds: [], limit };
  const needs = (sums: RefundableSums, amount: number): boolean | string => {
    const judged = judgeRefund(sums, { amount, seen: sums.refunded });
    return !judged.ok ? judged.error.code : judged.value.verdict === "begin" ? judged.value.needsApproval : "go on";
  };
  const before = (amount: number, state: "done" | "refused" | "awaiting_approval", isApproved = false): RefundableSums => ({
    ...large,
    refunded: state === "done" ? amount : 0,
    refunds: [{ id: "ref_1", amount: eur(amount), before: 0, state, isApproved }],
  });

  test("needs the user's approval; one at the limit does not", () => {
    expect([needs(large, 5000), needs(large, 5001), needs({ ...large, limit: 0 }, 1), needs({ ...large, limit: undefined }, 1)]).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });

  test("P13 is what many small ones add up to, and what was approved or came to nothing does not count", () => {
    expect([1, 4000, 4001, 4999].map((amount) => needs(before(amount, "done"), 1000))).toEqual([false, false, true, true]);
    expect([needs(before(9000, "done", true), 1000), needs(before(9000, "refused"), 1000)]).toEqual([false, false]);
  });

  test("is replaced while nobody has approved it, and is found again by the same wish", () => {
    const waiting = before(6000, "awaiting_approval");
    expect(judgeRefund(waiting, { amount: 6000, seen: 0 })).toEqual({ ok: true, value: { verdict: "go_on", id: "ref_1" } });
    const other = { verdict: "begin", amount: 100, needsApproval: false, replaces: "ref_1" };
    expect(judgeRefund(waiting, { amount: 100, seen: 0 })).toEqual({ ok: true, value: other });
  });
});

describe("P11 a refund at the bank", () => {
  const refund: Refund = {
    id: "ref_1",
    paymentId: "pay_1",
    orderId: "ord_1",
    amount: eur(300),
    before: 0,
    captured: 1000,
    state: "pending",
    attempts: 1,
    reason: null,
    createdAt: 0,
    refusedWith: null,
    isApproved: false,
    signed: null,
    requestId: null,
  };
  const move = { kind: "refund", amount: 300, key: "k" };
  const payment = { id: "pay_1", status: "captured", amount: 1000, currency: "EUR", captured: 1000, refunded: 300, mandate_jti: "1", moves: [move] };

  test.each([
    ["is found by its key", {}, "found"],
    ["is absent without its key", { moves: [{ kind: "refund", amount: 300 }] }, "absent"],
    ["of another sum is another", { moves: [{ ...move, amount: 301 }] }, "other"],
    ["that is a capture is another", { moves: [{ ...move, kind: "capture" }] }, "other"],
    ["in another currency is another", { currency: "USD" }, "other"],
    ["of another payment is another", { id: "pay_2" }, "other"],
    ["of another sum captured is another", { captured: 999 }, "other"],
    ["that the sums do not show is another", { refunded: 299 }, "other"],
  ] as const)("%s", (_title, change, found) => {
    expect(findRefund({ ...payment, ...change }, refund, "k")).toBe(found);
  });
});

test("an order is what its sums say", () => {
  expect([0, 1, 999, 1000].map((refunded) => paidStatusOf({ captured: 1000, refunded }))).toEqual([
    "complete",
    "partly_refunded",
    "partly_refunded",
    "refunded",
  ]);
});
