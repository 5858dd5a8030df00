import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { Secret } from "@countersign/protocol/secret";
import { StartupProblem } from "@countersign/service/startup-problem";
import { deliveriesOf } from "@countersign/storage/deliveries";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { record } from "../stand-ins/record.ts";
import { createTown, type Town } from "../stand-ins/town.ts";
import { agentWith, apiKey, open, otherApiKey, payment, send } from "./agent.ts";
import { faultsOf } from "./contract.ts";

const secret = "whsec-0123456789-0123456789-012345";

interface Got {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A platform that takes the events of its agent. */
class Platform {
  readonly got: Got[] = [];
  /** What it answers next; 200 after that. */
  readonly answers: number[] = [];
  readonly #server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      this.got.push({ headers: request.headers, body: Buffer.concat(chunks).toString("utf8") });
      response.writeHead(this.answers.shift() ?? 200, { "content-type": "application/json" }).end('{"received":true}');
    });
  });

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("no port");
    return `http://127.0.0.1:${address.port}/agentic_checkout/webhooks/order_events`;
  }

  close(): Promise<unknown> {
    return new Promise((resolve) => this.#server.close(resolve));
  }
}

let platform: Platform;
let address: string;
let town: Town;
beforeEach(async () => {
  platform = new Platform();
  address = await platform.open();
  const agents = [agentWith("first", apiKey, { webhook: { url: address, secret: new Secret(secret) } }), agentWith("second", otherApiKey)];
  town = await createTown({ agents, url: "http://127.0.0.1:4300" });
});
afterEach(async () => {
  await town.close();
  await platform.close();
});

async function buy(by = apiKey): Promise<{ readonly session: string; readonly order: string }> {
  const made = await send(town, "/checkout_sessions", { body: { items: [{ id: "stoneware-mug", quantity: 2 }] }, apiKey: by });
  const session = String(made.body["id"]);
  const asked = await send(town, `/checkout_sessions/${session}/complete`, { body: payment(session), apiKey: by });
  await town.wallet.approve(String(asked.body["continue_url"]).split("/").at(-1) ?? "", "usr_1");
  await town.store.idle();
  const paid = await send(town, `/checkout_sessions/${session}`, { method: "GET", apiKey: by });
  return { session, order: String(record(paid.body["order"])["id"]) };
}

/** Whether a platform that knows the secret takes an event at a time. */
function isTaken({ headers, body }: Got, nowMs: number): boolean {
  const [, time = "", signature = ""] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers["merchant-signature"])) ?? [];
  const expected = createHmac("sha256", secret).update(`${time}.${body}`).digest("hex");
  return signature === expected && Math.abs(nowMs / 1000 - Number(time)) <= 300;
}

