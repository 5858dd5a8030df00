import { expectSoundBooks } from "@countersign/bank/testing/town-bank";
import { longRun, tellProgress } from "@countersign/storage/testing/long-run";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { play } from "./play.ts";
import { someHistory } from "./some-history.ts";
import { countCrypto } from "./stillness.ts";
import { Town } from "./town.ts";

vi.mock("@countersign/storage/open", async () => {
  const { openMortalDatabase } = await import("@countersign/storage/testing/mortal-database");
  return { openDatabase: openMortalDatabase };
});

const run = longRun();
const perTown = 100;
const start = 1_795_000_000_000;

let stopCounting: () => void;
beforeAll(() => {
  stopCounting = countCrypto();
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterAll(() => {
  vi.useRealTimers();
  stopCounting();
});

test(
  "P04 P05 P06 P07 P10 P11 P14 P15 whatever is pressed, lost, late, doubled or dies in a whole town: each checkout is charged at most once, and money, orders, limits and goods agree",
  async () => {
    let town = await Town.open(start);
    let number = 0;
    const played = tellProgress("town", run);
    try {
      await fc.assert(
        fc.asyncProperty(someHistory, async (history) => {
          number += 1;
          played();
          if (number % perTown === 0) {
            await expectSoundBooks(town.bank.ground.look());
            await town.close();
            town = await Town.open(start);
          }
          expect(await play(town, history, number)).toEqual([]);
        }),
        run,
      );
      await expectSoundBooks(town.bank.ground.look());
    } finally {
      await town.close();
    }
  },
  60_000 + run.numRuns * 1_000,
);
