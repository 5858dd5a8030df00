import { refuse } from "@countersign/protocol/errors";
import { err, ok } from "@countersign/protocol/result";
import { openDatabase } from "@countersign/storage/open";
import { decodeJwt, importJWK, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { BankClient } from "../src/clients.ts";
import type { FaultPoint, ReachFaultPoint } from "../src/fault-point.ts";
import { createRedemptions } from "../src/redeem-at-wallet.ts";
import { declineRedemption, readDeclined, startRedemption, takeRedemption } from "../src/redemptions.ts";
import { holdTtlMs } from "../src/payment.ts";
import { type BankTables, migrations } from "../src/tables.ts";
import type { WalletClient } from "../src/wallet-client.ts";
import { type Engine, engines } from "./engines.ts";
import { MandateDesk } from "./mandate-desk.ts";
import { bankUrl, makeParties, type Parties, walletUrl, World } from "./world.ts";

const minute = 60_000;
/** When no judge takes a mandate any more, and the margin of a capture that runs then. */
const overMs = (15 + 1 + 2) * minute;
const keySet = z.object({ keys: z.array(z.object({ kty: z.string(), crv: z.string(), x: z.string(), y: z.string(), kid: z.string() })) });

describe.each(engines)("redeeming at the wallet on %s", (_, start) => {
  let engine: Engine;
  let parties: Parties;
  beforeAll(async () => {
    engine = await start();
    parties = await makeParties();
  });
  afterAll(() => engine.close());

  async function open(options: { openingBalance?: number; reach?: ReachFaultPoint } = {}) {
    const desk = new MandateDesk(walletUrl);
    const world = await World.open({ databaseUrl: await engine.newDatabase(), parties, desk, ...options });
    const account = await world.openAccount();
    const order = await world.order(account);
    return { desk, world, account, order, requestId: String(decodeJwt(order.mandate.replace(/~$/, ""))["request_id"]) };
  }

  test("a mandate is redeemed before the capture, by the bank under its own key", async () => {
    const { desk, world, order, requestId } = await open();
    expect((await world.pay(order)).status).toBe(201);
    expect(desk.asked).toEqual(["redeem"]);
    expect(desk.redeemed.get(requestId)).toEqual({ reference: order.id, voided: false });
    const { keys } = keySet.parse(await (await world.bank.fetch(new Request(`${bankUrl}/.well-known/jwks.json`))).json());
    expect(JSON.stringify(keys)).not.toContain('"d"');
    const { payload } = await jwtVerify(desk.assertions[0] ?? "", await importJWK(keys[0] ?? {}, "ES256"), {
      issuer: bankUrl,
      subject: bankUrl,
      audience: walletUrl,
      currentDate: new Date(world.time.now),
    });
    expect(Number(payload.exp) - Number(payload.iat)).toBe(60);
    world.time.now += overMs;
    expect(await world.bank.settleRedemptions()).toBe(0);
    expect(desk.asked).toEqual(["redeem"]);
    await world.bank.close();
  });

  test.each([
    ["spent", "mandate_spent"],
    ["revoked", "mandate_revoked"],
  ] as const)("P16 what the wallet calls %s is not captured", async (fault, code) => {
    const { desk, world, account, order } = await open();
    desk.faults.push(fault);
    const refused = await world.pay(order, "key-1");
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code });
    expect(await world.available(account)).toBe(10_000);
    world.time.now += overMs;
    expect(await world.bank.settleRedemptions()).toBe(0);
    await world.bank.close();
  });

  test.each(["lost", "dropped", "foreign"] as const)(
    "P14 an answer that is %s captures nothing and keeps no answer; the same key works afterwards",
    async (fault) => {
      const { desk, world, account, order } = await open();
      desk.faults.push(fault);
      const unknown = await world.pay(order, "key-1");
      expect(unknown.status).toBe(503);
      expect(await unknown.json()).toMatchObject({ code: "unavailable", retryable: true });
      expect(await world.available(account)).toBe(10_000);
      const captured = await world.pay(order, "key-1");
      expect(captured.status).toBe(201);
      expect(captured.headers.get("idempotent-replayed")).toBeNull();
      expect(await world.available(account)).toBe(10_000 - 1250);
      expect(desk.redeemed.size).toBe(1);
      await world.bank.close();
    },
  );

  test("L24 P14 a refusal says nothing about a redemption asked for before, whose answer was lost: that one is voided", async () => {
    const { desk, world, order, requestId } = await open();
    desk.faults.push("lost", "spent");
    expect((await world.pay(order, "key-1")).status).toBe(503);
    expect((await world.pay(order, "key-2")).status).toBe(409);
    world.time.now += overMs;
    expect(await world.bank.settleRedemptions()).toBe(1);
    expect(desk.redeemed.get(requestId)).toEqual({ reference: order.id, voided: true });
    await world.bank.close();
  });

  test("P05 a redemption is taken once, and never after it was given up", async () => {
    const database = await openDatabase<BankTables>({ url: await engine.newDatabase(), schema: "bank", migrations });
    for (const id of ["pay_1", "pay_2"]) {
      expect(await startRedemption(database, { payment_id: id, issuer: walletUrl, request_id: "pr_1", ends_at: 1 })).toBe("new");
    }
    expect(await Promise.all([takeRedemption(database, "pay_1"), takeRedemption(database, "pay_1")])).toContain(false);
    expect(await takeRedemption(database, "pay_1")).toBe(false);
    await declineRedemption(database, "pay_2", 1);
    expect(await takeRedemption(database, "pay_2")).toBe(false);
    expect((await readDeclined(database, 1, 10)).map((row) => row.payment_id)).toEqual(["pay_2"]);
    await database.close();
  });

  test("a wallet that does not answer holds up no other wallet's voids, and is asked once", async () => {
    const database = await openDatabase<BankTables>({ url: await engine.newDatabase(), schema: "bank", migrations });
    const asked: string[] = [];
    const others = Promise.withResolvers<void>();
    const wallet: WalletClient = {
      redeem: async () => ok(undefined),
      settle: async () => ok(undefined),
      async void(at) {
        asked.push(at.issuer);
        if (at.issuer === "https://silent.example") {
          await others.promise;
          return err(refuse("unavailable"));
        }
        others.resolve();
        return ok(undefined);
      },
    };
    const walletAt = (issuer: string): BankClient => ({
      clientId: issuer,
      jwksUri: `${issuer}/jwks`,
      role: "wallet",
      mandatesUri: `${issuer}/mandates`,
    });
    const silent = walletAt("https://silent.example");
    const other = walletAt("https://other.example");
    const clients = [silent, other];
    for (const [n, { clientId }] of [silent, silent, silent, other].entries()) {
      await startRedemption(database, { payment_id: `pay_${n}`, issuer: clientId, request_id: `pr_${n}`, ends_at: n });
    }
    const redemptions = createRedemptions({ database, clients, wallet, reach: () => undefined });
    expect(await redemptions.settle(10)).toBe(1);
    expect(asked.toSorted()).toEqual(["https://other.example", "https://silent.example"]);
    expect(await redemptions.settle(11)).toBe(0);
    expect(asked).toHaveLength(2);
    await database.close();
  });

  test("a word that the wallet answers and does not take holds up no other word to it; each is said again until it is taken", async () => {
    const { desk, world, account } = await open();
    const parted = await Promise.all(["one", "two", "three"].map((jti) => world.authorize(account, { amount: 100, jti })));
    for (const { id } of parted) await world.move(id, "captures", { amount: 40, currency: "EUR", final: true });
    const captured = (jti: string): number | undefined => desk.redeemed.get(`pr_${jti}`)?.captured;
    const heard = (): number => ["one", "two", "three"].filter((jti) => captured(jti) === 40).length;
    desk.faults.push("broken");
    expect(await world.bank.settleRedemptions()).toBe(2);
    expect(heard()).toBe(2);
    desk.faults.push("broken");
    world.time.now += minute;
    expect(await world.bank.settleRedemptions()).toBe(0);
    world.time.now += minute;
    expect(await world.bank.settleRedemptions()).toBe(1);
    expect(heard()).toBe(3);
    await world.bank.close();
  });

  test("a wallet that says that it is away is asked once, and hears every word when it is back", async () => {
    const { desk, world, account } = await open();
    const parted = await Promise.all(["one", "two", "three"].map((jti) => world.authorize(account, { amount: 100, jti })));
    for (const { id } of parted) await world.move(id, "void", {});
    const before = desk.asked.length;
    desk.faults.push("away");
    expect(await world.bank.settleRedemptions()).toBe(0);
    expect(desk.asked.length - before).toBe(1);
    world.time.now += minute;
    expect(await world.bank.settleRedemptions()).toBe(3);
    await world.bank.close();
  });

  test("a token that the wallet no longer takes is replaced once", async () => {
    const { desk, world, account, order } = await open();
    expect((await world.pay(order)).status).toBe(201);
    desk.faults.push("unauthorized");
    expect((await world.pay(await world.order(account))).status).toBe(201);
    expect(desk.assertions).toHaveLength(2);
    await world.bank.close();
  });

  const part = { amount: 400, currency: "EUR", final: false };
  test.each([
    ["a void", (world: World, id: string): Promise<unknown> => world.move(id, "void", {})],
    ["a final capture", (world: World, id: string): Promise<unknown> => world.move(id, "captures", { ...part, amount: 100, final: true })],
    [
      "the end of its time",
      (world: World): Promise<unknown> => {
        world.time.now += holdTtlMs;
        return world.bank.expireHolds();
      },
    ],
  ] as const)("P13 a payment of which some was captured is settled at the wallet after %s, until the wallet has heard it", async (name, end) => {
    const { desk, world, account } = await open();
    const order = await world.authorize(account, { amount: 1000, jti: "part" });
    await world.move(order.id, "captures", part);
    expect(await world.bank.settleRedemptions()).toBe(0);
    await end(world, order.id);
    const captured = name === "a final capture" ? 500 : 400;
    desk.faults.push("lost");
    expect(await world.bank.settleRedemptions()).toBe(0);
    world.time.now += minute;
    expect(await world.bank.settleRedemptions()).toBe(1);
    expect(desk.redeemed.get("pr_part")).toEqual({ reference: order.id, voided: false, captured });
    // What is given back later was spent all the same.
    await world.move(order.id, "refunds", { amount: captured, currency: "EUR" });
    world.time.now += minute;
    expect(await world.bank.settleRedemptions()).toBe(0);
    expect(desk.asked).toEqual(["redeem", "settle", "settle"]);
    await world.bank.close();
  });

  test("a payment that was captured whole is not settled, and a wallet that knows no settlements is asked once", async () => {
    const { desk, world, account } = await open();
    const whole = await world.authorize(account, { amount: 1000 });
    await world.move(whole.id, "captures", { ...part, amount: 1000 });
    expect(await world.bank.settleRedemptions()).toBe(0);
    const parted = await world.authorize(account, { amount: 1000 });
    await world.move(parted.id, "captures", { ...part, final: true });
    desk.faults.push("unknown");
    expect(await world.bank.settleRedemptions()).toBe(1);
    world.time.now += minute;
    expect(await world.bank.settleRedemptions()).toBe(0);
    expect(desk.asked).toEqual(["redeem", "redeem", "settle"]);
    await world.bank.close();
  });

  test("a decline by the books is voided at the wallet, until the wallet has heard it, and never captured afterwards", async () => {
    const { desk, world, account, order, requestId } = await open({ openingBalance: 100 });
    expect((await world.pay(order, "key-1")).status).toBe(402);
    const again = await world.pay(order, "key-2");
    expect(await again.json()).toMatchObject({ code: "mandate_spent" });
    desk.faults.push("lost");
    expect(await world.bank.settleRedemptions()).toBe(0);
    expect(await world.bank.settleRedemptions()).toBe(0);
    world.time.now += minute;
    expect(await world.bank.settleRedemptions()).toBe(1);
    expect(desk.redeemed.get(requestId)).toEqual({ reference: order.id, voided: true });
    expect(await world.bank.settleRedemptions()).toBe(0);
    expect(await (await world.pay(order, "key-3")).json()).toMatchObject({ code: "mandate_spent" });
    expect(await world.available(account)).toBe(100);
    await world.bank.close();
  });

  test.each(["redeem.started", "redeem.answered", "capture.begin", "capture.transferred", "capture.recorded", "capture.answered"] as const)(
    "P10 a crash at %s, and nobody coming back, is voided once the mandate is over; a payee that comes back in time is served",
    async (point) => {
      const fault: { point: FaultPoint | undefined } = { point };
      const reach = (reached: FaultPoint): void => {
        if (reached === fault.point) throw new Error("crash");
      };
      const { desk, world, account, order, requestId } = await open({ reach });
      const other = await world.order(account);
      expect((await world.pay(order, "key-1")).status).toBe(500);
      expect((await world.pay(other, "key-2")).status).toBe(500);
      fault.point = undefined;
      expect(await world.bank.settleRedemptions()).toBe(0);
      expect((await world.pay(other, "key-2")).status).toBe(201);
      world.time.now += overMs;
      expect(await world.bank.settleRedemptions()).toBe(1);
      const was = desk.redeemed.get(requestId);
      expect(was?.voided ?? "never redeemed").toBe(point === "redeem.started" ? "never redeemed" : true);
      expect((await world.pay(order, "key-1")).status).toBe(403);
      expect(await world.available(account)).toBe(10_000 - 1250);
      await world.bank.close();
    },
  );

  test("P05 50 parallel captures under 50 keys are one redemption, one payment, and nothing is voided", async () => {
    const { desk, world, account, order, requestId } = await open();
    const responses = await Promise.all(Array.from({ length: 50 }, (__, n) => world.pay(order, `key-${n}`)));
    expect(new Set(responses.map((response) => response.status))).toEqual(new Set([201]));
    world.time.now += overMs;
    expect(await world.bank.settleRedemptions()).toBe(0);
    expect(desk.redeemed.get(requestId)).toEqual({ reference: order.id, voided: false });
    expect(await world.available(account)).toBe(10_000 - 1250);
    await world.bank.close();
  });

  test("P05 a capture that meets the end of its redemption pays or is voided, never both", async () => {
    const { desk, world, account, order, requestId } = await open();
    const [paid] = await Promise.all([world.pay(order, "key-1"), settleAt(world, world.time.now + overMs)]);
    await settleAt(world, world.time.now + 2 * overMs);
    const isVoided = desk.redeemed.get(requestId)?.voided === true;
    expect(isVoided).toBe(paid.status !== 201);
    expect(await world.available(account)).toBe(paid.status === 201 ? 10_000 - 1250 : 10_000);
    await world.bank.close();
  });

  test.each([
    ["voided", undefined, 500],
    ["given up, and the wallet has not heard it", "lost", 409],
  ] as const)("P05 a capture whose redemption was %s meanwhile moves no money", async (_name, fault, status) => {
    const held = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const reach = async (point: FaultPoint): Promise<void> => {
      if (point !== "redeem.answered") return;
      reached.resolve();
      await held.promise;
    };
    const { desk, world, account, order } = await open({ reach });
    const paying = world.pay(order, "key-1");
    await reached.promise;
    if (fault !== undefined) desk.faults.push(fault);
    await settleAt(world, world.time.now + overMs);
    held.resolve();
    expect((await paying).status).toBe(status);
    expect(await world.available(account)).toBe(10_000);
    await world.bank.close();
  });

  /** Upkeep of an instance whose clock is at `now`. */
  async function settleAt(world: World, now: number): Promise<void> {
    const before = world.time.now;
    world.time.now = now;
    const settling = world.bank.settleRedemptions();
    world.time.now = before;
    await settling;
  }
});
