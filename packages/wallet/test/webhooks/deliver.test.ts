import type { IncomingMessage } from "node:http";
import { randomBytes } from "node:crypto";
import { judgeWalletEvent, type WalletEvent } from "@countersign/protocol/wallet-event";
import { Secret } from "@countersign/protocol/secret";
import { createLogger } from "@countersign/service/log";
import { deliverDue, deliveryTtlMs, nextAttemptAt } from "@countersign/service/outbox/outbox";
import { StartupProblem } from "@countersign/service/startup-problem";
import type { Database } from "@countersign/storage/database";
import { addDelivery, deliveriesOf } from "@countersign/storage/deliveries";
import { createSealer } from "@countersign/storage/sealed";
import { compactVerify, decodeProtectedHeader, importJWK } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { loadKeys, type WalletKeys } from "../../src/keys.ts";
import { outboxOf, startWebhooks, type WebhookParts } from "../../src/webhooks/deliver.ts";
import { type Listening, listen } from "../peers/listen.ts";
import { storages } from "../peers/storages.ts";

const issuer = "http://localhost:4200";
const start = 1_795_000_000_000;

/** A payee's endpoint: what it got, and what it answers. */
class Receiver {
  readonly got: { readonly request: IncomingMessage; readonly token: string }[] = [];
  readonly answers: number[] = [];
  #listening: Listening | undefined;

  async open(): Promise<string> {
    this.#listening = await listen((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        this.got.push({ request, token: Buffer.concat(chunks).toString("utf8") });
        const status = this.answers.shift() ?? 202;
        response.writeHead(status, status === 307 ? { location: "http://127.0.0.1:9/" } : {}).end();
      });
    });
    return `http://127.0.0.1:${this.#listening.port}/webhooks/wallet`;
  }

  async close(): Promise<void> {
    await this.#listening?.close();
  }
}

describe.each(storages)("telling a payee on $name", (kind) => {
  let storage: Awaited<ReturnType<typeof kind.open>>;
  let database: Database<unknown>;
  let keys: WalletKeys;
  let receiver: Receiver;
  let parts: WebhookParts;
  let time = start;

  beforeAll(async () => {
    storage = await kind.open();
    database = storage.database;
    const sealer = createSealer({ current: "k1", keys: { k1: new Secret(randomBytes(32).toString("base64url")) } });
    keys = await loadKeys(database, sealer, () => time);
  });
  afterAll(() => storage.close());
  beforeEach(async () => {
    time = start;
    receiver = new Receiver();
    const client = { client_id: "store", client_name: "Store", token_endpoint_auth_method: "private_key_jwt", grant_types: [] } as const;
    const logger = createLogger("wallet", { level: "silent" });
    parts = { database, issuer, keys, logger, now: () => time, clients: [{ ...client, webhook_uri: await receiver.open() }] };
  });
  afterEach(async () => {
    time += 2 * deliveryTtlMs;
    await deliverDue(outboxOf({ ...parts, clients: [] }));
    await receiver.close();
  });

  const add = (requestId: string, sequence: number, status: "approved" | "redeemed" | "voided" = "approved", payeeId = "store") =>
    addDelivery(database, { event_id: `evt_${requestId}_${sequence}`, target_id: payeeId, subject_id: requestId, sequence, status, event_at: time });

  async function read(token: string): Promise<WalletEvent> {
    const { kid } = decodeProtectedHeader(token);
    const key = keys.published.find((each) => each.kid === kid);
    const { payload, protectedHeader } = await compactVerify(token, await importJWK({ ...key }, "ES256"), { algorithms: ["ES256"] });
    expect(protectedHeader.typ).toBe("secevent+jwt");
    const event = judgeWalletEvent(JSON.parse(new TextDecoder().decode(payload)), { issuer, audience: "store" }, time);
    if (!event.ok) throw new Error(event.error.detail);
    return event.value;
  }

  test("an event arrives once, signed, for its payee alone", async () => {
    await add("pr_1", 1);
    expect(await deliverDue(outboxOf(parts))).toBe(1);
    expect(await deliverDue(outboxOf(parts))).toBe(0);
    expect(receiver.got).toHaveLength(1);
    expect(receiver.got[0]?.request).toMatchObject({ method: "POST", headers: { "content-type": "application/secevent+jwt" } });
    expect(await read(receiver.got[0]?.token ?? "")).toEqual({ id: "evt_pr_1_1", requestId: "pr_1", status: "approved", sequence: 1, at: time });
  });

  test.each([500, 404, 307])("P18 what is answered with %i comes again, ever later, with the same id and a new signature", async (status) => {
    await add("pr_1", 1);
    receiver.answers.push(status, status);
    expect(await deliverDue(outboxOf(parts))).toBe(0);
    time += 999;
    expect(await deliverDue(outboxOf(parts))).toBe(0);
    expect(receiver.got).toHaveLength(1);
    time += 1;
    expect(await deliverDue(outboxOf(parts))).toBe(0);
    time += 2_000;
    expect(await deliverDue(outboxOf(parts))).toBe(1);
    expect(receiver.got).toHaveLength(3);
    expect((await read(receiver.got[2]?.token ?? "")).id).toBe("evt_pr_1_1");
    expect(receiver.got[0]?.token).not.toBe(receiver.got[2]?.token);
  });

  test("P18 the changes of one request arrive in order, also when one has to wait; other requests do not wait for it", async () => {
    await add("pr_1", 2, "redeemed");
    await add("pr_1", 1);
    await add("pr_2", 1);
    receiver.answers.push(500, 500);
    await deliverDue(outboxOf(parts));
    receiver.answers.length = 0;
    time += 1_000;
    await deliverDue(outboxOf(parts));
    const events = await Promise.all(receiver.got.map(({ token }) => read(token)));
    const arrived = events.slice(2).map((event) => `${event.requestId}:${event.sequence}`);
    expect(arrived.filter((each) => each.startsWith("pr_1"))).toEqual(["pr_1:1", "pr_1:2"]);
    expect(arrived).toContain("pr_2:1");
    expect(await deliveriesOf(database).readDue("store", time + deliveryTtlMs, 10)).toEqual([]);
  });

  test("of several instances one sends", async () => {
    for (let n = 0; n < 5; n += 1) await add(`pr_${n}`, 1);
    await Promise.all(Array.from({ length: 8 }, () => deliverDue(outboxOf(parts))));
    expect(receiver.got).toHaveLength(5);
  });

  test("what an instance took and did not finish is another one's after half a minute", async () => {
    await add("pr_1", 1);
    const silent = await listen(() => undefined);
    const hanging = deliverDue(
      outboxOf({
        ...parts,
        clients: parts.clients.map((client) => ({ ...client, webhook_uri: `http://127.0.0.1:${silent.port}/` })),
      }),
    );
    await expect.poll(() => deliveriesOf(database).readDue("store", time, 10)).toEqual([]);
    expect(await deliverDue(outboxOf(parts))).toBe(0);
    time += 30_000;
    expect(await deliverDue(outboxOf(parts))).toBe(1);
    await silent.close();
    await hanging;
    expect(await deliveriesOf(database).readDue("store", time + deliveryTtlMs, 10)).toEqual([]);
  });

  test("an event is given up after three days, and one of a payee that is no longer registered at once", async () => {
    await add("pr_1", 1);
    await deliverDue(outboxOf({ ...parts, clients: [] }));
    expect(await deliveriesOf(database).readDue("store", time + deliveryTtlMs, 10)).toEqual([]);
    await add("pr_2", 1);
    time += deliveryTtlMs;
    expect(await deliverDue(outboxOf(parts))).toBe(0);
    expect(receiver.got).toEqual([]);
    expect(await deliveriesOf(database).readDue("store", time + deliveryTtlMs, 10)).toEqual([]);
  });

  test("a payee that does not answer holds up nobody else, and has a few requests open at most", async () => {
    let open = 0;
    const silent = await listen(() => {
      open += 1;
    });
    const slow = parts.clients.map((client) => ({ ...client, client_id: "slow", webhook_uri: `http://127.0.0.1:${silent.port}/` }));
    for (let n = 0; n < 30; n += 1) await add(`pr_slow_${n}`, 1, "approved", "slow");
    const stop = startWebhooks({ ...parts, clients: [...slow, ...parts.clients] });
    await add("pr_1", 1);
    await expect.poll(() => receiver.got.length).toBe(1);
    await expect.poll(() => open).toBeGreaterThan(0);
    await add("pr_1", 2, "redeemed");
    await expect.poll(() => receiver.got.length).toBe(2);
    expect(open).toBeLessThanOrEqual(20);
    const stopped = stop();
    await silent.close();
    await stopped;
    expect(open).toBeLessThanOrEqual(20);
  });

  test("a wallet that stops begins nothing more; the next one delivers it", async () => {
    await add("pr_1", 1);
    expect(await deliverDue(outboxOf(parts), AbortSignal.abort())).toBe(0);
    expect(receiver.got).toEqual([]);
    expect(await deliverDue(outboxOf(parts))).toBe(1);
  });

  test("what is added while it runs is delivered without waiting for the clock", async () => {
    const stop = startWebhooks(parts);
    await add("pr_1", 1);
    await expect.poll(() => receiver.got.length).toBe(1);
    await stop();
  });
});

