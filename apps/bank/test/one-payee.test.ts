import { openDatabase } from "@countersign/storage/open";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BankTables, migrations } from "../src/tables.ts";
import { type Engine, startServer } from "./engines.ts";
import { expectSoundBooks } from "./sql-books.ts";
import { makeParties, World } from "./world.ts";

// On SQLite there is nothing to see: it lets one transaction write at a time, whatever it writes.
describe("captures for one payee on PostgreSQL", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await startServer();
  });
  afterAll(() => engine.close());

  test("a capture in the middle does not hold up one of another payer", async () => {
    const databaseUrl = await engine.newDatabase();
    const parties = await makeParties();
    const world = await World.open({ databaseUrl, parties });
    const [account, other] = [await world.openAccount(), await world.openAccount()];
    expect((await world.pay(await world.order(account, { amount: 100 }))).status).toBe(201);
    const held = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const slow = await World.open({
      databaseUrl,
      parties,
      reach: async (point) => {
        if (point !== "capture.recorded") return;
        reached.resolve();
        await held.promise;
      },
    });
    const first = slow.pay(await world.order(account, { amount: 100 }));
    await reached.promise;
    expect((await world.pay(await world.order(other, { amount: 100 }))).status).toBe(201);
    held.resolve();
    expect((await first).status).toBe(201);
    expect([await world.available(account), await world.available(other)]).toEqual([9_800, 9_900]);
    for (const each of [world, slow]) await each.bank.close();
    const database = await openDatabase<BankTables>({ url: databaseUrl, schema: "bank", migrations });
    await expectSoundBooks(database);
    await database.close();
  });
});
