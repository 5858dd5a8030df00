import { createServer, type Server } from "node:http";
import { judgePaymentEvent, type PaymentEvent } from "@countersign/protocol/payment-event";
import { createLogger } from "@countersign/service/log";
import { deliveryTtlMs } from "@countersign/service/outbox/outbox";
import { createLocalJWKSet, jwtVerify } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createBank } from "../../src/bank.ts";
import { holdTtlMs } from "../../src/payment.ts";
import { type Engine, engines } from "../engines.ts";
import { bankUrl, jwksUriOf, makeParties, type Parties, sealingKey, World } from "../world.ts";

/** A payee's endpoint: the tokens it got, and what it answers to the next ones. */
class Receiver {
  readonly tokens: string[] = [];
  readonly answers: number[] = [];
  readonly #server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const status = request.headers["content-type"] === "application/secevent+jwt" ? (this.answers.shift() ?? 202) : 415;
      if (status === 202) this.tokens.push(Buffer.concat(chunks).toString("utf8"));
      response.writeHead(status).end();
    });
  });

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return `http://127.0.0.1:${address.port}/webhooks/bank`;
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe.each(engines)("telling payees on %s", (_, start) => {
  let engine: Engine;
  let parties: Parties;
  let receiver: Receiver;
  let world: World;
  let databaseUrl: string;
  let webhookUri: string;
  beforeAll(async () => {
    engine = await start();
    parties = await makeParties();
  });
  afterAll(() => engine.close());
  beforeEach(async () => {
    receiver = new Receiver();
    webhookUri = await receiver.open();
    databaseUrl = await engine.newDatabase();
    world = await open();
  });
  afterEach(async () => {
    await world.bank.close();
    await receiver.close();
  });

  const logger = createLogger("bank", { destination: { write: () => undefined } });

  function open(): Promise<World> {
    return World.open({ databaseUrl, parties, webhookUri, logger });
  }

  /** What the payee verified, in the order in which it came. */
  async function heard(): Promise<readonly PaymentEvent[]> {
    const keys = createLocalJWKSet(JSON.parse(await (await world.bank.fetch(new Request(`${bankUrl}/.well-known/jwks.json`))).text()));
    const events: PaymentEvent[] = [];
    for (const token of receiver.tokens) {
      const { payload } = await jwtVerify(token, keys, { algorithms: ["ES256"], typ: "secevent+jwt", currentDate: new Date(world.time.now) });
      const judged = judgePaymentEvent(payload, { issuer: bankUrl, audience: "store" }, world.time.now);
      if (judged.ok) events.push(judged.value);
    }
    return events;
  }

  const eur = { amount: 10, currency: "EUR" };

  test("P18: each change of a payment is told to its payee, signed, in order, and once it was taken never again", async () => {
    const account = await world.openAccount();
    const { id } = await world.authorize(account, { amount: 100 });
    await world.move(id, "captures", { ...eur, final: false });
    await world.move(id, "void", {});
    await world.move(id, "refunds", eur);
    await world.pay(await world.order(account, { payee: parties.rival }), "k", parties.rival);
    expect(await world.bank.tellPayees()).toBe(4);
    const events = await heard();
    expect(events.map(({ paymentId, sequence, status }) => [paymentId, sequence, status])).toEqual([
      [id, 0, "authorized"],
      [id, 1, "captured"],
      [id, 2, "captured"],
      [id, 3, "refunded"],
    ]);
    expect(new Set(events.map((event) => event.id)).size).toBe(4);
    expect(await world.bank.tellPayees()).toBe(0);
    for (const token of receiver.tokens) expect(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).not.toMatch(/acc_|amount|mandate/);
  });

  test("what a payee does not take waits, and what follows waits behind it, also over a restart", async () => {
    const { id } = await world.authorize(await world.openAccount(), { amount: 100 });
    await world.move(id, "captures", { ...eur, final: true });
    receiver.answers.push(503);
    expect(await world.bank.tellPayees()).toBe(0);
    expect(receiver.tokens).toEqual([]);
    const now = world.time.now + 1_000;
    await world.bank.close();
    world = await open();
    world.time.now = now;
    expect(await world.bank.tellPayees()).toBe(2);
    expect((await heard()).map((event) => event.sequence)).toEqual([0, 1]);
  });

  test("P10: a move that did not happen is not told", async () => {
    const { id } = await world.authorize(await world.openAccount(), { amount: 100 });
    expect((await world.move(id, "captures", { amount: 101, currency: "EUR", final: false })).status).toBe(409);
    expect((await world.move(id, "captures", { ...eur, final: false }, "key")).status).toBe(200);
    expect((await world.move(id, "captures", { ...eur, final: false }, "key")).status).toBe(200);
    await world.bank.tellPayees();
    expect((await heard()).map((event) => event.sequence)).toEqual([0, 1]);
  });

  test("an expiry is told, and events are offered for 72 hours", async () => {
    const { id } = await world.authorize(await world.openAccount(), { amount: 100 });
    await world.bank.tellPayees();
    world.time.now += holdTtlMs;
    await world.bank.expireHolds();
    receiver.answers.push(500);
    await world.bank.tellPayees();
    world.time.now += 60_000;
    expect(await world.bank.tellPayees()).toBe(1);
    expect((await heard()).at(-1)).toMatchObject({ paymentId: id, sequence: 1, status: "expired" });
    await world.authorize(await world.openAccount());
    world.time.now += deliveryTtlMs;
    expect(await world.bank.tellPayees()).toBe(0);
    world.time.now -= deliveryTtlMs;
    expect(await world.bank.tellPayees()).toBe(0);
  });

  test("P18: several instances tell each event once", async () => {
    const other = await open();
    other.time.now = world.time.now;
    const account = await world.openAccount();
    for (let n = 0; n < 10; n += 1) await world.pay(await world.order(account, { amount: 1 }));
    const counts = await Promise.all([world, other, world, other].map((each) => each.bank.tellPayees()));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(10);
    expect(new Set((await heard()).map((event) => event.paymentId)).size).toBe(10);
    expect(receiver.tokens).toHaveLength(10);
    await other.bank.close();
  });
});

test.each(["http://10.0.0.1/hook", "http://shop.example/hook", "https://user@shop.example/hook", "ftp://127.0.0.1/"])(
  "a bank does not start with %s as an address to tell a payee",
  async (webhookUri) => {
    const parties = await makeParties();
    const clients = [{ clientId: "store", jwksUri: jwksUriOf(parties.store), role: "payee", webhookUri } as const];
    const options = { url: bankUrl, databaseUrl: "memory:", clients, openingBalance: 0, sealingKey };
    await expect(createBank(options)).rejects.toMatchObject({ name: "StartupProblem" });
  },
);
