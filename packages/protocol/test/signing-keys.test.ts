import { describe, expect, it } from "vitest";
import { planSigningKeys, publishedAfterMs, publishedAheadMs, signingKeyLifeMs } from "../src/signing-keys.ts";

const key = (number: number, signsFrom: number, withdrawn = false) => ({ number, signsFrom, withdrawn });
const start = 1_000_000;
const change = start + signingKeyLifeMs;
const [first, second] = [key(1, start), key(2, change)];

/** The plan in numbers. */
function plan(keys: readonly ReturnType<typeof key>[], now: number) {
  const { signing, published, retired, isSuccessorDue } = planSigningKeys(keys, now);
  return { signing: signing?.number, published: published.map((each) => each.number), retired: retired.map((each) => each.number), isSuccessorDue };
}

describe("planSigningKeys", () => {
  it.each([
    ["no key at all", [], start, { signing: undefined, published: [], retired: [], isSuccessorDue: true }],
    ["one key", [first], start, { signing: 1, published: [1], retired: [], isSuccessorDue: false }],
    ["one key at the end of its life", [first], change, { signing: 1, published: [1], retired: [], isSuccessorDue: true }],
    [
      "a successor that waits: published, and not signing yet",
      [first, second],
      change - 1,
      { signing: 1, published: [2, 1], retired: [], isSuccessorDue: false },
    ],
    ["its first moment", [first, second], change, { signing: 2, published: [2, 1], retired: [], isSuccessorDue: false }],
    [
      "the old key's last published moment",
      [first, second],
      change + publishedAfterMs - 1,
      { signing: 2, published: [2, 1], retired: [], isSuccessorDue: false },
    ],
    ["after it", [first, second], change + publishedAfterMs, { signing: 2, published: [2], retired: [1], isSuccessorDue: false }],
    [
      "a key that was taken back, whatever its time",
      [key(1, start, true), key(2, start)],
      start,
      { signing: 2, published: [2], retired: [1], isSuccessorDue: false },
    ],
    [
      "a successor that was taken back before it signed",
      [first, key(2, change, true)],
      change,
      { signing: 1, published: [1], retired: [2], isSuccessorDue: true },
    ],
    ["only keys that were taken back", [key(1, start, true)], start, { signing: undefined, published: [], retired: [1], isSuccessorDue: true }],
    ["a first key made by a clock that is ahead", [first], start - 5, { signing: 1, published: [1], retired: [], isSuccessorDue: false }],
    ["rows in any order", [second, first], change, { signing: 2, published: [2, 1], retired: [], isSuccessorDue: false }],
  ])("%s", (_, keys, now, expected) => {
    expect(plan(keys, now)).toEqual(expected);
  });

  it("at every moment of a rotation the key that signs has been published long enough, and the one before is still there", () => {
    const made = change - publishedAheadMs;
    for (let now = made; now < change + publishedAfterMs; now += publishedAheadMs / 4) {
      const { signing, published } = plan([first, second], now);
      expect(published).toEqual([2, 1]);
      expect(signing).toBe(now < made + publishedAheadMs ? 1 : 2);
    }
  });
});
