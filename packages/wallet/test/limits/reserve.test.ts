import type { CountedPayment, SpendingLimits } from "@countersign/protocol/limits";
import type { Refusal } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import fc from "fast-check";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { deleteOldLimits, judgeRoom, release, reserve, type ReservedPayment, usedOf } from "../../src/limits/reserve.ts";
import { walletMigrations } from "../../src/migrations.ts";
import { limitSettingsKind } from "../../src/limits/settings.ts";
import { type Engine, engines } from "../peers/engines.ts";

const limits: SpendingLimits = { payment: 100, otherDevice: 40, day: 150, month: 400, payee: 300 };
const defaults = { limits: { EUR: limits }, timeZone: "UTC" };
const noon = Date.UTC(2026, 2, 28, 12);
const dayMs = 86_400_000;

let count = 0;
function payment(change: Partial<ReservedPayment> = {}): ReservedPayment {
  count += 1;
  const counted: CountedPayment = { payeeId: "store", currency: "EUR", amount: 50, channel: "same_device", at: noon };
  return { ...counted, accountId: "usr_a", requestId: `pr_${count}`, ...change };
}

class Undone extends Error {}

/** As approvals do it: a refusal rolls everything back. */
async function tryReserve(database: Database<unknown>, reserved: ReservedPayment): Promise<Result<void, Refusal>> {
  let outcome: Result<void, Refusal> | undefined;
  try {
    return await database.transaction(async (tx) => {
      outcome = await reserve(tx, reserved, defaults);
      if (!outcome.ok) throw new Undone();
      return outcome;
    });
  } catch (error) {
    if (error instanceof Undone && outcome !== undefined) return outcome;
    throw error;
  }
}

const window = (bucket: string) => ({ limit: "day", bucket, ceiling: 0, expiresAt: 0 }) as const;
const dayBucket = "EUR:day:2026-03-28";
const monthBucket = "EUR:month:2026-03";

