import * as fc from "fast-check";
import type { NetworkFault } from "./network.ts";
import { type PartyName, partyNames } from "./town.ts";

/** What is sold, dearest last: one that fits every purse and limit, and one of which three fit none. */
export const productIds = ["stoneware-mug", "steel-flask", "brass-pen"] as const;

/** What somebody does. `at` names a checkout by its place in the history, modulo how many there are. */
export type Act =
  | { readonly type: "create"; readonly product: number; readonly quantity: number }
  /** From the shelf to the yes, of the person or of their policy. */
  | { readonly type: "buy"; readonly product: number; readonly quantity: number; readonly by: "person" | "policy" }
  /** By the person whose wallet it is, or by somebody who has not signed in. */
  | { readonly type: "pay"; readonly at: number; readonly as: "person" | "guest" }
  /** The newest request that anybody heard of, or the first. */
  | { readonly type: "approve" | "deny" | "take-back"; readonly at: number; readonly which: "newest" | "first" }
  | { readonly type: "update"; readonly at: number; readonly quantity: number; readonly sent: boolean }
  | { readonly type: "cancel"; readonly at: number }
  /** Of one of the person's orders: so much of it, or all that is left. */
  | { readonly type: "refund"; readonly at: number; readonly amount: number | null }
  | { readonly type: "policy"; readonly on: boolean }
  /** The wallet's event of a request arrives: again, late, or before what it tells of. */
  | { readonly type: "hint"; readonly at: number; readonly which: "newest" | "first" }
  | { readonly type: "upkeep"; readonly party: PartyName }
  | { readonly type: "restart"; readonly party: PartyName }
  /** What the network still had arrives. */
  | { readonly type: "arrive" }
  | { readonly type: "wait"; readonly ms: number };

/** Acts that begin together, `gap` turns of the event loop apart, and what goes wrong meanwhile. */
export interface Step {
  readonly acts: readonly Act[];
  readonly gap: number;
  readonly lost: NetworkFault | null;
  /** A party dies when it has passed so many places to die, which are two for each of its writes. */
  readonly death: { readonly party: PartyName; readonly after: number } | null;
}

const at = fc.nat(2);
const which = fc.constantFrom("newest" as const, "newest" as const, "newest" as const, "first" as const);
const party = fc.constantFrom(...partyNames);
const quantity = fc.constantFrom(1, 1, 1, 2, 3);

const pay = fc.record({ type: fc.constant("pay" as const), at, as: fc.constantFrom("person" as const, "person" as const, "guest" as const) });
const approve = fc.record({ type: fc.constant("approve" as const), at, which });
const refund = fc.record({ type: fc.constant("refund" as const), at, amount: fc.constantFrom(null, 500, 500, 1_890, 20_000) });
const cancel = fc.record({ type: fc.constant("cancel" as const), at });
const update = fc.record({ type: fc.constant("update" as const), at, quantity, sent: fc.boolean() });

const buy = fc.record({
  type: fc.constant("buy" as const),
  product: fc.nat(productIds.length - 1),
  quantity,
  by: fc.constantFrom("person" as const, "policy" as const),
});

const someAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 8, arbitrary: buy },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("create" as const), product: fc.nat(productIds.length - 1), quantity }) },
  { weight: 8, arbitrary: pay },
  { weight: 7, arbitrary: approve },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("deny" as const), at, which }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("take-back" as const), at, which }) },
  { weight: 2, arbitrary: update },
  { weight: 2, arbitrary: cancel },
  { weight: 4, arbitrary: refund },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("policy" as const), on: fc.constantFrom(true, true, false) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("hint" as const), at, which }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("upkeep" as const), party }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("restart" as const), party }) },
  { weight: 1, arbitrary: fc.constant({ type: "arrive" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("wait" as const), ms: fc.constantFrom(1_000, 2_000, 60_000, 300_000, 16 * 60_000, 40 * 60_000) }),
  },
);

const someFault: fc.Arbitrary<NetworkFault> = fc.record({
  edge: fc.constantFrom("store-wallet", "store-wallet", "watch", "store-bank", "store-bank", "bank-wallet", "wallet-bank"),
  nth: fc.constantFrom<NetworkFault["nth"][]>(0, 0, 0, 1, 2, "every", "every"),
  what: fc.constantFrom("unsent", "unheard", "unheard", "late"),
});

const someDeath = fc.record({ party: fc.constantFrom("store" as const, "store" as const, "bank" as const, "wallet" as const), after: fc.nat(11) });

const trouble = { gap: fc.nat(12), lost: fc.option(someFault, { nil: null, freq: 2 }), death: fc.option(someDeath, { nil: null, freq: 2 }) };

const one = (act: fc.Arbitrary<Act>): fc.Arbitrary<readonly Act[]> => act.map((each) => [each]);

/** Two or three that meet: presses of one button, a yes and a change of mind, anything and anything. */
const meeting: fc.Arbitrary<readonly Act[]> = fc.oneof(
  fc.record({ press: pay, times: fc.integer({ min: 2, max: 3 }) }).map(({ press, times }) => Array.from({ length: times }, () => press)),
  fc.tuple(approve, fc.oneof(cancel, update, pay)).map(([yes, other]) => [yes, { ...other, at: yes.at }]),
  fc.tuple(pay, fc.oneof(cancel, update)).map(([press, other]) => [press, { ...other, at: press.at }]),
  fc.record({ wish: refund, times: fc.integer({ min: 2, max: 3 }) }).map(({ wish, times }) => Array.from({ length: times }, () => wish)),
  fc.array(someAct, { minLength: 2, maxLength: 3 }),
);

const step = (acts: fc.Arbitrary<readonly Act[]>): fc.Arbitrary<Step> => fc.record({ acts, ...trouble });

/** What buyers, a network, clocks and operators may do to a town, in any order. */
export const someHistory: fc.Arbitrary<readonly Step[]> = fc
  .tuple(
    step(one(fc.oneof(buy, fc.record({ type: fc.constant("create" as const), product: fc.constant(0), quantity: fc.constant(1) })))),
    fc.array(fc.oneof({ weight: 5, arbitrary: step(one(someAct)) }, { weight: 2, arbitrary: step(meeting) }), { maxLength: 10, size: "max" }),
  )
  .map(([first, rest]) => [first, ...rest]);
