import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Engine, engines } from "./engines.ts";
import { World } from "./world.ts";

describe.each(engines)("an id that nothing can have, on %s", (_name, startEngine) => {
  let engine: Engine;
  let world: World;
  beforeAll(async () => {
    engine = await startEngine();
    world = await World.open({ databaseUrl: await engine.newDatabase() });
  }, 120_000);
  afterAll(async () => {
    await world.bank.close();
    await engine.close();
  });

  test.each([
    ["a zero", "%00"],
    ["a prefix and a zero", "pay_%00"],
    ["half a character", "pay_%ED%A0%80"],
    ["5000 characters", `pay_${"x".repeat(5_000)}`],
  ])("%s is unknown", async (_what, id) => {
    const { store, wallet } = world.parties;
    const payment = await world.send(store, "GET", `/payments/${id}`);
    expect([payment.status, await payment.json()]).toMatchObject([404, { code: "unknown_payment" }]);
    const account = await world.send(wallet, "GET", `/accounts/${id}`);
    expect([account.status, await account.json()]).toMatchObject([404, { code: "unknown_account" }]);
  });
});
