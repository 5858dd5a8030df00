import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTown, type Town } from "../stand-ins/town.ts";
import { agents, create, open, payment, send, type SendOptions } from "./agent.ts";

let town: Town;
beforeEach(async () => {
  town = await createTown({ agents });
});
afterEach(async () => {
  await town.close();
});

const sessions = "/checkout_sessions";

async function countSessions(): Promise<number> {
  return (await town.db.sql.selectFrom("checkouts").select("id").execute()).length;
}

describe("what every request needs", () => {
  const bad: readonly [what: string, options: SendOptions, status: number, code: string][] = [
    ["no API key", { apiKey: null }, 401, "unauthorized"],
    ["an API key that nobody has", { apiKey: "key-of-nobody-0123456789-0123456789" }, 401, "unauthorized"],
    ["a digest for the key", { apiKey: agents[0]?.keySha256 ?? "" }, 401, "unauthorized"],
    ["an API key of another scheme", { apiKey: null, headers: { authorization: "Basic a2V5OmtleQ==" } }, 401, "unauthorized"],
    ["an API key of absurd length", { apiKey: "k".repeat(513) }, 401, "unauthorized"],
    ["no release", { version: null }, 400, "missing_api_version"],
    ["another release", { version: "2025-09-29" }, 400, "unsupported_api_version"],
    ["no idempotency key", { key: null }, 400, "idempotency_key_required"],
    ["an idempotency key that is too long", { key: "k".repeat(256) }, 400, "idempotency_key_required"],
    ["an idempotency key with blanks", { key: "a b" }, 400, "idempotency_key_required"],
    ["text that is not JSON", { body: "{" }, 400, "invalid"],
    ["doubled members", { body: '{"line_items":[{"id":"stoneware-mug"}],"line_items":[]}' }, 400, "invalid"],
    ["a prototype", { body: '{"__proto__":{"line_items":[]}}' }, 400, "invalid"],
    ["another type of body", { headers: { "content-type": "text/plain" } }, 415, "invalid"],
    ["a body of 70 KB", { body: JSON.stringify({ ...create, metadata: { note: "n".repeat(70_000) } }) }, 413, "invalid"],
  ];

  test.each(bad)("%s is refused, and nothing happens", async (_what, options, status, code) => {
    const good = await send(town, sessions, { body: create });
    expect(good.status).toBe(201);
    const before = town.events.filter((each) => each === "agent_refused").length;
    const refused = await send(town, sessions, { body: create, ...options });
    expect(refused).toMatchObject({ status, body: { type: "invalid_request", code } });
    expect(await countSessions()).toBe(1);
    expect(town.events.filter((each) => each === "agent_refused")).toHaveLength(before + 1);
    expect(refused.text).not.toContain(options.apiKey ?? "key-of");
  });

  test("a refused release names the ones that are served, and a missing key how to bear one", async () => {
    expect((await send(town, sessions, { version: "2099-01-01" })).body["supported_versions"]).toEqual(["2026-04-17"]);
    expect((await send(town, sessions, { apiKey: null })).headers.get("www-authenticate")).toBe("Bearer");
  });

  test("ids of requests and keys are given back, and nothing that is no id", async () => {
    const made = await send(town, sessions, { body: create, key: "my-key", headers: { "request-id": "req-1" } });
    expect(made.headers.get("request-id")).toBe("req-1");
    expect(made.headers.get("idempotency-key")).toBe("my-key");
    expect(made.headers.get("cache-control")).toBe("no-store");
    const odd = await send(town, sessions, { body: create, headers: { "request-id": "r".repeat(300) } });
    expect(odd.headers.get("request-id")).toBeNull();
    const refused = await send(town, sessions, { apiKey: null, headers: { "request-id": "req-2" } });
    expect(refused.headers.get("request-id")).toBe("req-2");
  });

  test("other methods and paths are refused in the protocol's own form", async () => {
    const id = await open(town);
    expect(await send(town, sessions, { method: "GET" })).toMatchObject({ status: 405, body: { code: "method_not_allowed" } });
    expect((await send(town, `${sessions}/${id}`, { method: "DELETE" })).headers.get("allow")).toBe("GET, POST");
    expect((await send(town, `${sessions}/${id}/cancel`, { method: "GET" })).headers.get("allow")).toBe("POST");
    for (const path of [
      `${sessions}x/${id}`,
      "/orders",
      `${sessions}/`,
      `${sessions}/chk_1`,
      `${sessions}/${id}/pay`,
      `${sessions}/${id}/cancel/now`,
      `${sessions}x`,
    ]) {
      expect((await send(town, path, { body: {} })).status).toBe(404);
    }
  });
});

