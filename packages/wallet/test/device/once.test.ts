import type { Database } from "@countersign/storage/database";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { claimDevice, decideClaim, nameNumber } from "../../src/device/claim.ts";
import { countPoll } from "../../src/device/poll.ts";
import { storages } from "../peers/storages.ts";

const now = 1_000_000;
const fifty = Array.from({ length: 50 }, (_, at) => at);

describe.each(storages)("what happens once to a device code, on $name", (storage) => {
  let opened: { readonly database: Database<unknown>; close(): Promise<void> };

  beforeAll(async () => {
    opened = await storage.open();
  });
  afterAll(() => opened.close());

  const code = (jti: string) => ({ jti, number: "42", expiresAt: now + 600_000 });

  test("D08 of 50 sessions one claims it", async () => {
    const verdicts = await Promise.all(fifty.map((at) => claimDevice(opened.database, code("claim"), `session-${at}`, undefined, now)));
    expect(verdicts.filter((each) => each === "ask")).toHaveLength(1);
  });

  test("D07 of 50 answers at the same time one is judged, and all hear that judgement", async () => {
    await claimDevice(opened.database, code("number"), "me", undefined, now);
    const verdicts = await Promise.all(fifty.map((at) => nameNumber(opened.database, code("number"), "me", at === 25 ? "42" : "24", now)));
    expect(new Set(verdicts).size).toBe(1);
  });

  test("of 50 decisions one counts", async () => {
    await claimDevice(opened.database, code("decision"), "me", undefined, now);
    const decided = await Promise.all(fifty.map(() => decideClaim(opened.database, "decision", now)));
    expect(decided.filter(Boolean)).toHaveLength(1);
  });

  test("D03 of 50 polls at the same time one is in time, the first as any later one", async () => {
    // Those of the first round that came late made the interval longer, up to a minute.
    for (const at of [now, now + 70_000]) {
      const verdicts = await Promise.all(fifty.map(() => countPoll(opened.database, code("poll"), at)));
      expect(verdicts.filter((each) => each.verdict === "in_time")).toHaveLength(1);
    }
  });
});
