import { expect, test } from "vitest";
import { createLanes } from "../../src/outbox/lanes.ts";

test("a name runs once at a time and once more when it was asked for meanwhile; another name does not wait", async () => {
  const held = Promise.withResolvers<void>();
  const begun: string[] = [];
  const lanes = createLanes(
    async (name) => {
      begun.push(name);
      if (name === "slow" && begun.length === 1) await held.promise;
    },
    (error) => {
      throw error;
    },
  );
  lanes.run("slow");
  lanes.run("slow");
  lanes.run("slow");
  lanes.run("quick");
  expect(begun).toEqual(["slow", "quick"]);
  held.resolve();
  await lanes.idle();
  expect(begun).toEqual(["slow", "quick", "slow"]);
});

test("a failure is told, ends the run and keeps the name usable", async () => {
  const failures: unknown[] = [];
  let runs = 0;
  const lanes = createLanes(
    async () => {
      runs += 1;
      if (runs === 1) throw new Error("broken");
    },
    (error) => failures.push(error),
  );
  lanes.run("one");
  await lanes.idle();
  lanes.run("one");
  await lanes.idle();
  expect([runs, failures.length]).toEqual([2, 1]);
});
