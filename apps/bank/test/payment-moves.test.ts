import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FaultPoint } from "../src/fault-point.ts";
import { holdTtlMs } from "../src/payment.ts";
import { MandateDesk } from "./mandate-desk.ts";
import { secretsOf, walletUrl, World } from "./world.ts";

const eur = (amount: number): { amount: number; currency: string } => ({ amount, currency: "EUR" });
const capture = (amount: number, final = false): object => ({ ...eur(amount), final });

describe("a payment in two steps", () => {
  let world: World;
  let account: string;
  beforeAll(async () => {
    world = await World.open({ openingBalance: 1_000_000 });
    account = await world.openAccount();
  });
  afterAll(() => world.bank.close());

  test("money is set aside, captured in parts, the rest is released, and what was captured is given back", async () => {
    const before = await world.available(account);
    const order = await world.authorize(account, { amount: 1_000 });
    const at = new Date(world.time.now).toISOString();
    expect(await world.payment(order.id)).toMatchObject({
      status: "authorized",
      amount: 1_000,
      captured: 0,
      held: 1_000,
      expires_at: new Date(world.time.now + holdTtlMs).toISOString(),
      moves: [{ kind: "authorization", amount: 1_000, at }],
    });
    expect(await world.available(account)).toBe(before - 1_000);
    expect((await world.move(order.id, "captures", capture(300), "part-1")).status).toBe(200);
    const second = await world.move(order.id, "captures", capture(200), "part-2");
    expect(await second.json()).toMatchObject({ status: "captured", captured: 500, held: 500, voided: 0, refunded: 0 });
    expect(await world.available(account)).toBe(before - 1_000);
    expect((await world.move(order.id, "void", {}, "rest")).status).toBe(200);
    expect(await world.available(account)).toBe(before - 500);
    expect((await world.move(order.id, "refunds", eur(100), "back-1")).status).toBe(200);
    const all = await world.move(order.id, "refunds", eur(400), "back-2");
    expect(await all.json()).toMatchObject({ status: "refunded", captured: 500, held: 0, voided: 500, refunded: 500 });
    expect(await world.available(account)).toBe(before);
    expect((await world.payment(order.id)).moves.map(({ kind, amount, key }) => [kind, amount, key])).toEqual([
      ["authorization", 1_000, undefined],
      ["capture", 300, "part-1"],
      ["capture", 200, "part-2"],
      ["void", 500, "rest"],
      ["refund", 100, "back-1"],
      ["refund", 400, "back-2"],
    ]);
    expect(world.events.slice(-4).map((event) => event.event)).toEqual([
      "payment_captured",
      "payment_voided",
      "payment_refunded",
      "payment_refunded",
    ]);
  });

  test("a final capture releases what it leaves", async () => {
    const before = await world.available(account);
    const order = await world.authorize(account, { amount: 1_000 });
    const final = await world.move(order.id, "captures", capture(999, true));
    expect(await final.json()).toMatchObject({ status: "captured", captured: 999, held: 0, voided: 1 });
    expect(await world.available(account)).toBe(before - 999);
    expect((await world.move(order.id, "captures", capture(1))).status).toBe(409);
  });

  test("a payment that was captured at once is refunded in parts", async () => {
    const before = await world.available(account);
    const order = await world.order(account, { amount: 1_000 });
    await world.pay(order);
    expect(await (await world.move(order.id, "refunds", eur(1))).json()).toMatchObject({ status: "captured", refunded: 1 });
    expect(await (await world.move(order.id, "refunds", eur(999))).json()).toMatchObject({ status: "refunded", refunded: 1_000 });
    expect(await world.available(account)).toBe(before);
  });

  test("what is set aside is spent by nobody else, and is free again after a void", async () => {
    const poor = await World.open({ parties: world.parties, openingBalance: 1_000 });
    const purse = await poor.openAccount();
    const order = await poor.authorize(purse, { amount: 1_000 });
    expect((await poor.pay(await poor.order(purse, { amount: 1 }))).status).toBe(402);
    await poor.move(order.id, "captures", capture(1));
    expect((await poor.pay(await poor.order(purse, { amount: 1 }))).status).toBe(402);
    await poor.move(order.id, "void", {});
    expect((await poor.pay(await poor.order(purse, { amount: 999 }))).status).toBe(201);
    expect(await poor.available(purse)).toBe(0);
    await poor.bank.close();
  });

  test.each([
    ["P06: a capture of one unit more than is set aside", "captures", capture(1_001), "exceeds_payment"],
    ["P06: a capture of one unit more than is left", "captures", capture(501), "exceeds_payment"],
    ["P07: a refund of one unit more than was captured", "refunds", eur(501), "exceeds_payment"],
    ["P01: a capture in another currency", "captures", { ...capture(1), currency: "USD" }, "consent_mismatch"],
    ["P01: a refund in another currency", "refunds", { ...eur(1), currency: "USD" }, "consent_mismatch"],
  ] as const)("%s is refused with one event, without effect, and the answer is kept", async (_, word, body, code) => {
    const order = await world.authorize(account, { amount: 1_000 });
    expect((await world.move(order.id, "captures", capture(500))).status).toBe(200);
    const before = [await world.payment(order.id), await world.available(account)];
    const events = world.events.length;
    const refused = await world.move(order.id, word, body, `over-${code}-${order.id}`);
    expect(refused.status).toBe(409);
    const text = await refused.text();
    expect(JSON.parse(text)).toMatchObject({ code });
    expect(world.events.slice(events).map((event) => event.event)).toEqual(["request_refused"]);
    expect([await world.payment(order.id), await world.available(account)]).toEqual(before);
    const again = await world.move(order.id, word, body, `over-${code}-${order.id}`);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await again.text()).toBe(text);
    for (const secret of [order.mandate, ...secretsOf(world).map((each) => each.reveal())]) expect(text).not.toContain(secret);
  });

  test.each([
    ["captured", "captures", capture(1)],
    ["captured", "void", {}],
    ["voided", "captures", capture(1)],
    ["voided", "void", {}],
    ["voided", "refunds", eur(1)],
    ["expired", "captures", capture(1)],
    ["expired", "void", {}],
    ["expired", "refunds", eur(1)],
    ["refunded", "refunds", eur(1)],
    ["authorized", "refunds", eur(1)],
  ] as const)("P16: what is %s takes no %s", async (status, word, body) => {
    const own = await World.open({ parties: world.parties });
    const purse = await own.openAccount();
    const order = await own.authorize(purse, { amount: 10 });
    if (status === "captured" || status === "refunded") await own.move(order.id, "captures", capture(10));
    if (status === "refunded") await own.move(order.id, "refunds", eur(10));
    if (status === "voided") await own.move(order.id, "void", {});
    if (status === "expired") own.time.now += holdTtlMs;
    const before = await own.payment(order.id);
    expect(before.status).toBe(status);
    const refused = await own.move(order.id, word, body);
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code: "payment_closed" });
    expect(await own.payment(order.id)).toEqual(before);
    await own.bank.close();
  });

  test("P08: the same key for another move, amount or payment is refused, and the first result stays", async () => {
    const order = await world.authorize(account, { amount: 1_000 });
    const other = await world.authorize(account, { amount: 1_000 });
    const first = await world.move(order.id, "captures", capture(100), "key-p08");
    const text = await first.text();
    const tries = [
      world.move(order.id, "captures", capture(101), "key-p08"),
      world.move(order.id, "captures", capture(100, true), "key-p08"),
      world.move(order.id, "void", {}, "key-p08"),
      world.move(other.id, "captures", capture(100), "key-p08"),
    ];
    for (const response of await Promise.all(tries)) expect(response.status).toBe(422);
    expect(await (await world.move(order.id, "captures", capture(100), "key-p08")).text()).toBe(text);
    expect((await world.payment(order.id)).captured).toBe(100);
    expect((await world.payment(other.id)).captured).toBe(0);
  });

  test("P04: a key is known to its payment for longer than its answer is kept", async () => {
    const own = await World.open({ parties: world.parties });
    const order = await own.authorize(await own.openAccount(), { amount: 100 });
    await own.move(order.id, "captures", capture(10), "key-old");
    own.time.now += 73 * 3_600_000;
    expect(await own.bank.sweep()).toBeGreaterThan(0);
    const again = await own.move(order.id, "captures", capture(10), "key-old");
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await again.json()).toMatchObject({ captured: 10, held: 90 });
    expect((await own.move(order.id, "captures", capture(11), "key-old")).status).toBe(422);
    await own.bank.close();
  });

  test("P09: a payment of another payee is not there, whatever is asked of it", async () => {
    const order = await world.authorize(account);
    const { rival, wallet } = world.parties;
    for (const [word, body] of [
      ["captures", capture(1)],
      ["refunds", eur(1)],
      ["void", {}],
    ] as const) {
      const foreign = await world.move(order.id, word, body, "k", rival);
      expect(foreign.status).toBe(404);
      expect(await foreign.json()).toMatchObject({ code: "unknown_payment" });
      expect((await world.move("pay_unknown", word, body)).status).toBe(404);
      expect((await world.move(order.id, word, body, "k", wallet)).status).toBe(403);
    }
    expect((await world.payment(order.id)).status).toBe("authorized");
  });

  test.each([
    ["captures", { amount: 1, currency: "EUR" }, "invalid_request"],
    ["captures", { ...capture(1), tip: 1 }, "invalid_request"],
    ["captures", { ...eur(1), final: "yes" }, "invalid_request"],
    ["captures", capture(0), "invalid_amount"],
    ["captures", capture(-1), "invalid_amount"],
    ["captures", capture(1.5), "invalid_amount"],
    ["captures", { amount: "1", currency: "EUR", final: false }, "invalid_amount"],
    ["captures", { amount: 1, currency: "eur", final: false }, "invalid_amount"],
    ["refunds", eur(0), "invalid_amount"],
    ["refunds", { ...eur(1), final: false }, "invalid_request"],
    ["void", { amount: 1 }, "invalid_request"],
    ["void", [], "invalid_request"],
  ] as const)("P03: %s %j is refused without effect, and its key is free", async (word, body, code) => {
    const order = await world.authorize(account);
    const key = `key-${order.id}`;
    const refused = await world.move(order.id, word, body, key);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ code });
    expect((await world.send(world.parties.store, "POST", `/payments/${order.id}/void`, { body: {} })).status).toBe(400);
    expect((await world.payment(order.id)).moves).toHaveLength(1);
    expect((await world.move(order.id, "void", {}, key)).status).toBe(200);
  });

  test("a payment has at most a hundred moves", async () => {
    const order = await world.authorize(account, { amount: 1_000 });
    const statuses = new Set<number>();
    for (let n = 1; n < 100; n += 1) statuses.add((await world.move(order.id, "captures", capture(1))).status);
    expect([...statuses]).toEqual([200]);
    expect((await world.move(order.id, "captures", capture(1))).status).toBe(409);
    expect((await world.payment(order.id)).moves).toHaveLength(100);
  });
});

