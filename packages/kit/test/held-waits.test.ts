import { expect, test } from "vitest";
import { createHeldWaits } from "../src/held-waits.ts";

test("X09: one handle takes half of the room at most, others find the rest, and what ends makes room", () => {
  const waits = createHeldWaits();
  const ends = Array.from({ length: 300 }, () => waits.enter("mine"));
  expect(ends.filter((end) => end !== undefined)).toHaveLength(128);
  expect([1, 2, 3].map(() => waits.enter("other") !== undefined)).toEqual([true, true, false]);
  const crowd = Array.from({ length: 200 }, (_, nth) => waits.enter(`crowd ${nth}`));
  expect(crowd.filter((end) => end !== undefined)).toHaveLength(126);
  for (const end of [...ends, ...crowd]) end?.();
  // Two of the other handle still wait.
  expect(Array.from({ length: 300 }, () => waits.enter("mine")).filter((end) => end !== undefined)).toHaveLength(126);
});
