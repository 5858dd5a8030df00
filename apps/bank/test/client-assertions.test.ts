import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bankUrl, makeParty, type Party, World } from "./world.ts";

describe("client assertions", () => {
  let world: World;
  let store: Party;
  let account: string;

  beforeAll(async () => {
    world = await World.open();
    store = world.parties.store;
    account = await world.openAccount();
  });
  afterAll(() => world.bank.close());

  const read = async (assertion: string): Promise<number> => (await world.send(store, "GET", "/payments/pay_none", { assertion })).status;
  const seconds = (): number => Math.floor(world.time.now / 1000);

  test("a good assertion lets its client in", async () => {
    expect(await read(await world.assertion(store))).toBe(404);
    expect(await read(await world.assertion(store, { claims: { aud: [bankUrl] } }))).toBe(404);
    expect(await read(await world.assertion(store, { header: { typ: "client-authentication+jwt" } }))).toBe(404);
  });

  const bad: Readonly<Record<string, (world: World) => Promise<string>>> = {
    "of an unknown client": async (w) => w.assertion(await makeParty("stranger")),
    "signed by a key the client does not publish": async (w) => w.assertion(store, { key: (await makeParty("thief")).key }),
    "signed by another client": async (w) => w.assertion(store, { key: w.parties.rival.key }),
    "with iss and sub of two clients": async (w) => w.assertion(store, { claims: { sub: "rival" } }),
    "without sub": async (w) => w.assertion(store, { claims: { sub: undefined } }),
    "for another audience": async (w) => w.assertion(store, { claims: { aud: "http://wallet.test" } }),
    "for two audiences": async (w) => w.assertion(store, { claims: { aud: [bankUrl, "http://wallet.test"] } }),
    "for this origin with a slash": async (w) => w.assertion(store, { claims: { aud: `${bankUrl}/` } }),
    "without audience": async (w) => w.assertion(store, { claims: { aud: undefined } }),
    "that has expired": async (w) => w.assertion(store, { claims: { exp: seconds() - 31 } }),
    "without exp": async (w) => w.assertion(store, { claims: { exp: undefined } }),
    "that lives too long": async (w) => w.assertion(store, { claims: { exp: seconds() + 92 } }),
    "from the future": async (w) => w.assertion(store, { claims: { iat: seconds() + 60 } }),
    "not valid yet": async (w) => w.assertion(store, { claims: { nbf: seconds() + 60 } }),
    "without jti": async (w) => w.assertion(store, { claims: { jti: undefined } }),
    "with a jti too long to keep": async (w) => w.assertion(store, { claims: { jti: "j".repeat(201) } }),
    "of another type": async (w) => w.assertion(store, { header: { typ: "checkout+jwt" } }),
    "without signature (alg none)": async (w) => {
      const [, claims] = (await w.assertion(store)).split(".");
      return `${Buffer.from('{"alg":"none"}').toString("base64url")}.${claims}.`;
    },
    "that is no JWT": async () => "abc",
    "that is empty": async () => "",
    "that is huge": async () => `a.${"b".repeat(5_000)}.c`,
  };

  for (const [which, make] of Object.entries(bad)) {
    test(`an assertion ${which} is refused with one event and without effect`, async () => {
      const before = await world.available(account);
      const assertion = await make(world);
      const events = world.events.length;
      const response = await world.send(store, "POST", "/payments", {
        body: await world.order(account),
        assertion,
        headers: { "idempotency-key": "k" },
      });
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toBe('Bearer realm="bank"');
      expect(await response.json()).toMatchObject({ error: "invalid_client", retryable: false });
      expect(world.events.slice(events).map((event) => event.event)).toEqual(["client_refused"]);
      expect(await world.available(account)).toBe(before);
    });
  }

  test("an assertion works once", async () => {
    const assertion = await world.assertion(store);
    expect(await read(assertion)).toBe(404);
    expect(await read(assertion)).toBe(401);
  });

  test("50 parallel uses of one assertion let one in", async () => {
    const assertion = await world.assertion(store);
    const statuses = await Promise.all(Array.from({ length: 50 }, () => read(assertion)));
    expect(statuses.filter((status) => status === 404)).toHaveLength(1);
    expect(statuses.filter((status) => status === 401)).toHaveLength(49);
  });

  test("the same jti of two clients is two assertions", async () => {
    const claims = { jti: "shared" };
    expect(await read(await world.assertion(store, { claims }))).toBe(404);
    const rival = await world.assertion(world.parties.rival, { claims });
    expect((await world.send(world.parties.rival, "GET", "/payments/pay_none", { assertion: rival })).status).toBe(404);
  });

  test("a role reaches its own operations only", async () => {
    expect((await world.send(store, "PUT", "/accounts/acc_x", { body: { currency: "EUR", holder: "usr_1" } })).status).toBe(403);
    expect((await world.send(store, "GET", `/accounts/${account}`)).status).toBe(403);
    expect((await world.pay(await world.order(account), "k1", world.parties.wallet)).status).toBe(403);
    expect((await world.send(world.parties.wallet, "GET", "/payments/pay_none")).status).toBe(403);
  });

  test("keys that cannot be read are a reason to come back, not a wrong signature", async () => {
    const fresh = await World.open({ parties: world.parties });
    fresh.keysDown = true;
    const away = await fresh.send(store, "GET", "/payments/pay_none");
    expect(away.status).toBe(503);
    expect(away.headers.get("retry-after")).toBe("1");
    expect(await away.json()).toMatchObject({ code: "unavailable", retryable: true });
    fresh.keysDown = false;
    expect((await fresh.send(store, "GET", "/payments/pay_none")).status).toBe(404);
    await fresh.bank.close();
  });

  test("what has expired is swept, what has not still counts", async () => {
    const fresh = await World.open({ parties: world.parties });
    const assertion = await fresh.assertion(store);
    await fresh.send(store, "GET", "/payments/pay_none", { assertion });
    expect(await fresh.bank.sweep()).toBe(0);
    fresh.time.now += 59_000;
    expect((await fresh.send(store, "GET", "/payments/pay_none", { assertion })).status).toBe(401);
    fresh.time.now += 60_000;
    expect(await fresh.bank.sweep()).toBe(1);
    expect((await fresh.send(store, "GET", "/payments/pay_none", { assertion })).status).toBe(401);
    await fresh.bank.close();
  });
});
