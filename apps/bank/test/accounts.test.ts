import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { World } from "./world.ts";

describe("accounts", () => {
  let world: World;
  beforeAll(async () => {
    world = await World.open({ openingBalance: 10_000 });
  });
  afterAll(() => world.bank.close());

  const put = (id: string, body: unknown, wallet = world.parties.wallet): Promise<Response> => world.send(wallet, "PUT", `/accounts/${id}`, { body });
  const good = { currency: "EUR", holder: "usr_1" };

  test("a wallet opens an account for its user, with the opening balance", async () => {
    const response = await put("acc_alice1234", good);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ id: "acc_alice1234", currency: "EUR", available: 10_000, description: "Bank account ••••1234" });
    expect(await (await world.send(world.parties.wallet, "GET", "/accounts/acc_alice1234")).json()).toMatchObject({ available: 10_000 });
  });

  test("opening it again changes nothing", async () => {
    await put("acc_twice", good);
    const again = await put("acc_twice", good);
    expect(again.status).toBe(200);
    expect(await again.json()).toMatchObject({ available: 10_000 });
  });

  test("20 parallel openings are one account with one opening balance", async () => {
    const responses = await Promise.all(Array.from({ length: 20 }, () => put("acc_many", good)));
    expect(new Set(responses.map((response) => response.status))).toEqual(new Set([200]));
    expect(await world.available("acc_many")).toBe(10_000);
  });

  test("the same id for something else is refused", async () => {
    await put("acc_taken", good);
    const response = await put("acc_taken", { ...good, currency: "USD" });
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ code: "exists_with_different_fields" });
    expect((await put("acc_taken", good, world.parties.otherWallet)).status).toBe(409);
  });

  test("a holder may change their name", async () => {
    await put("acc_renamed", good);
    const response = await put("acc_renamed", { ...good, holder: "Alice" });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ available: 10_000 });
  });

  test("a wallet does not see the accounts of another", async () => {
    await put("acc_private", good);
    expect((await world.send(world.parties.otherWallet, "GET", "/accounts/acc_private")).status).toBe(404);
  });

  test("the bank's own accounts are out of reach", async () => {
    await put("acc_funded", good);
    expect((await world.send(world.parties.wallet, "GET", "/accounts/opening_EUR")).status).toBe(404);
    expect((await put("opening_EUR", good)).status).toBe(400);
  });

  test.each([
    ["an unknown currency", "acc_b", { ...good, currency: "ZZZ" }, "invalid_amount"],
    ["a currency in lower case", "acc_b", { ...good, currency: "eur" }, "invalid_amount"],
    ["no currency", "acc_b", { holder: "usr_1" }, "invalid_amount"],
    ["no holder", "acc_b", { currency: "EUR" }, "invalid_request"],
    ["a holder with a control character", "acc_b", { ...good, holder: "a\nb" }, "invalid_request"],
    ["an unknown member", "acc_b", { ...good, balance: 1 }, "invalid_request"],
    ["an id of another kind", "usr_b", good, "invalid_request"],
    ["an id too long", `acc_${"b".repeat(97)}`, good, "invalid_request"],
    ["a list", "acc_b", [good], "invalid_request"],
  ])("a request with %s is refused", async (_, id, body, code) => {
    const response = await put(id, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code });
    expect((await world.send(world.parties.wallet, "GET", `/accounts/${id}`)).status).toBe(404);
  });

  test("an opening balance of zero opens an empty account", async () => {
    const poor = await World.open({ parties: world.parties, openingBalance: 0 });
    expect(await poor.available(await poor.openAccount())).toBe(0);
    await poor.bank.close();
  });

  test("an unknown address is refused", async () => {
    expect((await world.send(world.parties.wallet, "GET", "/nothing")).status).toBe(404);
    expect((await world.send(world.parties.wallet, "DELETE", "/accounts/acc_private")).status).toBe(404);
  });
});