describe("what is set aside and not captured", () => {
  test("is released in time: what was captured stays, the rest is free again", async () => {
    const world = await World.open();
    const account = await world.openAccount();
    const whole = await world.authorize(account, { amount: 100 });
    const part = await world.authorize(account, { amount: 100 });
    await world.move(part.id, "captures", capture(30));
    world.time.now += holdTtlMs - 1;
    expect(await world.bank.expireHolds()).toBe(0);
    expect((await world.payment(whole.id)).status).toBe("authorized");
    world.time.now += 1;
    const told = await world.payment(whole.id);
    expect(told).toMatchObject({ status: "expired", held: 0, voided: 100 });
    expect(await world.bank.expireHolds()).toBe(2);
    expect(await world.bank.expireHolds()).toBe(0);
    expect({ ...(await world.payment(whole.id)), moves: [] }).toEqual({ ...told, moves: [] });
    expect(await world.payment(part.id)).toMatchObject({ status: "captured", captured: 30, held: 0, voided: 70 });
    expect(await world.available(account)).toBe(10_000 - 30);
    expect(world.events.filter((event) => event.event === "payment_expired")).toHaveLength(2);
    await world.bank.close();
  });

  test("one that cannot be released keeps no other one waiting", async () => {
    let fails = 1;
    const reach = (point: FaultPoint): void => {
      if (point === "expiry.recorded" && fails-- > 0) throw new Error("broken");
    };
    const world = await World.open({ reach });
    const account = await world.openAccount();
    for (let n = 0; n < 3; n += 1) await world.authorize(account, { amount: 100 });
    world.time.now += holdTtlMs;
    await expect(world.bank.expireHolds()).rejects.toThrow("broken");
    expect(await world.available(account)).toBe(10_000 - 100);
    expect(await world.bank.expireHolds()).toBe(1);
    expect(await world.available(account)).toBe(10_000);
    await world.bank.close();
  });

  test.each([
    ["voided", true],
    ["expired", true],
    ["captured in part and voided", false],
  ] as const)("P13: a payment that is %s is voided at its wallet: %s", async (how, isVoided) => {
    const desk = new MandateDesk(walletUrl);
    const world = await World.open({ desk });
    const account = await world.openAccount();
    const order = await world.authorize(account, { jti: "jti-1", amount: 100 });
    expect(desk.redeemed.get("pr_jti-1")).toEqual({ reference: order.id, voided: false });
    world.time.now += 3_600_000;
    expect(await world.bank.settleRedemptions()).toBe(0);
    if (how === "captured in part and voided") await world.move(order.id, "captures", capture(1));
    if (how === "expired") world.time.now += holdTtlMs;
    await (how === "expired" ? world.bank.expireHolds() : world.move(order.id, "void", {}));
    expect((await world.payment(order.id)).moves.at(-1)?.kind).toBe(how === "expired" ? "expiry" : "void");
    desk.faults.push("lost");
    await world.bank.settleRedemptions();
    world.time.now += 60_000;
    await world.bank.settleRedemptions();
    expect(desk.redeemed.get("pr_jti-1")?.voided).toBe(isVoided);
    expect(await world.bank.settleRedemptions()).toBe(0);
    await world.bank.close();
  });
});
