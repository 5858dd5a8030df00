import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FaultPoint, ReachFaultPoint } from "../src/fault-point.ts";
import { holdTtlMs } from "../src/payment.ts";
import { type BankTables, migrations } from "../src/tables.ts";
import { type Engine, engines } from "./engines.ts";
import { runWriteLoop } from "./run-write-loop.ts";
import { expectSoundBooks, SqlBooks } from "./sql-books.ts";
import { makeParties, type Parties, World } from "./world.ts";
import type { LoopWrite } from "./write-loop.ts";

const capture = (amount: number, final = false): object => ({ amount, currency: "EUR", final });
const again = (write: LoopWrite | undefined): { body: unknown; headers: Record<string, string> } => ({
  body: write?.body,
  headers: { "idempotency-key": write?.key ?? "" },
});
const refund = (amount: number): object => ({ amount, currency: "EUR" });

describe.each(engines)("moves exactly once on %s", (_, start) => {
  let engine: Engine;
  let parties: Parties;
  beforeAll(async () => {
    engine = await start();
    parties = await makeParties();
  });
  afterAll(() => engine.close());

  async function inBooks(url: string, work: (database: Database<BankTables>) => Promise<void>): Promise<void> {
    const database = await openDatabase<BankTables>({ url, schema: "bank", migrations });
    try {
      await work(database);
    } finally {
      await database.close();
    }
  }

  interface Scene {
    readonly databaseUrl: string;
    readonly world: World;
    readonly account: string;
    readonly id: string;
  }

  /** A payment of 100 that waits for its capture; leaves sound books behind. */
  async function withHold(work: (scene: Scene) => Promise<void>, reach?: ReachFaultPoint): Promise<void> {
    const databaseUrl = await engine.newDatabase();
    const world = await World.open({ databaseUrl, parties, ...(reach === undefined ? {} : { reach }) });
    const account = await world.openAccount();
    const { id } = await world.authorize(account, { amount: 100 });
    await work({ databaseUrl, world, account, id });
    await world.bank.close();
    await inBooks(databaseUrl, expectSoundBooks);
  }

  async function statusesOf(responses: readonly Promise<Response>[]): Promise<Readonly<Record<number, number>>> {
    const counts: Record<number, number> = {};
    for (const { status } of await Promise.all(responses)) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  const fifty = Array.from({ length: 50 }, (__, n) => n);

  test("P05, P06: 50 parallel captures of 7 of 100 under 50 keys stop at the last that fits", async () => {
    await withHold(async ({ world, account, id }) => {
      const counts = await statusesOf(fifty.map((n) => world.move(id, "captures", capture(7), `key-${n}`)));
      expect(counts).toEqual({ 200: 14, 409: 36 });
      expect(await world.payment(id)).toMatchObject({ captured: 98, held: 2 });
      expect(await world.available(account)).toBe(9_900);
    });
  });

  test("P05: 50 parallel captures under one key are one", async () => {
    await withHold(async ({ databaseUrl, world, id }) => {
      const second = await World.open({ databaseUrl, parties });
      const responses = await Promise.all(fifty.map((n) => (n % 2 === 0 ? world : second).move(id, "captures", capture(7), "key")));
      const done = responses.filter((response) => response.status === 200);
      expect(done.filter((response) => response.headers.get("idempotent-replayed") === null)).toHaveLength(1);
      expect(new Set(await Promise.all(done.map((response) => response.text()))).size).toBe(1);
      expect((await world.payment(id)).captured).toBe(7);
      await second.bank.close();
    });
  });

  test("P07: 50 parallel refunds of 30 of 100 stop at the last that fits", async () => {
    await withHold(async ({ world, account, id }) => {
      expect((await world.move(id, "captures", capture(100))).status).toBe(200);
      const counts = await statusesOf(fifty.map((n) => world.move(id, "refunds", refund(30), `key-${n}`)));
      expect(counts).toEqual({ 200: 3, 409: 47 });
      expect(await world.payment(id)).toMatchObject({ status: "captured", refunded: 90 });
      expect(await world.available(account)).toBe(9_990);
    });
  });

  test("P05, P16: captures and voids in parallel take the hold once", async () => {
    await withHold(async ({ world, account, id }) => {
      await statusesOf(fifty.map((n) => (n % 2 === 0 ? world.move(id, "captures", capture(100), `c-${n}`) : world.move(id, "void", {}, `v-${n}`))));
      const { status, moves } = await world.payment(id);
      expect(moves).toHaveLength(2);
      expect(await world.available(account)).toBe(status === "voided" ? 10_000 : 9_900);
    });
  });

  test("P05: two banks that release what is due release it once", async () => {
    await withHold(async ({ databaseUrl, world, account, id }) => {
      const second = await World.open({ databaseUrl, parties });
      world.time.now += holdTtlMs;
      second.time.now = world.time.now;
      const released = await Promise.all([world.bank.expireHolds(), second.bank.expireHolds(), world.bank.expireHolds()]);
      expect(released.reduce((sum, count) => sum + count, 0)).toBe(1);
      expect((await world.payment(id)).moves.map((move) => move.kind)).toEqual(["authorization", "expiry"]);
      expect(await world.available(account)).toBe(10_000);
      await second.bank.close();
    });
  });

  test("P05, P15: captures at the last moment and the release of what is due take the hold once", async () => {
    await withHold(async ({ databaseUrl, world, account, id }) => {
      const second = await World.open({ databaseUrl, parties });
      second.time.now = world.time.now + holdTtlMs;
      world.time.now += holdTtlMs - 1;
      await Promise.all(fifty.map((n) => (n % 2 === 0 ? world.move(id, "captures", capture(100), `c-${n}`) : second.bank.expireHolds())));
      const { status, moves } = await world.payment(id);
      expect(moves).toHaveLength(2);
      expect(["captured", "expired"]).toContain(status);
      expect(await world.available(account)).toBe(status === "expired" ? 10_000 : 9_900);
      expect(await second.bank.expireHolds()).toBe(0);
      await second.bank.close();
    });
  });

  test.each(["expiry.recorded", "expiry.committed"] as const)("P10: a release that fails at %s is all or nothing, and made once", async (point) => {
    const fault: { point: FaultPoint | undefined } = { point };
    const reach = (reached: FaultPoint): void => {
      if (reached === fault.point) throw new Error("crash");
    };
    await withHold(async ({ world, account, id }) => {
      world.time.now += holdTtlMs;
      await expect(world.bank.expireHolds()).rejects.toThrow("crash");
      const isCommitted = point === "expiry.committed";
      expect(await world.available(account)).toBe(isCommitted ? 10_000 : 9_900);
      fault.point = undefined;
      expect(await world.bank.expireHolds()).toBe(isCommitted ? 0 : 1);
      expect((await world.payment(id)).moves.map((move) => move.kind)).toEqual(["authorization", "expiry"]);
      expect(await world.available(account)).toBe(10_000);
    }, reach);
  });

  test.each(["move.judged", "move.recorded", "move.answered", "move.committed"] as const)(
    "P10: kill -9 at %s leaves all of a capture, a refund and a void or nothing, and asking again makes each once",
    async (point) => {
      await withHold(async ({ databaseUrl, world, account, id }) => {
        const to = (word: string, body: unknown): LoopWrite => ({ key: word, path: `/payments/${id}/${word}`, body });
        const writes = [to("captures", capture(60)), to("refunds", refund(20)), to("void", {})];
        const sums = [
          { captured: 0, refunded: 0, held: 100 },
          { captured: 60, refunded: 0, held: 40 },
          { captured: 60, refunded: 20, held: 40 },
          { captured: 60, refunded: 20, held: 0 },
        ];
        for (const [write] of writes.entries()) {
          // What was made before is asked for again and answered as it was.
          const run = runWriteLoop({ databaseUrl, parties, writes, dieAt: { point, write } });
          expect([await run.ended, run.acknowledged]).toEqual(["SIGKILL", writes.slice(0, write).map(({ key }) => key)]);
          expect(await world.payment(id)).toMatchObject(sums[point === "move.committed" ? write + 1 : write] ?? {});
          expect((await world.send(parties.store, "POST", writes[write]?.path ?? "", again(writes[write]))).status).toBe(200);
          expect(await world.payment(id)).toMatchObject(sums[write + 1] ?? {});
        }
        expect(await world.available(account)).toBe(10_000 - 40);
      });
    },
  );

  test("payments, captures and refunds of one payee in parallel all come to an end", async () => {
    await withHold(async ({ databaseUrl, world, account, id }) => {
      await world.move(id, "captures", capture(50), "first");
      const second = await World.open({ databaseUrl, parties });
      const others = await Promise.all(fifty.slice(0, 10).map(() => world.authorize(account, { amount: 10 })));
      const counts = await statusesOf([
        ...others.map((order, n) => (n % 2 === 0 ? world : second).move(order.id, "captures", capture(5))),
        ...others.map(async () => world.pay(await world.order(account, { amount: 1 }))),
        ...others.map((__, n) => (n % 2 === 0 ? second : world).move(id, "refunds", refund(5), `r-${n}`)),
      ]);
      expect(counts).toEqual({ 200: 20, 201: 10 });
      await second.bank.close();
    });
  });

  test("P07: a refund is refused when the payee has not got the money", async () => {
    await withHold(async ({ databaseUrl, world, account, id }) => {
      await world.move(id, "captures", capture(100));
      await inBooks(databaseUrl, async (database) => {
        const move = { kind: "single", amount: 71, currency: "EUR", reference: "payout", expiresAt: null } as const;
        const paidOut = { ...move, id: "payout", debitAccountId: "payable_EUR_store", creditAccountId: "opening_EUR" };
        expect(await new SqlBooks(database).transfer(paidOut, 1)).toBe("created");
      });
      const refused = await world.move(id, "refunds", refund(30), "key");
      expect(refused.status).toBe(402);
      expect(await refused.json()).toMatchObject({ code: "insufficient_funds" });
      expect((await world.payment(id)).refunded).toBe(0);
      expect((await world.move(id, "refunds", refund(29))).status).toBe(200);
      expect(await world.available(account)).toBe(9_929);
    });
  });

  const kinds = [
    ["captures", capture(40), { captured: 100, refunded: 0 }],
    ["refunds", refund(40), { captured: 60, refunded: 40 }],
    ["void", {}, { captured: 60, voided: 40 }],
  ] as const;
  const points = ["move.begin", "move.judged", "move.recorded", "move.answered", "move.committed"] as const;
  test.each(kinds.flatMap((kind) => points.map((point) => [kind[0], point, kind] as const)))(
    "P10, P14: %s that fails at %s is all or nothing, and the same key says which",
    async (word, point, [, body, after]) => {
      const fault: { point: FaultPoint | undefined } = { point: undefined };
      const reach = (reached: FaultPoint): void => {
        if (reached === fault.point) throw new Error("secret detail of the fault");
      };
      await withHold(async ({ world, account, id }) => {
        await world.move(id, "captures", capture(60), "first");
        const readAll = async (): Promise<unknown> => [await world.payment(id), await world.available(account)];
        const before = await readAll();
        fault.point = point;
        const failed = await world.move(id, word, body, "key");
        expect(failed.status).toBe(500);
        expect(await failed.text()).not.toContain("secret detail");
        fault.point = undefined;
        const isCommitted = point === "move.committed";
        expect(JSON.stringify(await readAll()) === JSON.stringify(before)).toBe(!isCommitted);
        const again = await world.move(id, word, body, "key");
        expect(again.status).toBe(200);
        expect(again.headers.get("idempotent-replayed")).toBe(isCommitted ? "true" : null);
        expect(await world.payment(id)).toMatchObject(after);
      }, reach);
    },
  );
});
