import { readFileSync } from "node:fs";
import { takeOne } from "@countersign/protocol/rate";
import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { walletMigrations } from "../../src/migrations.ts";
import { rateBounds } from "../../src/rates/bounds.ts";
import { createRates, deleteFullRates } from "../../src/rates/rates.ts";
import { type Engine, engines } from "../peers/engines.ts";

const now = 1_800_000_000_000;
const { burst, perMinute } = rateBounds.userCode;
const eachMs = 60_000 / perMinute;

test("every bound is of whole milliseconds, so that the statement and the rule agree", () => {
  const uneven = Object.entries(rateBounds).filter(([, bound]) => !Number.isInteger(60_000 / bound.perMinute) || !Number.isInteger(bound.burst));
  expect(uneven).toEqual([]);
});

test("the guide for operators says what the bounds are", () => {
  const guide = readFileSync(new URL("../../../../docs/guides/operate-wallet.md", import.meta.url), "utf8");
  for (const name of ["authorize", "ceremony", "ceremonyAddress", "register", "tokenError", "lodge", "approvalLink"] as const) {
    expect(guide).toContain(`| ${rateBounds[name].burst} | ${rateBounds[name].perMinute} |`);
  }
});

describe.each(engines)("rates on %s", (_name, start) => {
  let engine: Engine;
  let database: Database<unknown>;
  beforeAll(async () => {
    engine = await start();
    database = await openDatabase<unknown>({ url: await engine.newDatabase(), schema: "wallet", migrations: walletMigrations });
  });
  afterAll(async () => {
    await database.close();
    await engine.close();
  });

  test("X04 let a burst through, then say how long to wait, then one for each place that comes free", async () => {
    const rates = createRates(database);
    for (let count = 0; count < burst; count += 1) expect(await rates.take("userCode", "a", now)).toEqual({ ok: true, value: undefined });
    expect(await rates.take("userCode", "a", now)).toEqual({ ok: false, error: eachMs / 1000 });
    expect(await rates.take("userCode", "a", now + eachMs - 1)).toEqual({ ok: false, error: 1 });
    expect((await rates.take("userCode", "a", now + eachMs)).ok).toBe(true);
    expect((await rates.take("userCode", "a", now + eachMs)).ok).toBe(false);
  });

  test("X04 count each name and each key for itself", async () => {
    const rates = createRates(database);
    for (let count = 0; count < burst; count += 1) await rates.take("userCode", "one", now);
    expect((await rates.take("userCode", "one", now)).ok).toBe(false);
    expect((await rates.take("userCode", "other", now)).ok).toBe(true);
    expect((await rates.take("recovery", "one", now)).ok).toBe(true);
  });

  test("X04 let exactly a burst through of 50 at a time, also from two instances", async () => {
    const [first, second] = [createRates(database), createRates(database)];
    const taken = await Promise.all(Array.from({ length: 50 }, (__, index) => (index % 2 === 0 ? first : second).take("userCode", "race", now)));
    expect(taken.filter((each) => each.ok)).toHaveLength(burst);
  });

  test("judge any history as the pure rule does, and forget what a clock wrote that was set back since", async () => {
    const rates = createRates(database);
    let fullAt: number | undefined;
    let at = now;
    let seed = 7;
    for (let step = 0; step < 200; step += 1) {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      at += (seed % 5 === 0 ? -3 : 1) * (seed % (2 * eachMs));
      if (fullAt !== undefined && fullAt > at + burst * eachMs) fullAt = undefined;
      const expected = takeOne(fullAt, rateBounds.userCode, at);
      if (expected.ok) fullAt = expected.value;
      expect(await rates.take("userCode", "history", at)).toEqual(expected.ok ? { ok: true, value: undefined } : expected);
    }
  });

  test("are forgotten when they are full again, and not before", async () => {
    const rates = createRates(database);
    await deleteFullRates(database, Number.MAX_SAFE_INTEGER, 1000);
    await rates.take("userCode", "swept", now);
    expect(await deleteFullRates(database, now + eachMs - 1, 1000)).toBe(0);
    expect(await deleteFullRates(database, now + eachMs, 1000)).toBe(1);
  });

  test("are multiplied by the factor, and always let one through", async () => {
    const tight = createRates(database, 0.1);
    expect((await tight.take("userCode", "tight", now)).ok).toBe(true);
    expect((await tight.take("userCode", "tight", now)).ok).toBe(false);
  });
});