describe("telling an agent of its orders", () => {
  test("P18 a new order is told once, whole and signed", async () => {
    const { session, order } = await buy();
    await town.store.recover();
    await town.store.recover();
    expect(platform.got).toHaveLength(1);
    const [first] = platform.got;
    if (first === undefined) throw new Error("nothing came");
    const event: unknown = JSON.parse(first.body);
    expect(faultsOf("event", event)).toEqual([]);
    expect(event).toMatchObject({
      type: "order_create",
      data: { id: order, checkout_session_id: session, status: "confirmed", adjustments: [], line_items: [{ id: "stoneware-mug" }] },
    });
    expect(first.headers["content-type"]).toBe("application/json");
    expect(isTaken(first, town.clock.now())).toBe(true);
    expect(isTaken({ ...first, body: first.body.replace("order_create", "order_update") }, town.clock.now())).toBe(false);
    expect(isTaken(first, town.clock.now() + 301_000)).toBe(false);
    for (const hidden of ["usr_1", secret]) expect(first.body).not.toContain(hidden);
    expect(first.body).not.toMatch(/eyJ[\w-]{10,}\.[\w-]|Account|(?<![\w-])4821(?![\w-])/);
  });

  test("what is not taken is sent again later, signed anew under the same id, and 409 says that it came", async () => {
    platform.answers.push(503, 409);
    await buy();
    await town.store.recover();
    expect(platform.got).toHaveLength(1);
    town.clock.advance(600_000);
    await town.store.recover();
    town.clock.advance(600_000);
    await town.store.recover();
    expect(platform.got).toHaveLength(2);
    const [first, second] = platform.got;
    expect(second?.headers["request-id"]).toBe(first?.headers["request-id"]);
    expect(second?.headers["merchant-signature"]).not.toBe(first?.headers["merchant-signature"]);
    expect(second !== undefined && isTaken(second, town.clock.now() - 600_000)).toBe(true);
  });

  test("a refund is told as a change of the order, after the order itself", async () => {
    const { order } = await buy();
    const token = await town.wallet.token("usr_1", "orders:write orders:read", "http://127.0.0.1:4300/mcp");
    const refunded = await town.call("refund_order", { order_id: order, amount_minor: 500 }, token);
    expect(refunded.isError).toBe(false);
    await town.store.recover();
    const events = platform.got.map((each) => record(JSON.parse(each.body)));
    expect(events.map((each) => each["type"])).toEqual(["order_create", "order_update"]);
    expect(faultsOf("event", events[1])).toEqual([]);
    expect(events[1]).toMatchObject({ data: { adjustments: [{ type: "refund", status: "completed", amount: 500, currency: "eur" }] } });
    expect(JSON.stringify(events[1])).toContain('"type":"amount_refunded","display_text":"Refunded","amount":500');
  });

  test("what the bank gives back by itself is told while the order still waits to be told, and a refund after it", async () => {
    const { order } = await buy();
    const { payment_id: paymentId } = await town.db.sql.selectFrom("orders").select("payment_id").executeTakeFirstOrThrow();
    for (const amount of [300, 200]) {
      town.bank.refundByItself(paymentId, amount);
      const headers = { "content-type": "application/secevent+jwt" };
      const body = await town.bank.event(paymentId);
      const pushed = await town.store.fetch(new Request("http://127.0.0.1:4300/webhooks/bank", { method: "POST", headers, body }));
      expect(pushed.status).toBe(202);
      await town.store.idle();
    }
    const token = await town.wallet.token("usr_1", "orders:write orders:read", "http://127.0.0.1:4300/mcp");
    expect((await town.call("refund_order", { order_id: order, amount_minor: 500 }, token)).isError).toBe(false);
    for (const _ of [1, 2, 3, 4]) await town.store.recover();
    const events = platform.got.map((each) => record(JSON.parse(each.body)));
    expect(events.map((each) => each["type"])).toEqual(["order_create", "order_update", "order_update", "order_update"]);
    expect(JSON.stringify(events.at(-1))).toContain('"display_text":"Refunded","amount":1000');
  });

  test("a refund that is refused because the bank gave the money back by itself tells of that", async () => {
    const { order } = await buy();
    await town.store.recover();
    const { payment_id: paymentId, captured } = await town.db.sql.selectFrom("orders").select(["payment_id", "captured"]).executeTakeFirstOrThrow();
    town.bank.refundByItself(paymentId, Number(captured));
    const token = await town.wallet.token("usr_1", "orders:write orders:read", "http://127.0.0.1:4300/mcp");
    expect((await town.call("refund_order", { order_id: order, amount_minor: 500 }, token)).code).toBe("payment_closed");
    for (const _ of [1, 2]) await town.store.recover();
    expect(platform.got.map((each) => record(JSON.parse(each.body))["type"])).toEqual(["order_create", "order_update"]);
    expect(platform.got.at(-1)?.body).toContain(`"display_text":"Refunded","amount":${captured}`);
  });

  test("nobody is told of another agent's orders, of those sold over MCP, or without an address", async () => {
    await buy(otherApiKey);
    const made = await town.call("create_checkout", { items: [{ product_id: "stoneware-mug", quantity: 1 }] });
    const id = String(record(made.structured["checkout"])["id"]);
    const asked = await town.call("pay", { checkout_id: id });
    await town.wallet.approve(/payment:(\S+)/.exec(asked.scope ?? "")?.[1] ?? "", "usr_1");
    await town.store.idle();
    expect(town.bank.captured).toHaveLength(2);
    expect(await deliveriesOf(town.db).readDueTargets(town.clock.now())).toEqual([]);
    await town.store.recover();
    expect(platform.got).toHaveLength(0);
    await buy();
    await town.store.recover();
    expect(platform.got).toHaveLength(1);
  });

  test("what waits survives a restart, and a platform that is away loses nothing", async () => {
    await buy();
    await town.restart();
    await town.store.recover();
    expect(platform.got).toHaveLength(1);
  });

  test("an address that is not safe stops the start", async () => {
    for (const url of ["http://platform.example/events", "https://user:pass@platform.example/events"]) {
      const agents = [agentWith("first", apiKey, { webhook: { url, secret: new Secret(secret) } })];
      await expect(createTown({ agents })).rejects.toThrow(StartupProblem);
    }
    const agents = [agentWith("first", apiKey, { webhook: { url: address, secret: new Secret(secret) } })];
    await expect(createTown({ agents })).rejects.toThrow(StartupProblem);
    const safe = await createTown({
      agents: [agentWith("first", apiKey, { webhook: { url: "https://platform.example/events", secret: new Secret(secret) } })],
    });
    await safe.close();
    expect((await open(town)).length).toBeGreaterThan(0);
  });
});
