import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { judgeAgentHeader } from "../../src/ucp/agent.ts";
import { dressBareCall } from "../../src/ucp/bare-call.ts";
import { record } from "../stand-ins/record.ts";
import { createTown, storeUrl, type Town } from "../stand-ins/town.ts";
import { bareCall } from "./platform.ts";
import { profileShape } from "./wire.ts";

const meta = { "ucp-agent": { profile: "https://platform.test/profile" } };
const mug = { line_items: [{ item: { id: "stoneware-mug" }, quantity: 1 }] };
const agent = { "ucp-agent": 'profile="https://platform.test/profile"' };

let town: Town;
beforeEach(async () => {
  town = await createTown();
});
afterEach(async () => {
  await town.close();
});

const ask = (path: string, init: RequestInit = {}): Promise<Response> => town.store.fetch(new Request(storeUrl + path, init));

describe("the profile", () => {
  test("says what is offered, where, how it is paid and which keys sign, and nothing else", async () => {
    const response = await ask("/.well-known/ucp");
    const profile = record(await response.json());
    expect(profileShape.safeParse(profile).error).toBeUndefined();
    expect(response.headers.get("cache-control")).toBe("public, max-age=300");
    expect(JSON.stringify(profile)).not.toContain('"d"');
    expect(profile["keys"]).toEqual(record(await (await ask("/.well-known/jwks.json")).json())["keys"]);
    expect((await ask("/.well-known/ucp", { method: "POST" })).status).toBe(405);
  });

  test("every tool that a checkout needs is there by its name, and no other", async () => {
    const listed = record((await bareCall(town, "tools/list", { arguments: { meta } }))["result"])["tools"];
    const names = Array.isArray(listed) ? listed.map((tool) => record(tool)["name"]) : [];
    expect(new Set(names)).toEqual(new Set(["create", "get", "update", "complete", "cancel"].map((verb) => `${verb}_checkout`)));
    expect(names).toHaveLength(5);
  });
});