describe.each(engines)("limits on %s", (_name, startEngine) => {
  let engine: Engine;
  let database: Database<unknown>;
  beforeAll(async () => {
    engine = await startEngine();
  });
  afterAll(() => engine.close());
  beforeEach(async () => {
    database = await openDatabase<unknown>({ url: await engine.newDatabase(), schema: "wallet", migrations: walletMigrations });
  });
  afterEach(() => database.close());

  const used = async (...buckets: readonly string[]) => {
    const sums = await usedOf(database, "usr_a", buckets.map(window));
    return buckets.map((bucket) => sums.get(bucket) ?? 0);
  };

  test("L03 L04 P13 of 20 parallel payments as many are approved as fit, and no sum passes its limit", async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => tryReserve(database, payment({ amount: 40 }))));
    expect(outcomes.filter((each) => each.ok)).toHaveLength(3);
    expect(outcomes.filter((each) => !each.ok && each.error.code === "over_limit" && each.error.detail === "day")).toHaveLength(17);
    expect(await used(dayBucket, monthBucket, "EUR:payee:2026-03:store")).toEqual([120, 120, 120]);
  });

  test("L03 P13 small payments stop where a large one would", async () => {
    for (let index = 0; index < 15; index += 1) expect(await tryReserve(database, payment({ amount: 10 }))).toMatchObject({ ok: true });
    expect(await tryReserve(database, payment({ amount: 1 }))).toMatchObject({ ok: false, error: { code: "over_limit", detail: "day" } });
  });

  test("a limit is reached exactly, and what does not fit leaves every sum as it was", async () => {
    expect(await tryReserve(database, payment({ amount: 100 }))).toMatchObject({ ok: true });
    expect(await tryReserve(database, payment({ amount: 51 }))).toEqual({ ok: false, error: { code: "over_limit", detail: "day" } });
    expect(await used(dayBucket, monthBucket, "EUR:payee:2026-03:store")).toEqual([100, 100, 100]);
    expect(await tryReserve(database, payment({ amount: 50 }))).toMatchObject({ ok: true });
    expect(await used(dayBucket)).toEqual([150]);
  });

  test("a payee's month fills before the month of all payees", async () => {
    for (const day of [0, 1]) {
      for (const amount of [100, 50]) expect(await tryReserve(database, payment({ amount, at: noon + day * dayMs }))).toMatchObject({ ok: true });
    }
    const third = { at: noon + 2 * dayMs, amount: 100 };
    expect(await tryReserve(database, payment(third))).toMatchObject({ ok: false, error: { detail: "payee" } });
    expect(await tryReserve(database, payment({ ...third, payeeId: "other" }))).toMatchObject({ ok: true });
    expect(await tryReserve(database, payment({ at: third.at, amount: 1, payeeId: "third" }))).toMatchObject({
      ok: false,
      error: { detail: "month" },
    });
    expect(await tryReserve(database, payment({ ...third, at: noon + 4 * dayMs }))).toMatchObject({ ok: true });
  });

  test("a new day has room again, another account has its own", async () => {
    for (const amount of [100, 50]) await tryReserve(database, payment({ amount }));
    expect(await tryReserve(database, payment())).toMatchObject({ ok: false });
    expect(await tryReserve(database, payment({ accountId: "usr_b" }))).toMatchObject({ ok: true });
    expect(await tryReserve(database, payment({ at: noon + dayMs }))).toMatchObject({ ok: true });
  });

  test("what was released can be spent again, and is released once", async () => {
    const first = payment({ amount: 100 });
    await tryReserve(database, first);
    await tryReserve(database, payment({ amount: 50 }));
    const released = await Promise.all(Array.from({ length: 20 }, () => database.transaction((tx) => release(tx, first.requestId))));
    expect(released.filter(Boolean)).toHaveLength(1);
    expect(await used(dayBucket, monthBucket, "EUR:payee:2026-03:store")).toEqual([50, 50, 50]);
    expect(await tryReserve(database, payment({ amount: 100 }))).toMatchObject({ ok: true });
    expect(await database.transaction((tx) => release(tx, "pr_unknown"))).toBe(false);
  });

  test("of what was captured in part the rest can be spent again, once, and never more than was counted", async () => {
    const first = payment({ amount: 100 });
    await tryReserve(database, first);
    expect(await database.transaction((tx) => release(tx, first.requestId, 101))).toBe(false);
    expect(await used(dayBucket)).toEqual([100]);
    const released = await Promise.all(Array.from({ length: 20 }, () => database.transaction((tx) => release(tx, first.requestId, 30))));
    expect(released.filter(Boolean)).toHaveLength(1);
    expect(await database.transaction((tx) => release(tx, first.requestId))).toBe(false);
    expect(await used(dayBucket, monthBucket, "EUR:payee:2026-03:store")).toEqual([30, 30, 30]);
  });

  test("whether there is room is told beforehand, and telling takes none", async () => {
    await tryReserve(database, payment({ amount: 100 }));
    for (const _ of [1, 2]) expect(await judgeRoom(database, payment({ amount: 50 }), defaults)).toEqual({ ok: true, value: undefined });
    expect(await judgeRoom(database, payment({ amount: 51 }), defaults)).toEqual({ ok: false, error: { code: "over_limit", detail: "day" } });
    expect(await judgeRoom(database, payment({ amount: 101 }), defaults)).toEqual({ ok: false, error: { code: "over_limit", detail: "payment" } });
  });

  test("one request is counted once", async () => {
    const once = payment();
    expect(await tryReserve(database, once)).toMatchObject({ ok: true });
    expect(await tryReserve(database, once)).toMatchObject({ ok: false, error: { code: "conflict" } });
    await database.transaction((tx) => release(tx, once.requestId));
    expect(await tryReserve(database, once)).toMatchObject({ ok: false, error: { code: "conflict" } });
    expect(await used(dayBucket)).toEqual([0]);
  });

  test("a limit that was lowered below what is used lets nothing through, and release still works", async () => {
    const first = payment({ amount: 100 });
    await tryReserve(database, first);
    const calendar = { timeZone: "UTC", former: null };
    await database.records(limitSettingsKind).put("usr_a", { calendar, own: { EUR: { ...limits, day: 60, payment: 60 } } });
    expect(await tryReserve(database, payment({ amount: 1 }))).toMatchObject({ ok: false, error: { detail: "day" } });
    await database.transaction((tx) => release(tx, first.requestId));
    expect(await tryReserve(database, payment({ amount: 60 }))).toMatchObject({ ok: true });
  });

  test("the budget of a policy is one more sum in the same statement", async () => {
    const budget = { limit: "budget", bucket: "policy:pol_1:2026-03", ceiling: 60, expiresAt: noon + dayMs } as const;
    expect(await tryReserve(database, payment({ amount: 61, budgets: [budget] }))).toEqual({
      ok: false,
      error: { code: "over_limit", detail: "budget" },
    });
    expect(await tryReserve(database, payment({ amount: 40, budgets: [budget] }))).toMatchObject({ ok: true });
    expect(await tryReserve(database, payment({ amount: 40, budgets: [budget] }))).toEqual({
      ok: false,
      error: { code: "over_limit", detail: "budget" },
    });
    expect(await used(dayBucket, budget.bucket)).toEqual([40, 40]);
  });

  test("a sum over its ceiling is refused by the database itself", async () => {
    await tryReserve(database, payment({ amount: 100 }));
    await expect(sql`update limit_windows set used = ceiling + 1`.execute(database.sql)).rejects.toThrow();
    await expect(sql`update limit_windows set used = -1`.execute(database.sql)).rejects.toThrow();
  });

  test("sums and reservations that are over are swept, the others stay", async () => {
    await tryReserve(database, payment());
    expect(await deleteOldLimits(database, noon + 2 * dayMs, 100)).toBe(0);
    expect(await deleteOldLimits(database, noon + 3 * dayMs, 100)).toBe(1);
    expect(await used(dayBucket, monthBucket)).toEqual([0, 50]);
    expect(await deleteOldLimits(database, noon + 40 * dayMs, 100)).toBe(3);
    expect(await used(monthBucket)).toEqual([0]);
  });

  test("P13 whatever is reserved and released in parallel, each sum is that of what is held, and within its limit", async () => {
    const step = fc.record({
      amount: fc.integer({ min: 1, max: 100 }),
      payeeId: fc.constantFrom("store", "other"),
      day: fc.integer({ min: 0, max: 2 }),
      releases: fc.boolean(),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        run += 1;
        const accountId = `usr_run_${run}`;
        const held = await Promise.all(
          steps.map(async ({ amount, payeeId, day, releases }) => {
            const one = payment({ accountId, amount, payeeId, at: noon + day * dayMs });
            const reserved = await tryReserve(database, one);
            if (!reserved.ok) return undefined;
            return releases && (await database.transaction((tx) => release(tx, one.requestId))) ? undefined : one;
          }),
        );
        const sums = new Map<string, number>();
        for (const one of held.filter((each) => each !== undefined)) {
          const day = new Date(one.at).toISOString().slice(0, 10);
          for (const bucket of [`EUR:day:${day}`, monthBucket, `EUR:payee:2026-03:${one.payeeId}`])
            sums.set(bucket, (sums.get(bucket) ?? 0) + one.amount);
        }
        const { rows } = await sql<{ bucket: string; used: number }>`select bucket, used from limit_windows where account_id = ${accountId}`.execute(
          database.sql,
        );
        for (const row of rows) {
          expect(row.used).toBe(sums.get(row.bucket) ?? 0);
          const name = row.bucket.split(":")[1];
          expect(row.used).toBeLessThanOrEqual(name === "day" ? limits.day : name === "month" ? limits.month : limits.payee);
        }
      }),
      { numRuns: 25 },
    );
  });
});
