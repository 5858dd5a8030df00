import { randomBytes } from "node:crypto";
import { Secret } from "@countersign/protocol/secret";
import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import { createSealer, type Sealer } from "@countersign/storage/sealed";
import { type Adapter, errors } from "oidc-provider";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAdapterFactory } from "../../src/authorize/adapter.ts";
import { modelKindName, modelNames } from "../../src/authorize/models.ts";
import { createRefreshGrace } from "../../src/authorize/refresh-grace.ts";
import { listStored } from "../../src/authorize/stored.ts";
import { sealedKind } from "../../src/sealed-json.ts";

let database: Database<unknown>;
let sealer: Sealer;
let time: number;
let adapters: (model: string) => Adapter;
let grace: ReturnType<typeof createRefreshGrace>;

beforeEach(async () => {
  database = await openDatabase<unknown>({ url: "memory:", schema: "wallet", migrations: [] });
  time = 1_000_000;
  sealer = createSealer({ current: "k1", keys: { k1: new Secret(randomBytes(32).toString("base64url")) } });
  const now = () => time;
  grace = createRefreshGrace(database, sealer, now);
  adapters = createAdapterFactory({ database, sealer, grace, now });
});
afterEach(() => database.close());

describe("the adapter", () => {
  test.each(["AuthorizationCode", "RefreshToken"])("O05 O17 of 50 parallel redemptions of one %s exactly one goes on", async (model) => {
    const adapter = adapters(model);
    await adapter.upsert("secret", { jti: "secret", grantId: "g" }, 60);
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => adapter.consume("secret")));
    expect(outcomes.filter((each) => each.status === "fulfilled")).toHaveLength(1);
    expect(outcomes.filter((each) => each.status === "rejected" && each.reason instanceof errors.InvalidGrant)).toHaveLength(49);
  });

  test("what was redeemed is marked, and stays so when it is written again", async () => {
    const adapter = adapters("AuthorizationCode");
    await adapter.upsert("code", { jti: "code" }, 60);
    expect(await adapter.find("code")).toEqual({ jti: "code" });
    await adapter.consume("code");
    expect(await adapter.find("code")).toEqual({ jti: "code", consumed: 1_000 });
    await adapter.upsert("code", { jti: "code" }, 60);
    expect(await adapter.find("code")).toMatchObject({ consumed: 1_000 });
  });

  test("what expired, or was never there, is not redeemed", async () => {
    const adapter = adapters("AuthorizationCode");
    await adapter.upsert("code", { jti: "code" }, 60);
    time += 60_000;
    expect(await adapter.find("code")).toBeUndefined();
    await expect(adapter.consume("code")).rejects.toThrow(errors.InvalidGrant);
    await expect(adapter.consume("nothing")).rejects.toThrow(errors.InvalidGrant);
  });

  test("a redeemed refresh token hides that for 30 s, and gives its earlier answer only then", async () => {
    const adapter = adapters("RefreshToken");
    await adapter.upsert("token", { jti: "token", scope: "a" }, 3_600);
    await adapter.consume("token");
    await grace.keep(database, "token", { asked: "a", answer: { access_token: "x" } });
    time += 29_999;
    expect(await adapter.find("token")).not.toHaveProperty("consumed");
    await expect(adapter.consume("token")).rejects.toThrow(errors.InvalidGrant);
    expect(await grace.earlierAnswer("token", "b")).toBeUndefined();
    expect(await grace.earlierAnswer("token", "a")).toMatchObject({ answer: { access_token: "x" } });
    time += 1;
    expect(await adapter.find("token")).toHaveProperty("consumed");
    expect(await grace.earlierAnswer("token", "a")).toBeUndefined();
  });

  test("a refresh token is stored without the scopes and details of payments", async () => {
    const adapter = adapters("RefreshToken");
    await adapter.upsert("token", { jti: "token", scope: "orders:read payment:pr_1 payment:odd", rar: [{ type: "payment" }] }, 60);
    expect(await adapter.find("token")).toEqual({ jti: "token", scope: "orders:read payment:odd" });
  });

  test("an assertion's id is taken once, by whoever is first", async () => {
    const adapter = adapters("ReplayDetection");
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => adapter.upsert("jti", { iss: "store" }, 60)));
    expect(outcomes.filter((each) => each.status === "fulfilled")).toHaveLength(1);
  });

  test("the end of a grant takes every token of it along, and no other", async () => {
    const adapter = adapters("RefreshToken");
    await adapter.upsert("one", { jti: "one", grantId: "g" }, 60);
    await adapter.upsert("two", { jti: "two", grantId: "g" }, 60);
    await adapter.upsert("three", { jti: "three", grantId: "h" }, 60);
    await adapter.revokeByGrantId("g");
    expect(await Promise.all(["one", "two", "three"].map((id) => adapter.find(id)))).toEqual([undefined, undefined, { jti: "three", grantId: "h" }]);
  });

  test("a device code is found by its user code, alive, and by no other", async () => {
    const adapter = adapters("DeviceCode");
    await adapter.upsert("device", { jti: "device", userCode: "BCDFGHJK" }, 60);
    expect(await adapter.findByUserCode("BCDFGHJK")).toEqual({ jti: "device", userCode: "BCDFGHJK" });
    expect(await adapter.findByUserCode("BCDFGHJL")).toBeUndefined();
    await adapter.consume("device");
    expect(await adapter.findByUserCode("BCDFGHJK")).toMatchObject({ consumed: 1_000 });
    time += 60_000;
    expect(await adapter.findByUserCode("BCDFGHJK")).toBeUndefined();
  });

  test("X01 D02 nothing that redeems, and nobody's name, is readable in a record", async () => {
    const payload = { jti: "secret-id", grantId: "secret-grant", accountId: "usr_a", clientId: "client-a", userCode: "BCDFGHJK" };
    for (const model of modelNames) {
      await adapters(model).upsert("secret-id", payload, 60);
      const stored = JSON.stringify(await database.records(sealedKind(modelKindName(model))).scan(undefined, 10));
      expect(stored).toContain('"sealed"');
      expect(stored).not.toMatch(/secret-id|secret-grant|usr_a|client-a|BCDFGHJK/);
    }
  });

  test("grants are listed by account and by client, and by no other's", async () => {
    await adapters("Grant").upsert("one", { jti: "one", accountId: "usr_a", clientId: "host" }, 60);
    await adapters("Grant").upsert("two", { jti: "two", accountId: "usr_b", clientId: "host" }, 60);
    const list = async (key: "account" | "client" | "grant", value: string) =>
      (await listStored({ database, sealer }, "Grant", { key, value }, time)).map((each) => each.payload.jti);
    expect(await list("account", "usr_a")).toEqual(["one"]);
    expect(new Set(await list("client", "host"))).toEqual(new Set(["one", "two"]));
    expect(await list("grant", "two")).toEqual(["two"]);
    expect(await list("account", "usr_c")).toEqual([]);
  });

  test("a session is found by its uid", async () => {
    const adapter = adapters("Session");
    await adapter.upsert("cookie", { jti: "cookie", uid: "u", accountId: "usr_a" }, 60);
    expect(await adapter.findByUid("u")).toMatchObject({ accountId: "usr_a" });
    expect(await adapter.findByUid("v")).toBeUndefined();
  });
});
