import { describe, expect, test } from "vitest";
import { type CaptureKnowledge, decideCapture, isOrderedPayment, nextAttemptAt, paymentIdOf } from "../../src/payment/capture.ts";

const all: readonly CaptureKnowledge[] = [0, 1, 2].flatMap((attempts) =>
  (["none", "captured", "refused", "unknown"] as const).flatMap((reply) =>
    (["none", "found", "absent", "unknown"] as const).flatMap((reading) =>
      [0, 1].flatMap((sendsLeft) => [true, false].map((mandateAlive) => ({ attempts, reply, reading, sendsLeft, mandateAlive }))),
    ),
  ),
);

function where(given: Partial<CaptureKnowledge>): readonly CaptureKnowledge[] {
  return all.filter((known) => Object.entries(given).every(([name, value]) => Reflect.get(known, name) === value));
}

describe("what to do about a capture", () => {
  test("money that moved finishes, whatever else is known", () => {
    for (const known of [...where({ reply: "captured" }), ...where({ reading: "found" })]) expect(decideCapture(known)).toBe("finish");
  });

  test("P14 nothing is sent or given up while the bank cannot say, unless it already answered", () => {
    for (const known of where({ reading: "unknown" })) expect(decideCapture(known)).toBe(known.reply === "captured" ? "finish" : "postpone");
  });

  test("P14 what was sent is read before it is sent again or given up", () => {
    const unread = all.filter((known) => known.attempts > 0 && known.reading === "none" && known.reply !== "captured");
    expect(unread.length).toBeGreaterThan(0);
    expect(unread.filter((known) => decideCapture(known) !== "read")).toEqual([]);
    expect(all.filter((known) => decideCapture(known) === "send" && known.attempts > 0 && known.reading !== "absent")).toEqual([]);
  });

  test("I6 sending is bounded, and only a living mandate is sent", () => {
    const sent = all.filter((known) => decideCapture(known) === "send");
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.filter((known) => known.sendsLeft === 0 || !known.mandateAlive)).toEqual([]);
  });

  test("giving up needs a refusal or a dead mandate, and never an unanswered sending", () => {
    const given = all.filter((known) => decideCapture(known) === "refuse");
    expect(given.length).toBeGreaterThan(0);
    expect(given.filter((known) => known.reply !== "refused" && known.mandateAlive)).toEqual([]);
    expect(given.filter((known) => known.reading !== "absent" && known.attempts > 1)).toEqual([]);
  });

  test.each([
    [{ attempts: 0, reply: "none", reading: "none", sendsLeft: 2, mandateAlive: true }, "send"],
    [{ attempts: 0, reply: "none", reading: "none", sendsLeft: 2, mandateAlive: false }, "refuse"],
    [{ attempts: 1, reply: "refused", reading: "none", sendsLeft: 1, mandateAlive: true }, "read"],
    [{ attempts: 1, reply: "refused", reading: "absent", sendsLeft: 1, mandateAlive: true }, "refuse"],
    [{ attempts: 1, reply: "unknown", reading: "absent", sendsLeft: 0, mandateAlive: true }, "postpone"],
    [{ attempts: 1, reply: "unknown", reading: "absent", sendsLeft: 0, mandateAlive: false }, "refuse"],
  ] as const)("%j: %s", (known, step) => {
    expect(decideCapture(known)).toBe(step);
  });
});

describe("P11 the ordered payment", () => {
  const payment = { id: "pay_j", status: "captured", amount: 500, currency: "EUR", captured: 500, refunded: 0, mandate_jti: "j", moves: [] };
  const total = { amount: 500, currency: "EUR" };

  test("is the one with every figure equal", () => {
    expect(isOrderedPayment(payment, paymentIdOf("j"), total)).toBe(true);
  });

  test.each([
    { id: "pay_k" },
    { mandate_jti: "k" },
    { amount: 499 },
    { amount: 501 },
    { currency: "USD" },
    { captured: 499 },
    { status: "authorized" },
    { status: "voided" },
  ])("is not one with %j", (change) => {
    expect(isOrderedPayment({ ...payment, ...change }, "pay_j", total)).toBe(false);
  });
});

test("attempts are spread out, up to a minute", () => {
  expect([0, 1, 2, 5, 6, 50].map((attempts) => nextAttemptAt(attempts, 0))).toEqual([1_000, 2_000, 4_000, 32_000, 60_000, 60_000]);
});