describe("what a body may hold", () => {
  const line = { id: "stoneware-mug" };
  const bad: readonly [body: unknown, param: string][] = [
    [{}, "$.line_items"],
    [[], "$"],
    [null, "$"],
    ["text", "$"],
    [{ line_items: [] }, "$.line_items"],
    [{ line_items: {} }, "$.line_items"],
    [{ line_items: [{}] }, "$.line_items[0].id"],
    [{ line_items: [{ id: 1 }] }, "$.line_items[0].id"],
    [{ line_items: [{ id: "no-such-thing" }] }, "$.line_items[0].id"],
    [{ line_items: [{ ...line, quantity: 0 }] }, "$.line_items[0].quantity"],
    [{ line_items: [{ ...line, quantity: 1.5 }] }, "$.line_items[0].quantity"],
    [{ line_items: [{ ...line, quantity: "2" }] }, "$.line_items[0].quantity"],
    [{ line_items: Array.from({ length: 21 }, () => line) }, "$.line_items"],
    [{ line_items: [line], items: [line] }, "$.items"],
    [{ line_items: [line], currency: "usd" }, "$.currency"],
    [{ line_items: [line], fulfillment_details: null }, "$.fulfillment_details"],
    [{ line_items: [line], fulfillment_details: { address: { name: "A" } } }, "$.fulfillment_details.address.line_one"],
    [{ line_items: [line], fulfillment_groups: [{ id: "g", item_ids: [], destination_type: "pickup" }] }, "$.fulfillment_groups"],
    [
      {
        line_items: [line],
        selected_fulfillment_options: [
          { type: "shipping", option_id: "standard", item_ids: [] },
          { type: "pickup", option_id: "collect", item_ids: [] },
        ],
      },
      "$.selected_fulfillment_options",
    ],
  ];

  test.each(bad)("a new session of %j is refused at %s", async (body, param) => {
    const refused = await send(town, sessions, { body: JSON.stringify(body) });
    expect(refused).toMatchObject({ status: 400, body: { type: "invalid_request", param } });
    expect(await countSessions()).toBe(0);
    expect((await send(town, sessions, { body: { line_items: [line] } })).status).toBe(201);
  });

  test("text that people could not read as it is never gets into an address", async () => {
    const address = { name: "Ada", line_one: "Street 1", city: "Utrecht", state: "", country: "NL", postal_code: "3581" };
    const body = (change: object): object => ({ ...create, fulfillment_details: { address: { ...address, ...change } } });
    expect((await send(town, sessions, { body: body({}) })).status).toBe(201);
    for (const change of [{ name: "Ada\u202eevil" }, { name: "\u200b" }]) {
      const refused = await send(town, sessions, { body: body(change) });
      expect(refused).toMatchObject({ status: 400, body: { param: "$.fulfillment_details.address.name" } });
    }
    const refused = await send(town, sessions, { body: body({ line_one: "S".repeat(100) }) });
    expect(refused.body["param"]).toBe("$.fulfillment_details.address.line_one");
  });
});

