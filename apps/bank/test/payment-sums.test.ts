import { canTransition, type PaymentStatus, paymentTransitions } from "@countersign/protocol/payment";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judgeMove, type PaymentMove, type PaymentSums, statusOf, sumsAt } from "../src/payment-sums.ts";

const due = 1_000;
const authorized: PaymentSums = { authorized: 10, captured: 0, voided: 0, held: 10, refunded: 0, expiresAt: due, closedBy: null };
const states: Readonly<Record<string, PaymentSums>> = {
  authorized,
  "captured in part": { ...authorized, captured: 4, held: 6 },
  captured: { ...authorized, captured: 10, held: 0 },
  "captured at once": { ...authorized, captured: 10, held: 0, expiresAt: null },
  "refunded in part": { ...authorized, captured: 10, held: 0, refunded: 4 },
  refunded: { ...authorized, captured: 10, held: 0, refunded: 10 },
  voided: { ...authorized, voided: 10, held: 0, closedBy: "void" },
  expired: { ...authorized, voided: 10, held: 0, closedBy: "expiry" },
};
const capture: PaymentMove = { kind: "capture", amount: 4, isFinal: false };
const moves: Readonly<Record<string, PaymentMove>> = {
  "capture 4": capture,
  "capture 4, final": { ...capture, isFinal: true },
  "capture 11": { ...capture, amount: 11 },
  void: { kind: "void" },
  expiry: { kind: "expiry" },
  "refund 4": { kind: "refund", amount: 4 },
  "refund 11": { kind: "refund", amount: 11 },
};

/** Every state against every move, before and after the end: what comes of it, `-` for `payment_closed`, `>` for `exceeds_payment`. */
const table = `
                  | capture 4  | capture 4, final | capture 11 | void     | expiry   | refund 4 | refund 11
authorized        | captured 6 | captured 0       | >          | voided 0 | -        | -        | -
captured in part  | captured 2 | captured 0       | >          | captured 0 | -      | captured 6 | >
captured          | -          | -                | -          | -        | -        | captured 0 | >
captured at once  | -          | -                | -          | -        | -        | captured 0 | >
refunded in part  | -          | -                | -          | -        | -        | captured 0 | >
refunded          | -          | -                | -          | -        | -        | -        | -
voided            | -          | -                | -          | -        | -        | -        | -
expired           | -          | -                | -          | -        | -        | -        | -
authorized, due       | -      | -                | -          | -        | expired 0 | -       | -
captured in part, due | -      | -                | -          | -        | captured 0 | captured 6 | >
`;

function cellsOf(line: string): readonly string[] {
  return line.split("|").map((cell) => cell.trim());
}

describe("the moves of a payment", () => {
  const [head = "", ...rows] = table.split("\n").filter((line) => line.trim() !== "");
  const names = cellsOf(head).slice(1);
  for (const row of rows) {
    const [state = "", ...cells] = cellsOf(row);
    test.each(names.map((name, at) => [name, cells[at]]))(`P16: ${state}, %s -> %s`, (name, expected) => {
      const sums = states[state.replace(", due", "")];
      const move = moves[name];
      if (sums === undefined || move === undefined) throw new Error("the table names something unknown");
      const judged = judgeMove(sums, move, state.endsWith(", due") ? due : due - 1);
      const shown = judged.ok ? `${statusOf(judged.value.sums)} ${judged.value.sums.held}` : judged.error.code === "exceeds_payment" ? ">" : "-";
      expect(shown).toBe(expected);
    });
  }

  test("what is due counts as expired before that is written", () => {
    expect(statusOf(sumsAt(authorized, due - 1))).toBe("authorized");
    expect(sumsAt(authorized, due)).toEqual({ ...authorized, voided: 10, held: 0, closedBy: "expiry" });
    expect(sumsAt({ ...authorized, captured: 10, held: 0 }, due).captured).toBe(10);
  });

  const someMove: fc.Arbitrary<PaymentMove> = fc.oneof(
    fc.record({ kind: fc.constant("capture" as const), amount: fc.integer({ min: 1, max: 15 }), isFinal: fc.boolean() }),
    fc.record({ kind: fc.constant("refund" as const), amount: fc.integer({ min: 1, max: 15 }) }),
    fc.constantFrom({ kind: "void" as const }, { kind: "expiry" as const }),
  );

  test("P06, P07: any history keeps authorized = captured + voided + held and refunded <= captured, and statuses only go forward", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(someMove, fc.integer({ min: 0, max: 200 })), { maxLength: 30 }), (history) => {
        let sums: PaymentSums = authorized;
        let now = 0;
        for (const [move, elapsed] of history) {
          now += elapsed;
          const before = statusOf(sums);
          const judged = judgeMove(sums, move, now);
          if (!judged.ok) continue;
          sums = judged.value.sums;
          const after: PaymentStatus = statusOf(sums);
          expect(sums.captured + sums.voided + sums.held).toBe(sums.authorized);
          expect(sums.refunded).toBeLessThanOrEqual(sums.captured);
          expect(Math.min(sums.captured, sums.voided, sums.held, sums.refunded)).toBeGreaterThanOrEqual(0);
          expect(after === before || canTransition(paymentTransitions, before, after)).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