describe("the MCP endpoint", () => {
  test("is one of the official client's too, with its handshake", async () => {
    const client = new Client({ name: "platform", version: "1.0.0" });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${storeUrl}/ucp/mcp`), { fetch: (url, init) => town.store.fetch(new Request(url, init)) }),
    );
    const made = await client.callTool({ name: "create_checkout", arguments: { meta, checkout: mug } });
    expect(made.structuredContent).toMatchObject({ status: "ready_for_complete" });
    await client.close();
  });

  test("refuses pages of other sites and other hosts", async () => {
    const good = await bareCall(town, "tools/call", { name: "create_checkout", arguments: { meta, checkout: mug } });
    expect(record(good["result"])["isError"]).toBeUndefined();
    for (const headers of [{ origin: "https://evil.test" }, { host: "rebound.test" }] as const) {
      expect(await bareCall(town, "tools/call", { name: "create_checkout", arguments: { meta, checkout: mug } }, headers)).toMatchObject({
        code: "forbidden_origin",
      });
    }
  });

  test("P08 a key that came with another checkout is the JSON-RPC error that UCP has for it, and the first answer stays", async () => {
    const create = (quantity: number): Promise<Record<string, unknown>> =>
      bareCall(town, "tools/call", {
        name: "create_checkout",
        arguments: { meta: { ...meta, "idempotency-key": "k".repeat(22) }, checkout: { line_items: [{ item: { id: "stoneware-mug" }, quantity }] } },
      });
    const first = await create(1);
    const other = await create(2);
    expect(other).toMatchObject({ jsonrpc: "2.0", id: 7, error: { code: -32000, data: { code: "idempotency_conflict" } } });
    expect(other["result"]).toBeUndefined();
    expect(record(await create(1))["result"]).toEqual(first["result"]);
    expect(await town.db.sql.selectFrom("checkouts").select("id").execute()).toHaveLength(1);
  });

  test("an id that is none, and a tool that is none, run nothing", async () => {
    const told = await bareCall(town, "tools/call", { name: "get_checkout", arguments: { meta, id: "../../etc" } });
    expect(record(record(told["result"])["structuredContent"])).toMatchObject({ error: { code: "invalid_arguments" } });
    expect(await bareCall(town, "tools/call", { name: "pay", arguments: { meta } })).toMatchObject({ error: { code: -32602 } });
    expect(await bareCall(town, "resources/list", {})).toMatchObject({ error: {} });
  });
});

describe("a bare call", () => {
  const post = (body: string, headers: Readonly<Record<string, string>> = {}): Request =>
    new Request(`${storeUrl}/ucp/mcp`, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
  const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "get_checkout", arguments: { id: "x" } } };

  test("is given the words of the revision that it speaks, and keeps its own", async () => {
    const dressed = await dressBareCall(post(JSON.stringify(call)));
    expect(dressed?.headers.get("mcp-name")).toBe("get_checkout");
    expect(await dressed?.json()).toMatchObject({ ...call, params: { ...call.params, _meta: {} } });
  });

  test.each<[string, string, Readonly<Record<string, string>>?]>([
    ["speaks for itself", JSON.stringify(call), { "mcp-protocol-version": "2025-11-25" }],
    ["has words of its own", JSON.stringify({ ...call, params: { ...call.params, _meta: {} } })],
    ["names a member twice", '{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}'],
    ["is a batch", JSON.stringify([call])],
    ["is no JSON", "{"],
    ["asks for something else", JSON.stringify({ ...call, method: "initialize" })],
    ["names no tool", JSON.stringify({ ...call, params: { name: 'x"\r\n' } })],
    ["is of another type", JSON.stringify(call), { "content-type": "text/plain" }],
  ])("that %s is passed on as it came", async (_name, body, headers) => {
    const passed = await dressBareCall(post(body, headers));
    expect([await passed?.text(), passed?.headers.has("mcp-method")]).toEqual([body, false]);
  });

  test("that is too long goes nowhere", async () => {
    expect(await dressBareCall(post(" ".repeat(65_537)))).toBeUndefined();
    const told = await ask("/ucp/mcp", { method: "POST", headers: { "content-type": "application/json" }, body: " ".repeat(65_537) });
    expect(told.status).toBe(413);
  });
});

describe("the REST endpoint", () => {
  const sessions = "/ucp/rest/checkout-sessions";

  test.each<[string, string, number]>([
    ["GET", sessions, 405],
    ["DELETE", `${sessions}/chk_1`, 405],
    ["GET", `${sessions}/chk_1/complete`, 405],
    ["POST", `${sessions}/chk_1/refund`, 404],
    ["GET", "/ucp/rest/", 404],
    ["GET", "/ucp/rest/orders/ord_1", 404],
    ["GET", `${sessions}x`, 404],
  ])("%s %s is %i", async (method, path, status) => {
    expect((await ask(path, { method, headers: agent })).status).toBe(status);
  });

  test.each<[string, RequestInit, number]>([
    ["no JSON", { headers: { ...agent, "content-type": "application/json" }, body: "{" }, 400],
    ["a form", { headers: { ...agent, "content-type": "application/x-www-form-urlencoded" }, body: "a=b" }, 415],
    ["text, as a page of another site can send it", { headers: { ...agent, "content-type": "text/plain" }, body: JSON.stringify(mug) }, 415],
    ["a member twice", { headers: { ...agent, "content-type": "application/json" }, body: '{"line_items":[],"line_items":[]}' }, 400],
    ["too much", { headers: { ...agent, "content-type": "application/json" }, body: " ".repeat(65_537) }, 413],
  ])("refuses %s", async (_name, init, status) => {
    const good = await ask(sessions, { method: "POST", headers: { ...agent, "content-type": "application/json" }, body: JSON.stringify(mug) });
    expect(good.status).toBe(201);
    const response = await ask(sessions, { method: "POST", ...init });
    expect([response.status, Object.keys(record(await response.json())).toSorted()]).toEqual([status, ["code", "content"]]);
    expect(await town.db.sql.selectFrom("checkouts").select("id").execute()).toHaveLength(1);
  });

  test("P08 the same key with another body is 409, even where it means the same", async () => {
    const send = (body: string): Promise<Response> =>
      ask(sessions, { method: "POST", headers: { ...agent, "content-type": "application/json", "idempotency-key": "k".repeat(22) }, body });
    expect((await send(JSON.stringify(mug))).status).toBe(201);
    expect((await send(JSON.stringify(mug))).status).toBe(201);
    const other = await send(JSON.stringify(mug, null, 1));
    expect([other.status, await other.json()]).toMatchObject([409, { code: "idempotency_conflict" }]);
  });

  test("gives no page of another site leave to call it", async () => {
    const asked = await ask(sessions, { method: "OPTIONS", headers: { origin: "https://evil.test", "access-control-request-method": "POST" } });
    expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([405, null]);
  });
});

describe("UCP-Agent", () => {
  test.each([
    'profile="https://platform.test/profile"',
    'profile="https://platform.test/profile"; version="2026-08-25"',
    'profile="https://platform.test/p";x=1, other="a"',
  ])("%s is one", (header) => expect(judgeAgentHeader(header).ok).toBe(true));

  test.each([
    null,
    "",
    "https://platform.test/profile",
    "profile=https://platform.test/profile",
    'profile="http://platform.test/profile"',
    'profile="/profile"',
    'profile="https://a@platform.test/"',
    'profile="https://platform.test/\\"',
    `profile="https://platform.test/${"x".repeat(2100)}"`,
  ])("%s is none", (header) => expect(judgeAgentHeader(header)).toMatchObject({ ok: false, error: "invalid_profile_url" }));

  test("that names no HTTPS address, or another release, is told as UCP has it, over either transport", async () => {
    const read = async (header: string): Promise<unknown[]> => {
      const response = await ask(`/ucp/rest/checkout-sessions/chk_${"A".repeat(22)}`, { headers: { "ucp-agent": header } });
      return [response.status, record(await response.json())["code"]];
    };
    expect(await read(agent["ucp-agent"])).toEqual([404, undefined]);
    expect(await read("platform")).toEqual([400, "invalid_profile_url"]);
    expect(await read('profile="https://platform.test/profile"; version="2025-01-01"')).toEqual([422, "version_unsupported"]);
    for (const named of [{ "ucp-agent": { profile: "http://platform.test/" } }, { "ucp-agent": {} }, {}]) {
      const told = await bareCall(town, "tools/call", { name: "create_checkout", arguments: { meta: named, checkout: mug } });
      expect(told).toMatchObject({ error: { code: -32001, data: { code: "invalid_profile_url" } } });
    }
    expect(await town.db.sql.selectFrom("checkouts").select("id").execute()).toEqual([]);
  });
});