describe("the same write again", () => {
  test("gives the first answer with its status and makes nothing new", async () => {
    const first = await send(town, sessions, { body: create, key: "k1" });
    const again = await send(town, sessions, { body: { ...create, line_items: [...create.line_items] }, key: "k1" });
    expect(again).toMatchObject({ status: 201, text: first.text });
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    expect(await countSessions()).toBe(1);
  });

  test("P08 with another body is 422, and changes nothing", async () => {
    const id = await open(town);
    const body = { line_items: [{ id: "stoneware-mug" }] };
    const first = await send(town, `${sessions}/${id}`, { body, key: "k1" });
    const other = await send(town, `${sessions}/${id}`, { body: { line_items: [{ id: "stoneware-mug", quantity: 3 }] }, key: "k1" });
    expect(other).toMatchObject({ status: 422, body: { type: "invalid_request", code: "idempotency_conflict" } });
    expect((await send(town, `${sessions}/${id}`, { method: "GET" })).body).toEqual(first.body);
  });

  test("of a refusal is the same refusal", async () => {
    const bad = { line_items: [{ id: "no-such-thing" }] };
    const first = await send(town, sessions, { body: bad, key: "k1" });
    const again = await send(town, sessions, { body: bad, key: "k1" });
    expect(again).toMatchObject({ status: 400, text: first.text });
    expect(again.headers.get("idempotent-replayed")).toBe("true");
  });

  test("while the first runs is 409 with a time to come back", async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const unreachable = async (): Promise<Response> => {
      await held;
      throw new TypeError("fetch failed");
    };
    const slow = await createTown({ agents, fetch: unreachable });
    try {
      const id = await open(slow);
      const path = `${sessions}/${id}/complete`;
      const running = send(slow, path, { body: payment(id), key: "k1" });
      await expect.poll(() => slow.db.sql.selectFrom("checkouts").select("status").executeTakeFirst()).toEqual({ status: "awaiting_approval" });
      const second = await send(slow, path, { body: payment(id), key: "k1" });
      expect(second).toMatchObject({ status: 409, body: { code: "idempotency_in_flight" } });
      expect(Number(second.headers.get("retry-after"))).toBeGreaterThan(0);
      release();
      expect((await running).status).toBe(503);
    } finally {
      release();
      await slow.close();
    }
  });

  test("after a failure of the server is carried out, from where the first one stopped", async () => {
    const id = await open(town);
    town.wallet.down = true;
    const failed = await send(town, `${sessions}/${id}/complete`, { body: payment(id), key: "k1" });
    expect(failed).toMatchObject({ status: 503, body: { type: "service_unavailable" } });
    expect(failed.headers.get("retry-after")).not.toBeNull();
    town.wallet.down = false;
    town.clock.advance(60_000);
    const asked = await send(town, `${sessions}/${id}/complete`, { body: payment(id), key: "k1" });
    expect(asked.body["status"]).toBe("requires_escalation");
    expect(asked.headers.get("idempotent-replayed")).toBeNull();
    expect(town.wallet.requests.size).toBe(1);
  });

  test("of a completion is the first answer, and a new key tells how it stands now", async () => {
    const id = await open(town);
    const asked = await send(town, `${sessions}/${id}/complete`, { body: payment(id), key: "k1" });
    await town.wallet.approve(String(asked.body["continue_url"]).split("/").at(-1) ?? "", "usr_1");
    await town.store.idle();
    expect((await send(town, `${sessions}/${id}/complete`, { body: payment(id), key: "k1" })).text).toBe(asked.text);
    expect((await send(town, `${sessions}/${id}/complete`, { body: payment(id), key: "k2" })).body["status"]).toBe("completed");
    expect(town.bank.captured).toHaveLength(1);
  });

  test("survives a restart of the store", async () => {
    const first = await send(town, sessions, { body: create, key: "k1" });
    await town.restart();
    expect(await send(town, sessions, { body: create, key: "k1" })).toMatchObject({ status: 201, text: first.text });
    expect(await countSessions()).toBe(1);
  });

  test("twenty creations at once under one key make one session", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => send(town, sessions, { body: create, key: "k1" })));
    expect(new Set(all.map((each) => each.status))).toEqual(new Set([201, 409]));
    expect(all.filter((each) => each.status === 201 && each.headers.get("idempotent-replayed") === null)).toHaveLength(1);
    expect(await countSessions()).toBe(1);
  });
});
