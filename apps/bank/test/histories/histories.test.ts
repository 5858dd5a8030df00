import { longRun, tellProgress } from "@countersign/storage/testing/long-run";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Engine, engines } from "../engines.ts";
import { expectSoundBooks } from "../sql-books.ts";
import { play } from "./play.ts";
import { someHistory } from "./some-history.ts";
import { Stage } from "./stage.ts";

const perDatabase = 1_000;
const start = 1_795_000_000_000;

const inMemory = async (): Promise<Engine> => ({ newDatabase: async () => "memory:", close: async () => undefined });

describe.each([["SQLite in memory", inMemory] as const, ...engines])("any history of payments on %s", (name, open) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await open();
  });
  afterAll(() => engine.close());

  // What differs on a disk and on a server is how a process comes back and how transactions meet; each history costs far more there.
  const run = longRun(name === "SQLite in memory" ? 1 : 1 / 20);

  test(
    "P04, P05, P06, P07, P10, P14, P15: answers, sums and limits are those on paper, whatever dies, repeats or restarts",
    async () => {
      let stage = await Stage.open(await engine.newDatabase(), start);
      let number = 0;
      const played = tellProgress(`bank on ${name}`, run);
      try {
        await fc.assert(
          fc.asyncProperty(someHistory, async (history) => {
            number += 1;
            played();
            if (number % perDatabase === 0) {
              await expectSoundBooks(stage.database);
              await stage.close();
              stage = await Stage.open(await engine.newDatabase(), start);
            }
            expect(await play(stage, history, number)).toEqual([]);
          }),
          run,
        );
        await expectSoundBooks(stage.database);
      } finally {
        await stage.close();
      }
    },
    60_000 + run.numRuns * 1_000,
  );
});
