import * as fc from "fast-check";
import type { FaultPoint } from "../../src/fault-point.ts";
import type { Ask } from "./model.ts";

/** What goes wrong with one request. `reply`: it is done and nobody hears of it. `wallet`: the wallet acts and its answer is lost. */
export type Fault = FaultPoint | "reply" | "wallet" | "wallet-away";

/** `copies`: the same request so many times at once. `key` is one of few, so that keys meet again. `returns`: whoever hears nothing
 * asks again. */
export type Step =
  | {
      readonly kind: "ask";
      readonly ask: Ask;
      readonly key: number;
      readonly fault: Fault | null;
      readonly copies: 1 | 2 | 3;
      readonly returns: boolean;
    }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "upkeep" }
  | { readonly kind: "restart" };

export const orderCount = 3;
export const purse = 100;

const order = fc.integer({ min: 0, max: orderCount - 1 });
const amount = fc.oneof({ weight: 2, arbitrary: fc.integer({ min: 1, max: 60 }) }, { weight: 3, arbitrary: fc.constantFrom(29, 30, 31, 59, 60, 61) });

const someAsk: fc.Arbitrary<Ask> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("pay" as const), order, amount: fc.constantFrom(30, 30, 30, 60, 101), capture: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("captures" as const), order, amount, final: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("refunds" as const), order, amount }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("void" as const), order }) },
);

const faults: readonly Fault[] = [
  "redeem.started",
  "redeem.answered",
  "capture.begin",
  "capture.transferred",
  "capture.recorded",
  "capture.answered",
  "capture.committed",
  "move.begin",
  "move.judged",
  "move.recorded",
  "move.answered",
  "move.committed",
  "reply",
  "wallet",
  "wallet-away",
];

const someStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("ask" as const),
      ask: someAsk,
      key: fc.integer({ min: 0, max: 11 }),
      fault: fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constantFrom(...faults) }),
      returns: fc.boolean(),
      copies: fc.constantFrom(1 as const, 1 as const, 1 as const, 2 as const, 3 as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(1_000, 600_000, 3 * 86_400_000, 7 * 86_400_000) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "upkeep" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
);

/** What a payee, a wallet, a clock and an operator may do to a bank, in any order. */
export const someHistory: fc.Arbitrary<readonly Step[]> = fc.array(someStep, { maxLength: 25 });
