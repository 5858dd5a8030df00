import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { holdTtlMs } from "../src/payment.ts";
import type { Statement } from "../src/statement.ts";
import { type Engine, engines } from "./engines.ts";
import { makeParties, type Parties, type Party, World } from "./world.ts";

const eur = (amount: number): object => ({ amount, currency: "EUR" });

describe.each(engines)("a statement on %s", (_, start) => {
  let engine: Engine;
  let parties: Parties;
  let world: World;
  let account: string;
  beforeAll(async () => {
    engine = await start();
    parties = await makeParties();
    world = await World.open({ databaseUrl: await engine.newDatabase(), parties });
    account = await world.openAccount();
  });
  afterAll(async () => {
    await world.bank.close();
    await engine.close();
  });

  async function read(id: string, query = "", wallet: Party = parties.wallet): Promise<Statement> {
    return JSON.parse(await (await world.send(wallet, "GET", `/accounts/${id}/statement${query}`)).text());
  }

  test("L12 says what was paid, given back, set aside and released, to whom, by whose yes and through which app", async () => {
    const tick = (): void => void (world.time.now += 1_000);
    tick();
    const asked = await world.order(account, { amount: 100, jti: "asked", claims: { client_id: "https://app.example/client.json" } });
    await world.pay(asked);
    tick();
    await world.pay(await world.order(account, { amount: 50, jti: "auto", claims: { human_present: false } }));
    tick();
    await world.move("pay_asked", "refunds", eur(40));
    tick();
    await world.authorize(account, { amount: 30, jti: "hold" });
    tick();
    await world.move("pay_hold", "captures", { ...eur(10), final: false });
    tick();
    await world.authorize(account, { amount: 7, jti: "void" });
    tick();
    await world.move("pay_void", "void", {});
    const ofPolicy = world.events.filter((event) => "paymentId" in event && event.paymentId === "pay_auto");
    expect(ofPolicy).toMatchObject([{ event: "payment_captured", amount: 50, approvedBy: "policy" }]);
    expect(world.events.filter((event) => "approvedBy" in event && event.approvedBy === "policy")).toEqual(ofPolicy);
    const statement = await read(account);
    expect(statement.account).toMatchObject({ currency: "EUR", booked: 10_000 - 120, held: 20, available: 10_000 - 140 });
    const shown = statement.lines.map(({ kind, amount, released, origin }) => [
      kind,
      amount,
      released,
      origin?.payment,
      origin?.approved_by,
      origin?.agent,
    ]);
    expect(shown).toEqual([
      ["release", 0, 7, "pay_void", "owner", null],
      ["payment", -10, 0, "pay_hold", "owner", null],
      ["refund", 40, 0, "pay_asked", "owner", "https://app.example/client.json"],
      ["payment", -50, 0, "pay_auto", "policy", null],
      ["payment", -100, 0, "pay_asked", "owner", "https://app.example/client.json"],
      ["opening", 10_000, 0, undefined, undefined, undefined],
    ]);
    expect(statement.open).toMatchObject([{ payment: "pay_hold", payee: "Harbour Goods", amount: 20, approved_by: "owner" }]);
    expect(statement.lines.reduce((sum, line) => sum + line.amount, 0)).toBe(statement.account.booked);
    world.time.now += holdTtlMs;
    expect((await read(account)).open).toEqual([]);
    await world.bank.expireHolds();
    expect((await read(account)).lines[0]).toMatchObject({ kind: "expiry", amount: 0, released: 20 });
  });

  test("says the balance after each line, through all pages, also where a page begins within one moment", async () => {
    const id = await world.openAccount();
    for (let n = 0; n < 20; n += 1) {
      const order = await world.authorize(id, { amount: 10 });
      await world.move(order.id, "captures", { ...eur(7), final: true });
      if (n % 2 === 0) world.time.now += 1_000;
      if (n % 3 === 0) await world.move(order.id, "refunds", eur(2));
    }
    let query = "";
    let balance: number | undefined;
    let pages = 0;
    for (let next: string | null = ""; next !== null; pages += 1) {
      const page = await read(id, query);
      balance ??= page.account.booked;
      for (const line of page.lines) {
        expect(line.balance).toBe(balance);
        balance -= line.amount;
      }
      next = page.next;
      query = `?before=${encodeURIComponent(next ?? "")}`;
    }
    expect([pages, balance]).toEqual([2, 0]);
  });

  test("of a payee says what it got, gave back and is to get, in each currency", async () => {
    const receive = async (currency: string, query = ""): Promise<Statement> =>
      JSON.parse(await (await world.send(parties.rival, "GET", `/payable/${currency}/statement${query}`)).text());
    expect(await receive("EUR")).toMatchObject({ account: { booked: 0, held: 0, available: 0 }, open: [], lines: [], next: null });
    const id = await world.openAccount();
    const rivals = { payee: parties.rival };
    const auto = await world.order(id, { ...rivals, amount: 50, claims: { human_present: false, client_id: "https://app.example/c.json" } });
    await world.pay(auto, undefined, parties.rival);
    world.time.now += 1_000;
    await world.move(auto.id, "refunds", eur(20), undefined, parties.rival);
    world.time.now += 1_000;
    const hold = { ...(await world.order(id, { ...rivals, amount: 30, jti: "rivals" })), capture: false };
    await world.pay(hold, undefined, parties.rival);
    await world.move(hold.id, "captures", { ...eur(5), final: false }, undefined, parties.rival);
    const statement = await receive("EUR");
    expect(statement.account).toEqual({
      id: "payable_EUR_rival",
      description: "Payments received",
      currency: "EUR",
      booked: 35,
      held: 25,
      available: 35,
    });
    expect(statement.lines.map(({ kind, amount, balance, origin }) => [kind, amount, balance, origin?.payment, origin?.approved_by])).toEqual([
      ["payment", 5, 35, "pay_rivals", "owner"],
      ["refund", -20, 30, auto.id, "policy"],
      ["payment", 50, 50, auto.id, "policy"],
    ]);
    expect(statement.open).toMatchObject([{ payment: "pay_rivals", amount: 25, approved_by: "owner" }]);
    expect(JSON.stringify(statement)).not.toContain(id);
    expect((await receive("JPY")).lines).toEqual([]);
    for (const currency of ["eur", "XXX", "..%2F"]) expect(await receive(currency)).toMatchObject({ code: "unknown_account" });
    expect((await world.send(parties.wallet, "GET", "/payable/EUR/statement")).status).toBe(403);
  });

  test("comes in pages that leave nothing out, also within one moment", async () => {
    const long = await world.openAccount();
    for (let n = 0; n < 60; n += 1) await world.pay(await world.order(long, { amount: 1 }));
    const payments = new Set<string>();
    let query = "";
    let pages = 0;
    for (;;) {
      const page = await read(long, query);
      pages += 1;
      for (const line of page.lines) payments.add(line.origin?.payment ?? "opening");
      if (page.next === null) break;
      query = `?before=${encodeURIComponent(page.next)}`;
    }
    expect([pages, payments.size]).toEqual([3, 61]);
    expect(await read(long, "?before=%00'--")).toEqual(await read(long));
  });

  test("P09: is read by the wallet that opened the account, and by nobody else", async () => {
    expect((await world.send(parties.wallet, "GET", `/accounts/${account}/statement`)).status).toBe(200);
    for (const party of [parties.otherWallet, parties.store]) {
      const response = await world.send(party, "GET", `/accounts/${account}/statement`);
      expect([403, 404]).toContain(response.status);
      expect(await response.text()).not.toContain("pay_");
    }
    expect((await world.send(parties.wallet, "GET", "/accounts/payable_EUR_store/statement")).status).toBe(404);
  });

  test("an account keeps the user it was opened for", async () => {
    const put = (subject?: string): Promise<Response> =>
      world.send(parties.wallet, "PUT", "/accounts/acc_whose", {
        body: { currency: "EUR", holder: "Ada", ...(subject === undefined ? {} : { subject }) },
      });
    expect((await put()).status).toBe(200);
    expect((await put("usr_ada")).status).toBe(200);
    expect((await put()).status).toBe(200);
    const other = await put("usr_eve");
    expect(other.status).toBe(409);
    expect(await other.json()).toMatchObject({ code: "exists_with_different_fields" });
    expect((await put("x".repeat(201))).status).toBe(400);
  });
});
