import { describe, expect, test } from "vitest";
import { readRefundAmount, refundable } from "../../src/paying/refund-amount.ts";
import { order } from "./fixtures.ts";

const euro = (amount: number) => ({ amount, currency: "EUR" });

describe("a refund's sum", () => {
  test.each([
    ["18.90", "EUR", 1890, 1890],
    [" 5,00 ", "EUR", 1890, 500],
    ["5", "EUR", 1890, 500],
    ["500", "JPY", 500, 500],
    ["1.250", "KWD", 1250, 1250],
  ])("is read from %j in %s", (typed, currency, left, amount) => {
    expect(readRefundAmount(typed, { amount: left, currency })).toEqual({ ok: true, value: amount });
  });

  test.each([
    ["", "Write a sum such as 18.90."],
    ["five", "Write a sum such as 18.90."],
    ["0.00", "Write a sum such as 18.90."],
    ["-1", "Write a sum such as 18.90."],
    ["1.5", "Write a sum such as 18.90."],
    ["18.91", "At most 18.90 can be refunded."],
  ])("that cannot be refunded (%j) is told", (typed, error) => {
    expect(readRefundAmount(typed, euro(1890))).toEqual({ ok: false, error });
  });

  test("is at most what was neither given back nor is on its way", () => {
    const refunds = [
      { id: "ref_1", status: "done", amount: euro(100), createdAt: 0 },
      { id: "ref_2", status: "pending", amount: euro(200), createdAt: 0 },
      { id: "ref_3", status: "refused", amount: euro(400), createdAt: 0 },
    ] as const;
    expect(refundable({ ...order, refunded: euro(100), refunds })).toEqual(euro(1590));
    expect(refundable({ ...order, refunded: euro(1890) })).toEqual(euro(0));
  });
});
