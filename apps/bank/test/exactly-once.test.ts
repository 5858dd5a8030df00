import { openDatabase } from "@countersign/storage/open";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FaultPoint } from "../src/fault-point.ts";
import { type BankTables, migrations } from "../src/tables.ts";
import { type Engine, engines } from "./engines.ts";
import { runWriteLoop } from "./run-write-loop.ts";
import { expectSoundBooks } from "./sql-books.ts";
import { makeParties, type Parties, type Party, type PaymentBody, World } from "./world.ts";
import type { WriteLoop } from "./write-loop.ts";

const beforeCommit: readonly FaultPoint[] = ["capture.begin", "capture.transferred", "capture.recorded", "capture.answered"];

describe.each(engines)("exactly once on %s", (_, start) => {
  let engine: Engine;
  let parties: Parties;
  beforeAll(async () => {
    engine = await start();
    parties = await makeParties();
  });
  afterAll(() => engine.close());

  /** Leaves the world and checks what it left behind. */
  async function closeAndCheck(databaseUrl: string, ...worlds: readonly World[]): Promise<void> {
    for (const world of worlds) await world.bank.close();
    const database = await openDatabase<BankTables>({ url: databaseUrl, schema: "bank", migrations });
    try {
      await expectSoundBooks(database);
    } finally {
      await database.close();
    }
  }

  test("L04 P05: 50 parallel captures of one mandate under 50 keys are one payment, and all read it", async () => {
    const databaseUrl = await engine.newDatabase();
    const world = await World.open({ databaseUrl, parties });
    const account = await world.openAccount();
    const order = await world.order(account, { amount: 100 });
    const responses = await Promise.all(Array.from({ length: 50 }, (__, n) => world.pay(order, `key-${n}`)));
    const bodies = await Promise.all(responses.map((response) => response.text()));
    expect(new Set(responses.map((response) => response.status))).toEqual(new Set([201]));
    expect(new Set(bodies).size).toBe(1);
    expect(responses.filter((response) => response.headers.get("idempotent-replayed") === null)).toHaveLength(1);
    expect(await world.available(account)).toBe(9_900);
    await closeAndCheck(databaseUrl, world);
  });

  test("L04 P05: 50 parallel captures of one account stop at its last unit", async () => {
    const databaseUrl = await engine.newDatabase();
    const world = await World.open({ databaseUrl, parties, openingBalance: 1_000 });
    const account = await world.openAccount();
    const orders = await Promise.all(Array.from({ length: 50 }, () => world.order(account, { amount: 100 })));
    const statuses = await Promise.all(orders.map(async (order) => (await world.pay(order)).status));
    expect(statuses.filter((status) => status === 201)).toHaveLength(10);
    expect(statuses.filter((status) => status === 402)).toHaveLength(40);
    expect(await world.available(account)).toBe(0);
    await closeAndCheck(databaseUrl, world);
  });

  test("P10: while a request runs, its key is in flight; afterwards it is answered", async () => {
    const databaseUrl = await engine.newDatabase();
    const world = await World.open({ databaseUrl, parties });
    const account = await world.openAccount();
    const order = await world.order(account);
    // The account was opened by the wallet's assertion, so its keys are known; a second bank has to fetch them in the middle of the capture.
    const second = await World.open({ databaseUrl, parties });
    const held = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    second.beforeKeys = async (party: Party) => {
      if (party !== parties.wallet) return;
      reached.resolve();
      await held.promise;
    };
    const first = second.pay(order, "key-1");
    await reached.promise;
    const twin = await second.pay(order, "key-1");
    expect(twin.status).toBe(409);
    expect(twin.headers.get("retry-after")).toBe("1");
    expect(await twin.json()).toMatchObject({ code: "idempotency_in_flight", retryable: true });
    expect((await second.pay({ ...order, amount: 1 }, "key-1")).status).toBe(422);
    held.resolve();
    expect((await first).status).toBe(201);
    const replay = await second.pay(order, "key-1");
    expect(replay.headers.get("idempotent-replayed")).toBe("true");
    expect(await replay.text()).toBe(await (await first).text());
    expect(await world.available(account)).toBe(10_000 - 1250);
    await closeAndCheck(databaseUrl, world, second);
  });

  test("P05: two banks on one database, one key and one mandate: one payment, whoever is asked", async () => {
    const databaseUrl = await engine.newDatabase();
    const worlds = [await World.open({ databaseUrl, parties }), await World.open({ databaseUrl, parties })] as const;
    const account = await worlds[0].openAccount();
    for (let round = 0; round < 5; round += 1) {
      const order = await worlds[0].order(account, { amount: 100 });
      const responses = await Promise.all(worlds.map((world) => world.pay(order, `key-${round}`)));
      expect(responses.map((response) => response.status)).toEqual([201, 201]);
      expect(await responses[0]?.text()).toBe(await responses[1]?.text());
      expect(responses.filter((response) => response.headers.get("idempotent-replayed") === null)).toHaveLength(1);
    }
    expect(await worlds[0].available(account)).toBe(9_500);
    await closeAndCheck(databaseUrl, ...worlds);
  });

  test.each(beforeCommit)("P10: a failure at %s leaves nothing, keeps no answer, and the same key works afterwards", async (point) => {
    const databaseUrl = await engine.newDatabase();
    const fault: { point: FaultPoint | undefined } = { point };
    const reach = (reached: FaultPoint): void => {
      if (reached === fault.point) throw new Error("secret detail of the fault");
    };
    const world = await World.open({ databaseUrl, parties, reach });
    const account = await world.openAccount();
    const order = await world.order(account);
    const failed = await world.pay(order, "key-1");
    expect(failed.status).toBe(500);
    expect(await failed.text()).not.toContain("secret detail");
    expect(await world.available(account)).toBe(10_000);
    expect((await world.send(parties.store, "GET", `/payments/${order.id}`)).status).toBe(404);
    fault.point = undefined;
    const again = await world.pay(order, "key-1");
    expect(again.status).toBe(201);
    expect(again.headers.get("idempotent-replayed")).toBeNull();
    expect(await world.available(account)).toBe(10_000 - 1250);
    await closeAndCheck(databaseUrl, world);
  });

  test("P10, P14: a failure after the commit is read as what it is: done", async () => {
    const databaseUrl = await engine.newDatabase();
    const fault = { on: true };
    const reach = (point: FaultPoint): void => {
      if (fault.on && point === "capture.committed") throw new Error("lost");
    };
    const world = await World.open({ databaseUrl, parties, reach });
    const account = await world.openAccount();
    const order = await world.order(account);
    expect((await world.pay(order, "key-1")).status).toBe(500);
    expect(await (await world.send(parties.store, "GET", `/payments/${order.id}`)).json()).toMatchObject({ status: "captured" });
    fault.on = false;
    const again = await world.pay(order, "key-1");
    expect(again.status).toBe(201);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await world.available(account)).toBe(10_000 - 1250);
    await closeAndCheck(databaseUrl, world);
  });

  test.each([...beforeCommit, "capture.committed"] as const)("P10: kill -9 at %s leaves all of a payment or nothing", async (point) => {
    const databaseUrl = await engine.newDatabase();
    const { world, loop, orders, account } = await prepareLoop(databaseUrl, parties, 3);
    const run = runWriteLoop({ ...loop, dieAt: { point, write: 2 } });
    expect(await run.ended).toBe("SIGKILL");
    expect(run.acknowledged).toEqual(["key-0", "key-1"]);
    const committed = point === "capture.committed";
    expect(await world.available(account)).toBe(committed ? 9_700 : 9_800);
    for (const [n, order] of orders.entries()) expect((await world.pay(order, `key-${n}`)).status).toBe(201);
    expect(await world.available(account)).toBe(9_700);
    await closeAndCheck(databaseUrl, world);
  });

  test("P10: kill -9 in a write loop loses no acknowledged payment and doubles none", async () => {
    const databaseUrl = await engine.newDatabase();
    const { world, loop, orders, account } = await prepareLoop(databaseUrl, parties, 90);
    const run = runWriteLoop(loop, (count, kill) => {
      if (count === 15) kill();
    });
    expect(await run.ended).toBe("SIGKILL");
    expect(run.acknowledged.length).toBeGreaterThanOrEqual(15);
    for (const { id } of orders.slice(0, run.acknowledged.length)) expect(await world.payment(id)).toMatchObject({ id, captured: 100 });
    for (const [n, order] of orders.entries()) expect((await world.pay(order, `key-${n}`)).status).toBe(201);
    expect(await world.available(account)).toBe(10_000 - 90 * 100);
    await closeAndCheck(databaseUrl, world);
  });
});

async function prepareLoop(
  databaseUrl: string,
  parties: Parties,
  count: number,
): Promise<{ world: World; loop: WriteLoop; orders: readonly PaymentBody[]; account: string }> {
  const world = await World.open({ databaseUrl, parties });
  const account = await world.openAccount();
  const orders = await Promise.all(Array.from({ length: count }, () => world.order(account, { amount: 100 })));
  const writes = orders.map((body, n) => ({ key: `key-${n}`, path: "/payments", body }));
  return { world, loop: { databaseUrl, parties, writes }, orders, account };
}
