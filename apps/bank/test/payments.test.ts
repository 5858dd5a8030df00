import { createHmac, generateKeyPairSync } from "node:crypto";
import { CompactSign } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { makeParty, type OrderOptions, type Party, type PaymentBody, secretsOf, World } from "./world.ts";

const ecJwk = z.object({ kty: z.literal("EC"), crv: z.string(), x: z.string(), y: z.string(), d: z.string() });

/** What must be as it was after a refusal. */
async function stateOf(world: World, account: string, id: string): Promise<string> {
  const payment = await world.send(world.parties.store, "GET", `/payments/${id}`);
  return `${await world.available(account)} ${payment.status}`;
}

describe("payments", () => {
  let world: World;
  let account: string;
  beforeAll(async () => {
    world = await World.open({ openingBalance: 1_000_000 });
    account = await world.openAccount("acc_buyer5678");
  });
  afterAll(() => world.bank.close());

  test("a mandate is captured once, for what was approved", async () => {
    const before = await world.available(account);
    const order = await world.order(account, { amount: 1250, jti: "jti-first" });
    const response = await world.pay(order);
    expect(response.status).toBe(201);
    expect(response.headers.get("idempotent-replayed")).toBeNull();
    const payment: unknown = await response.json();
    expect(payment).toEqual({
      id: "pay_jti-first",
      status: "captured",
      amount: 1250,
      currency: "EUR",
      captured: 1250,
      held: 0,
      voided: 0,
      refunded: 0,
      payer_account: "••••5678",
      payee: "store",
      mandate_jti: "jti-first",
      created_at: new Date(world.time.now).toISOString(),
      moves: [{ kind: "capture", amount: 1250, at: new Date(world.time.now).toISOString() }],
    });
    expect(await world.available(account)).toBe(before - 1250);
    const read = await world.send(world.parties.store, "GET", "/payments/pay_jti-first");
    expect(read.status).toBe(200);
    expect(await read.json()).toEqual(payment);
    expect(world.events.at(-1)).toEqual({
      event: "payment_captured",
      clientId: "store",
      paymentId: "pay_jti-first",
      amount: 1250,
      currency: "EUR",
      approvedBy: "owner",
    });
  });

  test("a payment is seen by its payee only", async () => {
    const order = await world.order(account);
    await world.pay(order);
    expect((await world.send(world.parties.rival, "GET", `/payments/${order.id}`)).status).toBe(404);
    expect(await (await world.send(world.parties.store, "GET", "/payments/pay_unknown")).json()).toMatchObject({ code: "unknown_payment" });
  });

  describe("idempotency", () => {
    test("the same key and request give the same answer, byte for byte, marked as a replay", async () => {
      const order = await world.order(account);
      const first = await world.pay(order, "key-1");
      const before = await stateOf(world, account, order.id);
      const again = await world.pay(order, "key-1");
      expect(again.status).toBe(201);
      expect(again.headers.get("idempotent-replayed")).toBe("true");
      expect(await again.text()).toBe(await first.text());
      expect(await stateOf(world, account, order.id)).toBe(before);
    });

    test("member order and white space do not make another request", async () => {
      const order = await world.order(account);
      const first = await world.pay(order, "key-2");
      const shuffled = JSON.stringify(Object.fromEntries(Object.entries(order).reverse()), undefined, 2);
      const again = await world.pay(shuffled, "key-2");
      expect(await again.text()).toBe(await first.text());
    });

    test("L14 P08: the same key with another body is refused, the first result is untouched", async () => {
      const order = await world.order(account);
      const first = await world.pay(order, "key-3");
      const before = await stateOf(world, account, order.id);
      const response = await world.pay({ ...order, amount: 1 }, "key-3");
      expect(response.status).toBe(422);
      expect(await response.json()).toMatchObject({ code: "idempotency_conflict" });
      expect(await stateOf(world, account, order.id)).toBe(before);
      expect(await (await world.pay(order, "key-3")).text()).toBe(await first.text());
    });

    test("P09: the same key of another client is another key", async () => {
      const mine = await world.order(account);
      expect((await world.pay(mine, "key-4")).status).toBe(201);
      const theirs = await world.order(account, { payee: world.parties.rival });
      const response = await world.pay(theirs, "key-4", world.parties.rival);
      expect(response.status).toBe(201);
      expect(response.headers.get("idempotent-replayed")).toBeNull();
      expect(await response.json()).toMatchObject({ id: theirs.id, payee: "rival" });
    });

    test.each([
      ["missing", undefined],
      ["empty", ""],
      ["too long", "k".repeat(256)],
      ["with a blank", "a b"],
    ])("L14 a key that is %s is refused", async (_, key) => {
      const order = await world.order(account);
      const before = await stateOf(world, account, order.id);
      const headers: Record<string, string> = key === undefined ? {} : { "idempotency-key": key };
      const response = await world.send(world.parties.store, "POST", "/payments", { body: order, headers });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "idempotency_key_required" });
      expect(await stateOf(world, account, order.id)).toBe(before);
    });

    test("a refusal by the books is an answer and is repeated; a request that was never judged is not kept", async () => {
      const poor = await World.open({ parties: world.parties, openingBalance: 100 });
      const purse = await poor.openAccount();
      const order = await poor.order(purse, { amount: 101 });
      const malformed = await poor.pay({ ...order, extra: 1 }, "key-5");
      expect(malformed.status).toBe(400);
      const declined = await poor.pay(order, "key-5");
      expect(declined.status).toBe(402);
      const again = await poor.pay(order, "key-5");
      expect(again.status).toBe(402);
      expect(again.headers.get("idempotent-replayed")).toBe("true");
      expect(await again.text()).toBe(await declined.text());
      expect(await poor.available(purse)).toBe(100);
      await poor.bank.close();
    });

    test("keys are kept for 72 hours", async () => {
      const own = await World.open({ parties: world.parties });
      const order = await own.order(await own.openAccount());
      await own.pay(order, "key-6");
      own.time.now += 72 * 3_600_000 - 1;
      await own.bank.sweep();
      expect((await own.pay(order, "key-6")).headers.get("idempotent-replayed")).toBe("true");
      own.time.now += 1;
      expect(await own.bank.sweep()).toBeGreaterThan(0);
      expect((await own.pay({ ...order, amount: 7 }, "key-6")).status).toBe(409);
      await own.bank.close();
    });
  });

  describe("one approval, at most one effect", () => {
    test("P04: the same mandate under another key gives the first result", async () => {
      const order = await world.order(account);
      const first = await world.pay(order, "key-a");
      const before = await stateOf(world, account, order.id);
      const again = await world.pay(order, "key-b");
      expect(again.status).toBe(201);
      expect(again.headers.get("idempotent-replayed")).toBe("true");
      expect(await again.text()).toBe(await first.text());
      expect(await stateOf(world, account, order.id)).toBe(before);
    });

    test("P04: the same mandate for anything else is refused", async () => {
      const order = await world.order(account);
      await world.pay(order);
      const before = await stateOf(world, account, order.id);
      const other = await world.order(account, { jti: order.id.slice(4), amount: 99 });
      for (const body of [{ ...order, amount: 1 }, { ...order, checkout_hash: "x".repeat(43) }, other]) {
        const response = await world.pay(body);
        expect(response.status).toBe(409);
        expect(await response.json()).toMatchObject({ code: "mandate_spent" });
        expect(await stateOf(world, account, order.id)).toBe(before);
      }
    });

    test("P04: two payees with mandates of one jti are one payment", async () => {
      const order = await world.order(account);
      await world.pay(order);
      const before = await world.available(account);
      const theirs = await world.order(account, { jti: order.id.slice(4), payee: world.parties.rival });
      const response = await world.pay(theirs, "key-r", world.parties.rival);
      expect(response.status).toBe(409);
      expect(await response.json()).toMatchObject({ code: "mandate_spent" });
      expect(await world.available(account)).toBe(before);
      expect((await world.send(world.parties.rival, "GET", `/payments/${order.id}`)).status).toBe(404);
    });

    test("a payment that was made is answered after its mandate has expired", async () => {
      const own = await World.open({ parties: world.parties });
      const order = await own.order(await own.openAccount());
      await own.pay(order, "k1");
      own.time.now += 3_600_000;
      expect((await own.pay(order, "k1")).status).toBe(201);
      expect((await own.pay(order, "k2")).status).toBe(201);
      await own.bank.close();
    });

    test("an account pays to its last unit and no further", async () => {
      const own = await World.open({ parties: world.parties, openingBalance: 1_000 });
      const purse = await own.openAccount();
      expect((await own.pay(await own.order(purse, { amount: 999 }))).status).toBe(201);
      const over = await own.pay(await own.order(purse, { amount: 2 }));
      expect(over.status).toBe(402);
      expect(await over.json()).toMatchObject({ code: "insufficient_funds" });
      expect((await own.pay(await own.order(purse, { amount: 1 }))).status).toBe(201);
      expect(await own.available(purse)).toBe(0);
      await own.bank.close();
    });
  });

  describe("mandates", () => {
    const refusals: Readonly<
      Record<string, { options: (w: World) => Promise<OrderOptions>; change?: Partial<PaymentBody>; status: number; code: string }>
    > = {
      "P01: of another amount": { options: async () => ({}), change: { amount: 1251 }, status: 409, code: "consent_mismatch" },
      "P01: of another currency": { options: async () => ({}), change: { currency: "USD" }, status: 409, code: "consent_mismatch" },
      "P12: of another checkout": { options: async () => ({}), change: { checkout_hash: "h".repeat(43) }, status: 409, code: "consent_mismatch" },
      "P12: of another payee": { options: async (w) => ({ payee: w.parties.rival }), status: 403, code: "mandate_invalid" },
      "L13 P12: bound to another payee's key": {
        options: async () => ({ claims: { cnf: { jkt: "k".repeat(43) } } }),
        status: 403,
        code: "mandate_invalid",
      },
      "L01 L20 P12: for another bank": {
        options: async () => ({ claims: { aud: ["store", "http://other-bank.test"] } }),
        status: 403,
        code: "mandate_invalid",
      },
      "P16: that has expired": {
        options: async (w) => ({ claims: { iat: Math.floor(w.time.now / 1000) - 961, exp: Math.floor(w.time.now / 1000) - 61 } }),
        status: 403,
        code: "mandate_invalid",
      },
      "P16: from the future": {
        options: async (w) => ({ claims: { iat: Math.floor(w.time.now / 1000) + 120, exp: Math.floor(w.time.now / 1000) + 180 } }),
        status: 403,
        code: "mandate_invalid",
      },
      "that lives too long": {
        options: async (w) => ({ claims: { exp: Math.floor(w.time.now / 1000) + 86_400 } }),
        status: 403,
        code: "mandate_invalid",
      },
      "signed by nobody known": {
        options: async (w) => ({ signer: { id: w.parties.wallet.id, key: (await makeParty("thief")).key } }),
        status: 403,
        code: "mandate_invalid",
      },
      "signed by another wallet": { options: async (w) => ({ signer: w.parties.otherWallet }), status: 403, code: "mandate_invalid" },
      "signed by the payee itself": { options: async (w) => ({ wallet: w.parties.store }), status: 403, code: "mandate_invalid" },
      "of an unknown wallet": { options: async () => ({ claims: { iss: "http://stranger.test" } }), status: 403, code: "mandate_invalid" },
      "of a wallet that does not hold the account": {
        options: async (w) => ({ wallet: w.parties.otherWallet }),
        status: 404,
        code: "unknown_account",
      },
      "of another type": { options: async () => ({ header: { typ: "JWT" } }), status: 403, code: "mandate_invalid" },
      "of another vct": { options: async () => ({ claims: { vct: "mandate.checkout.1" } }), status: 403, code: "mandate_invalid" },
      "with an unknown claim": { options: async () => ({ claims: { discount: 1 } }), status: 403, code: "mandate_invalid" },
      "under another jti than the payment's id": { options: async () => ({}), change: { id: "pay_other" }, status: 400, code: "invalid_request" },
    };

    for (const [which, { options, change, status, code }] of Object.entries(refusals)) {
      test(`${which}: a mandate is refused with one event, without effect, without secrets`, async () => {
        expect((await world.pay(await world.order(account))).status).toBe(201);
        const order = { ...(await world.order(account, await options(world))), ...change };
        const before = await stateOf(world, account, order.id);
        const events = world.events.length;
        const response = await world.pay(order);
        expect(response.status).toBe(status);
        const text = await response.text();
        expect(JSON.parse(text)).toMatchObject({ code });
        expect(world.events.slice(events).map((event) => event.event)).toEqual(["request_refused"]);
        expect(await stateOf(world, account, order.id)).toBe(before);
        for (const secret of [order.mandate, ...secretsOf(world).map((each) => each.reveal())]) {
          expect(text).not.toContain(secret);
          expect(JSON.stringify(world.events)).not.toContain(secret);
        }
      });
    }

    test.each([
      ["none as its algorithm", (m: string) => `${Buffer.from('{"alg":"none","typ":"dc+sd-jwt"}').toString("base64url")}.${m.split(".")[1]}.~`],
      ["L01 the wallet's public key as a shared secret", (m: string) => signedWithSecret(m, publishedKeyOf(world.parties.wallet))],
      ["a changed amount and the old signature", (m: string) => changeClaims(m, (claims) => claims.replaceAll("1250", "9250"))],
      ["no tilde", (m: string) => m.slice(0, -1)],
      ["a disclosure", (m: string) => `${m}WyJhIiwiYiJd~`],
      ["a cut signature", (m: string) => `${m.slice(0, -5)}~`],
      ["no dots", () => "mandate"],
    ])("a mandate with %s is refused", async (_, spoil) => {
      const order = await world.order(account);
      const before = await stateOf(world, account, order.id);
      const response = await world.pay({ ...order, mandate: spoil(order.mandate) });
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ code: "mandate_invalid" });
      expect(await stateOf(world, account, order.id)).toBe(before);
    });

    test("L01: a mandate is signed by ES256, whatever else its wallet publishes keys for", async () => {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
      const otherWallet = { ...world.parties.otherWallet, key: { kid: "p384", ...ecJwk.parse(privateKey.export({ format: "jwk" })) } };
      const own = await World.open({ parties: { ...world.parties, otherWallet } });
      const purse = await own.openAccount();
      const order = await own.order(purse, { claims: { iss: otherWallet.id } });
      const claims = Buffer.from(order.mandate.split(".")[1] ?? "", "base64url");
      const jws = await new CompactSign(claims).setProtectedHeader({ alg: "ES384", typ: "dc+sd-jwt", kid: "p384" }).sign(privateKey);
      const response = await own.pay({ ...order, mandate: `${jws}~` });
      expect([response.status, await response.json()]).toMatchObject([403, { code: "mandate_invalid" }]);
      expect((await own.pay(await own.order(purse))).status).toBe(201);
      await own.bank.close();
    });

    test("an account that does not exist, or holds another currency, pays nothing", async () => {
      const missing = await world.pay(await world.order("acc_missing"));
      expect(missing.status).toBe(404);
      const dollars = await world.order(account, { currency: "USD" });
      const response = await world.pay(dollars);
      expect(response.status).toBe(402);
      expect(await response.json()).toMatchObject({ code: "payment_declined" });
      const system = await world.pay(await world.order("opening_EUR"));
      expect(system.status).toBe(404);
      const payable = await world.pay(await world.order("payable_EUR_store"));
      expect(payable.status).toBe(404);
    });
  });

  describe("L16 P03: amounts", () => {
    const wrong = ["1250", " 10", "1e3", "0x10", "1,000", 1.005, 0.5, 0, -0, -1, 1e21, 9_007_199_254_740_992, null, true, [1250], { amount: 1250 }];
    test.each(wrong.map((amount) => [amount]))("%j is not an amount", async (amount) => {
      const order = await world.order(account);
      const before = await stateOf(world, account, order.id);
      const body = JSON.stringify({ ...order, amount }).replace('"amount":0,', Object.is(amount, -0) ? '"amount":-0,' : '"amount":0,');
      const response = await world.pay(body);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "invalid_amount" });
      expect(await stateOf(world, account, order.id)).toBe(before);
    });

    test.each(["NaN", "Infinity", "0x10", "01250", "+1250", "1_250"])("%s is not JSON", async (amount) => {
      const order = await world.order(account);
      const response = await world.pay(JSON.stringify(order).replace('"amount":1250', `"amount":${amount}`));
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "invalid_request" });
    });

    test.each(["JPY", "KWD", "EUR"])("minor units are whole in %s", async (currency) => {
      const purse = await world.openAccount(undefined, world.parties.wallet, currency);
      expect((await world.pay(await world.order(purse, { currency, amount: 1005 }))).status).toBe(201);
      const order = await world.order(purse, { currency, amount: 1005 });
      expect((await world.pay({ ...order, amount: 1.5 })).status).toBe(400);
    });
  });

  describe("X06: bodies", () => {
    test.each([
      ["too many bytes", () => `{"id":"${"x".repeat(300_000)}"}`, 413],
      ["too many values", () => `{"id":[${"1,".repeat(3_000)}1]}`, 413],
      ["too deep", () => `${"[".repeat(40)}${"]".repeat(40)}`, 400],
      ["a name twice", (order: PaymentBody) => JSON.stringify(order).replace("{", '{"amount":1,'), 400],
      ["a prototype", (order: PaymentBody) => JSON.stringify(order).replace("{", '{"__proto__":{},'), 400],
      ["an unknown member", (order: PaymentBody) => JSON.stringify({ ...order, tip: 5 }), 400],
      ["a missing member", (order: PaymentBody) => JSON.stringify({ ...order, checkout_hash: undefined }), 400],
      ["capture unsaid", (order: PaymentBody) => JSON.stringify({ ...order, capture: "later" }), 400],
      ["no JSON", () => "{", 400],
      ["a list", () => "[]", 400],
    ])("with %s are refused without effect", async (_, spoil, status) => {
      const order = await world.order(account);
      const before = await stateOf(world, account, order.id);
      const response = await world.pay(spoil(order));
      expect(response.status).toBe(status);
      expect(await stateOf(world, account, order.id)).toBe(before);
    });

    test("another content type is refused", async () => {
      const headers = { "content-type": "text/plain", "idempotency-key": "k" };
      expect((await world.send(world.parties.store, "POST", "/payments", { body: await world.order(account), headers })).status).toBe(415);
    });
  });
});

/** A party's public key, as it is published. */
function publishedKeyOf({ key: { kty, crv, x, y } }: Party): string {
  return JSON.stringify({ kty, crv, x, y });
}

/** The same claims by HS256, which every holder of the secret could have made. */
function signedWithSecret(mandate: string, secret: string): string {
  const header = Buffer.from(JSON.stringify({ alg: "HS256", typ: "dc+sd-jwt" })).toString("base64url");
  const signed = `${header}.${mandate.split(".")[1]}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}~`;
}

/** Changes the claims and keeps header and signature. */
function changeClaims(mandate: string, change: (claims: string) => string): string {
  const [header, claims = "", signature] = mandate.split(".");
  return `${header}.${Buffer.from(change(Buffer.from(claims, "base64url").toString())).toString("base64url")}.${signature}`;
}
