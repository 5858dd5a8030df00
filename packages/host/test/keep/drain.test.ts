import { expect, it } from "vitest";
import { drain, drainPage } from "../../src/keep/drain.ts";

async function drained(length: number, stays: (one: number) => boolean = () => false): Promise<{ readonly left: number; readonly looks: number }> {
  let list = Array.from({ length }, (_, at) => at);
  let looks = 0;
  await drain(
    async () => {
      looks += 1;
      return list.slice(0, drainPage);
    },
    async (one) => {
      if (stays(one)) return false;
      list = list.filter((other) => other !== one);
      return true;
    },
  );
  return { left: list.length, looks };
}

it("a burst longer than one page is dealt with in one sweep", async () => {
  expect(await drained(2500)).toEqual({ left: 0, looks: 3 });
  expect(await drained(3)).toEqual({ left: 0, looks: 1 });
  expect(await drained(0)).toEqual({ left: 0, looks: 1 });
});

it("what is not due yet is looked at once, and a burst without end is left to the next sweep", async () => {
  expect(await drained(1500, () => true)).toEqual({ left: 1500, looks: 1 });
  expect((await drained(10_500)).looks).toBe(10);
});