describe("the address of a payee", () => {
  const logger = createLogger("wallet", { level: "silent" });
  const startWith = (uri: string, own: string) => async (): Promise<void> => {
    const storage = await (storages[0] ?? never()).open();
    const client = {
      client_id: "store",
      client_name: "Store",
      token_endpoint_auth_method: "private_key_jwt",
      grant_types: [],
      webhook_uri: uri,
    } as const;
    const sealer = createSealer({ current: "k1", keys: { k1: new Secret(randomBytes(32).toString("base64url")) } });
    try {
      const keys = await loadKeys(storage.database, sealer, () => 0);
      await startWebhooks({ database: storage.database, issuer: own, keys, clients: [client], logger, now: () => 0 })();
    } finally {
      await storage.close();
    }
  };

  test.each([
    ["http://store.example/hook", "https://wallet.example"],
    ["http://127.0.0.1:4300/hook", "https://wallet.example"],
    ["https://localhost/hook", "https://wallet.example"],
    ["https://user:secret@store.example/hook", "https://wallet.example"],
    ["ftp://store.example/hook", "https://wallet.example"],
  ])("%s is none for a wallet at %s", async (uri, own) => {
    await expect(startWith(uri, own)()).rejects.toThrow(StartupProblem);
    await expect(startWith("https://store.example/hook", own)()).resolves.toBeUndefined();
  });

  test("on loopback is for a wallet on loopback", async () => {
    await expect(startWith("http://127.0.0.1:4300/hook", issuer)()).resolves.toBeUndefined();
  });
});

test("a delivery is tried again after 1, 2, 4 … seconds, at most an hour later", () => {
  expect([1, 2, 3, 4, 12, 13, 40].map((attempts) => nextAttemptAt(attempts, 0))).toEqual([
    1_000, 2_000, 4_000, 8_000, 2_048_000, 3_600_000, 3_600_000,
  ]);
});

function never(): never {
  throw new Error("no storage");
}
