import { beforeEach, describe, expect, test } from "vitest";
import { oauth2 } from "../src/auth.ts";
import { currentCall, handled, protect } from "../src/protect.ts";
import { createTestClock, type TestClock } from "./stand-ins/clock.ts";
import { createExistingShop, type ExistingShop, type Make } from "./stand-ins/existing.ts";
import { createTestIssuer, type TestIssuer } from "./stand-ins/issuer.ts";
import { callTool, endpoint, type Era, readRpc, rpcRequest } from "./stand-ins/shop.ts";

const metadataUrl = "https://store.test/.well-known/oauth-protected-resource/mcp";

let clock: TestClock;
let issuer: TestIssuer;
let shop: ExistingShop;

beforeEach(async () => {
  clock = createTestClock();
  issuer = await createTestIssuer(clock);
});

const makes: readonly (readonly [Make, Era])[] = [
  ["the SDK's factory", "2026-07-28"],
  ["the SDK's factory", "2025-11-25"],
  ["SDK v1, stateless", "2025-11-25"],
];

describe.each(makes)("in front of %s, revision %s", (make, era) => {
  beforeEach(() => {
    shop = createExistingShop(make, issuer, clock);
    return () => shop.app.close();
  });
  const ask = async (method: string, params: Record<string, unknown> = {}, token?: string) =>
    await shop.app.fetch(rpcRequest(era, method, params, token === undefined ? {} : { authorization: `Bearer ${token}` }));

  test("anyone may list tools, which carry the policy's security and keep what else they say", async () => {
    const { result } = await readRpc(await ask("tools/list"));
    const listed = Object.fromEntries((Array.isArray(result?.["tools"]) ? result["tools"] : []).map((tool) => [tool.name, tool]));
    const signedIn = [{ type: "oauth2", scopes: ["orders:read"] }];
    expect(listed["orders"]).toMatchObject({ securitySchemes: signedIn, _meta: { securitySchemes: signedIn, kept: "orders" } });
    expect(listed["browse"]).toMatchObject({ securitySchemes: [{ type: "noauth" }, { type: "oauth2", scopes: [] }] });
    expect(listed["news"]).toMatchObject({ securitySchemes: [{ type: "noauth" }] });
    expect(listed["orders"].inputSchema).toMatchObject({ type: "object", properties: { query: { type: "string" } } });
  });

  test("M08 what the policy does not name is neither listed nor run", async () => {
    const { result: tools } = await readRpc(await ask("tools/list"));
    expect(JSON.stringify(tools)).not.toContain("unnamed");
    const { result: listed } = await readRpc(await ask("prompts/list"));
    expect(listed?.["prompts"]).toMatchObject([{ name: "greet" }, { name: "summary" }]);
    expect(JSON.stringify(await readRpc(await ask("resources/list")))).not.toContain("secret://");
    const { result: templates } = await readRpc(await ask("resources/templates/list"));
    expect(templates?.["resourceTemplates"]).toMatchObject([{ uriTemplate: "orders://{id}" }]);
    const token = await issuer.token({ scope: "orders:read orders:write" });
    expect((await readRpc(await callTool(shop.app, era, "unnamed", token))).error?.code).toBe(-32602);
    expect((await readRpc(await ask("prompts/get", { name: "unnamed" }, token))).error?.code).toBe(-32602);
    expect((await readRpc(await ask("resources/read", { uri: "secret://store" }, token))).error?.code).toBe(era === "2026-07-28" ? -32602 : -32002);
    expect(shop.ran).toEqual([]);
  });

  test("an anonymous call of a tool that anyone may call runs it", async () => {
    for (const name of ["browse", "news"]) {
      expect((await readRpc(await callTool(shop.app, era, name))).result).toMatchObject({ structuredContent: { tool: name, subject: null } });
    }
    expect(shop.reached.every((each) => each.authInfo === undefined)).toBe(true);
  });

  test("an anonymous call of a protected tool is 401 with scope and metadata, and reaches no server", async () => {
    const response = await callTool(shop.app, era, "orders");
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe(`Bearer scope="orders:read", resource_metadata="${metadataUrl}"`);
    expect(shop.reached).toEqual([]);
    expect(shop.events).toEqual([{ event: "challenged", tool: "orders", scope: "orders:read", form: "http", status: 401 }]);
  });

  test("a token with the tool's scopes runs it for its subject, whom the SDK's handlers see too", async () => {
    const { result } = await readRpc(await callTool(shop.app, era, "orders", await issuer.token()));
    expect(result).toMatchObject({ structuredContent: { tool: "orders", subject: "usr_1" } });
    expect(shop.contexts[0]).toMatchObject({ tool: "orders", clientId: "host", scope: new Set(["orders:read"]) });
    expect(shop.reached[0]?.authInfo).toMatchObject({ clientId: "host", scopes: ["orders:read"], extra: { subject: "usr_1" } });
  });

  test("O24 neither the caller's token nor its proof reaches the server", async () => {
    const token = await issuer.token();
    await readRpc(await callTool(shop.app, era, "orders", token, { dpop: "proof" }));
    expect(shop.reached).toMatchObject([{ authorization: null, proof: null, authInfo: { token: "" } }]);
    for (const part of token.split(".")) expect(JSON.stringify([shop.reached, shop.contexts, shop.events])).not.toContain(part);
  });

  test("O26 a token that lacks a scope is 403 with every scope of the tool, and still serves tools for anyone", async () => {
    const token = await issuer.token();
    const response = await callTool(shop.app, era, "refund", token);
    expect(response.status).toBe(403);
    expect(response.headers.get("www-authenticate")).toContain('Bearer error="insufficient_scope"');
    expect(response.headers.get("www-authenticate")).toContain('scope="orders:read orders:write"');
    expect((await callTool(shop.app, era, "browse", token)).status).toBe(200);
    expect(shop.ran).toEqual(["browse"]);
  });

  test("O25 a bad token is 401 on every tool and on every open method", async () => {
    expect((await callTool(shop.app, era, "browse", await issuer.token())).status).toBe(200);
    for (const token of ["x", await issuer.token({ aud: "https://other.test" }), await issuer.token({ exp: 1 })]) {
      for (const name of ["browse", "news", "orders", "nothing"]) expect((await callTool(shop.app, era, name, token)).status).toBe(401);
      for (const method of ["tools/list", "resources/list", "initialize", "ping", "tasks/get"]) {
        const response = await ask(method, {}, token);
        expect(response.status).toBe(401);
        expect(response.headers.get("www-authenticate")).toContain('error="invalid_token"');
      }
    }
    expect(shop.ran).toEqual(["browse"]);
  });

  test("M08 no other spelling of a protected tool's name runs anything, signed in or not", async () => {
    for (const name of ["Orders", " orders", "orders ", "orders\u0000", "\u043erders", "o\u0308rders", "constructor", "__proto__"]) {
      for (const token of [undefined, await issuer.token()]) {
        const response = await callTool(shop.app, era, name, token, { "mcp-name": undefined });
        expect((await readRpc(response)).error?.code).toBe(-32602);
      }
    }
    expect(shop.reached).toEqual([]);
  });

  test("M08 a resource is as protected as its rule says, a view too, by whatever method it is reached", async () => {
    const token = await issuer.token();
    const free = await readRpc(await ask("resources/read", { uri: "ui://store/shop.html" }));
    expect(free.result?.["contents"]).toMatchObject([{ uri: "ui://store/shop.html" }]);
    for (const uri of ["ui://store/private.html", "orders://1", "orders://x/../1"]) {
      const subscribing = era === "2025-11-25" ? ["resources/subscribe", "resources/unsubscribe"] : [];
      for (const method of ["resources/read", ...subscribing]) {
        const response = await ask(method, { uri });
        expect(response.status).toBe(401);
        expect(response.headers.get("www-authenticate")).toContain('scope="orders:read"');
      }
      expect((await ask("subscriptions/listen", { notifications: { resourceSubscriptions: [uri] } })).status).toBe(401);
      expect((await ask("completion/complete", { ref: { type: "ref/resource", uri }, argument: {} })).status).toBe(401);
    }
    expect((await readRpc(await ask("resources/read", { uri: "ui://store/private.html" }, token))).result).toBeDefined();
    expect((await readRpc(await ask("resources/read", { uri: "orders://1" }, token))).result).toBeDefined();
    expect(shop.ran).toEqual(["ui://store/shop.html", "ui://store/private.html", "orders://1"]);
  });

  test("M08 no detour in a URI leads from a free resource to a protected one", async () => {
    const free = await readRpc(await ask("resources/read", { uri: "ui://store/shop.html" }));
    expect(free.result?.["contents"]).toMatchObject([{ uri: "ui://store/shop.html" }]);
    for (const uri of [
      "ui://store/public/../private.html",
      "ui://store/a/%2e%2e/private.html",
      "UI://store/private.html",
      "ui://store/%70rivate.html",
    ]) {
      expect((await ask("resources/read", { uri })).status).toSatisfy((status: number) => status === 401 || status === 200);
    }
    expect(shop.ran).toEqual(["ui://store/shop.html"]);
  });

  test("M08 a protected prompt is for those who may have it", async () => {
    expect((await readRpc(await ask("prompts/get", { name: "greet" }))).result).toBeDefined();
    expect((await ask("prompts/get", { name: "summary" })).status).toBe(401);
    expect((await ask("completion/complete", { ref: { type: "ref/prompt", name: "summary" }, argument: {} })).status).toBe(401);
    expect((await readRpc(await ask("prompts/get", { name: "summary" }, await issuer.token()))).result).toBeDefined();
    expect(shop.ran).toEqual(["greet", "summary"]);
  });

  test("M08 methods that the policy does not know do not exist, tasks among them", async () => {
    for (const method of [
      "tasks/get",
      "tasks/result",
      "tasks/list",
      "tasks/cancel",
      "sampling/createMessage",
      "constructor",
      ...(era === "2026-07-28" ? ["resources/subscribe"] : []),
    ]) {
      const { error } = await readRpc(await ask(method, { name: "orders", taskId: "orders", uri: "orders://1" }, await issuer.token()));
      expect(error?.code).toBe(-32601);
    }
    expect(shop.reached).toEqual([]);
  });

  test("M08 a call that asks to run as a task is judged as the call it is", async () => {
    expect((await ask("tools/call", { name: "orders", arguments: {}, task: { ttl: 60_000 } })).status).toBe(401);
    expect(shop.reached).toEqual([]);
  });

  test("X03 a handler's error is reported, and the caller learns nothing of it", async () => {
    const text = await (await callTool(shop.app, era, "broken")).text();
    expect(text).toContain("internal_error");
    expect(text).not.toContain("hunter2");
    expect(shop.events).toEqual([{ event: "tool_failed", tool: "broken", error: expect.objectContaining({ message: "password=hunter2" }) }]);
  });

  test("a handler that demands more answers 401 without a token and 403 with one", async () => {
    const anonymously = await callTool(shop.app, era, "step");
    expect(anonymously.status).toBe(401);
    expect(anonymously.headers.get("www-authenticate")).toBe(`Bearer scope="payment:pr_1 profile", resource_metadata="${metadataUrl}"`);
    const signedIn = await callTool(shop.app, era, "step", await issuer.token());
    expect(signedIn.status).toBe(403);
    expect(signedIn.headers.get("www-authenticate")).toContain('error_description="Please approve.", scope="payment:pr_1 profile"');
    const approved = await readRpc(await callTool(shop.app, era, "step", await issuer.token({ scope: "payment:pr_1" })));
    expect(approved.result).toMatchObject({ structuredContent: { done: true } });
    expect(shop.ran).toEqual(["step", "step", "step"]);
  });

  test("a client of the result form gets both kinds of challenge inside a 200", async () => {
    for (const [name, scope] of [
      ["orders", "orders:read"],
      ["step", "payment:pr_1 profile"],
    ]) {
      const response = await callTool(shop.app, era, name ?? "", undefined, { "user-agent": "openai-mcp/1.0.0" });
      expect(response.status).toBe(200);
      const challenge = expect.stringMatching(
        new RegExp(`^Bearer error="insufficient_scope", error_description="[^"]+", scope="${scope}", resource_metadata=`),
      );
      expect((await readRpc(response)).result).toMatchObject({ isError: true, _meta: { "mcp/www_authenticate": [challenge] } });
    }
    expect(shop.ran).toEqual(["step"]);
    const told = { event: "challenged", form: "result", status: 200 };
    expect(shop.events).toEqual([
      { ...told, tool: "orders", scope: "orders:read" },
      { ...told, tool: "step", scope: "payment:pr_1 profile" },
    ]);
  });

  test("a demand for more after the server has said something stands in the result", async () => {
    const response = await shop.app.fetch(rpcRequest(era, "tools/call", { name: "slow", arguments: {}, _meta: { progressToken: 1 } }));
    expect(response.status).toBe(200);
    shop.proceed.resolve();
    const messages = (await response.text()).split("\n").filter((line) => line.startsWith("data: {"));
    const [progress, result] = messages.map((line): unknown => JSON.parse(line.slice(6)));
    expect(progress).toMatchObject({ method: "notifications/progress" });
    expect(result).toMatchObject({ id: 7, result: { isError: true, _meta: { "mcp/www_authenticate": [expect.stringContaining("payment:pr_1")] } } });
  });

  test("while the issuer's keys cannot be read, a token is neither believed nor called bad", async () => {
    const token = await issuer.token();
    issuer.down = true;
    for (const name of ["browse", "orders"]) expect((await callTool(shop.app, era, name, token)).status).toBe(503);
    expect((await callTool(shop.app, era, "browse")).status).toBe(200);
  });
});

describe("in front of the SDK's factory", () => {
  beforeEach(() => {
    shop = createExistingShop("the SDK's factory", issuer, clock);
    return () => shop.app.close();
  });

  test("M06 a call whose header names a free tool and whose body names a protected one is refused as a mismatch", async () => {
    const call = (header: string, body: string) =>
      shop.app.fetch(rpcRequest("2026-07-28", "tools/call", { name: body, arguments: {} }, { "mcp-name": header }));
    expect((await call("browse", "browse")).status).toBe(200);
    expect((await call("=?base64?YnJvd3Nl?=", "browse")).status).toBe(200);
    for (const header of ["browse", "=?base64?YnJvd3Nl?=", "=?base64?//8=?=", ""]) {
      const response = await call(header, "orders");
      expect(response.status).toBe(400);
      expect(await readRpc(response)).toMatchObject({ id: 7, error: { code: -32020 } });
    }
    const listing = rpcRequest("2026-07-28", "tools/call", { name: "orders" }, { "mcp-method": "tools/list" });
    expect((await readRpc(await shop.app.fetch(listing))).error?.code).toBe(-32020);
    expect(shop.ran).toEqual(["browse", "browse"]);
  });

  test("M05 a hundred callers with the same request id each get their own answer, and each handler its own caller", async () => {
    const tokens = await Promise.all(Array.from({ length: 100 }, (_, index) => issuer.token({ sub: `usr_${index}` })));
    const eraOf = (index: number): Era => (index % 2 === 0 ? "2026-07-28" : "2025-11-25");
    const answers = await Promise.all(tokens.map(async (token, index) => await readRpc(await callTool(shop.app, eraOf(index), "orders", token))));
    expect(answers.map((each) => each.result?.["structuredContent"])).toEqual(
      tokens.map((_, index) => ({ tool: "orders", subject: `usr_${index}` })),
    );
  });

  const batch = (messages: readonly Record<string, unknown>[], headers: Record<string, string> = {}) =>
    shop.app.fetch(
      new Request(endpoint, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
        body: JSON.stringify(messages.map((each) => ({ jsonrpc: "2.0", ...each }))),
      }),
    );
  const call = (id: number, name: string) => ({ id, method: "tools/call", params: { name, arguments: {} } });

  test("a batch is judged whole: one protected call stops it before anything runs", async () => {
    const good = await batch([call(1, "browse"), { method: "notifications/initialized" }, { id: 2, method: "tasks/get" }, call(3, "news")]);
    const answers: unknown = await good.json();
    expect(answers).toMatchObject([{ id: 1, result: { structuredContent: { tool: "browse" } } }, { id: 2, error: { code: -32601 } }, { id: 3 }]);
    const response = await batch([call(1, "browse"), call(2, "orders"), call(3, "refund")]);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain('scope="orders:read orders:write"');
    expect(shop.ran).toEqual(["browse", "news"]);
  });

  test("a challenge raised while a batch runs stays inside its own result, so that no other call is repeated", async () => {
    const answers: unknown = await (await batch([call(1, "step"), call(2, "browse")])).json();
    expect(answers).toMatchObject([
      { id: 1, result: { isError: true, _meta: { "mcp/www_authenticate": [expect.any(String)] } } },
      { id: 2, result: { structuredContent: { tool: "browse" } } },
    ]);
  });

  test("a batch of notifications has no answer", async () => {
    const response = await batch([{ method: "notifications/initialized" }]);
    expect(response.status).toBe(202);
    expect(await response.text()).toBe("");
  });

  test("M01 a foreign origin or host is refused, whatever it asks for", async () => {
    expect((await shop.app.fetch(rpcRequest("2026-07-28", "tools/list"))).status).toBe(200);
    for (const headers of [{ origin: "null" }, { origin: "https://evil.test" }, { host: "evil.test" }]) {
      expect((await callTool(shop.app, "2026-07-28", "browse", undefined, headers)).status).toBe(403);
      expect((await shop.app.fetch(new Request(metadataUrl, { headers }))).status).toBe(403);
    }
    expect(shop.ran).toEqual([]);
  });

  test("its metadata is at both well-known places and names the configured resource and every scope of the policy", async () => {
    for (const url of [metadataUrl, "https://store.test/.well-known/oauth-protected-resource"]) {
      const headers = { "x-forwarded-host": "evil.test", forwarded: "host=evil.test" };
      expect(await (await shop.app.fetch(new Request(url, { headers }))).json()).toEqual({
        resource: endpoint,
        authorization_servers: ["https://wallet.test"],
        scopes_supported: ["orders:read", "orders:write", "profile"],
        bearer_methods_supported: ["header"],
        resource_name: "store",
      });
    }
  });

  test("methods of HTTP that MCP does not use are refused", async () => {
    for (const method of ["PUT", "PATCH"]) expect((await shop.app.fetch(new Request(endpoint, { method, body: "{}" }))).status).toBe(405);
    expect(shop.reached).toEqual([]);
  });
});

describe("in front of a server with sessions", () => {
  const init = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } };
  const begin = async (token?: string): Promise<string> => {
    const response = await shop.app.fetch(rpcRequest("2025-11-25", "initialize", init, authorization(token)));
    await response.text();
    return response.headers.get("mcp-session-id") ?? "none";
  };
  const authorization = (token?: string): Record<string, string> => (token === undefined ? {} : { authorization: `Bearer ${token}` });
  const list = (session: string, token?: string) =>
    shop.app.fetch(rpcRequest("2025-11-25", "tools/list", {}, { "mcp-session-id": session, ...authorization(token) }));
  const within = (method: string, session: string, token?: string) =>
    shop.app.fetch(new Request(endpoint, { method, headers: { accept: "text/event-stream", "mcp-session-id": session, ...authorization(token) } }));

  beforeEach(() => {
    shop = createExistingShop("SDK v1 with sessions", issuer, clock);
    return () => shop.app.close();
  });

  test("M02 a session is its first user's: nobody else posts to it, listens to it or ends it", async () => {
    const [mine, theirs] = await Promise.all([issuer.token(), issuer.token({ sub: "usr_2" })]);
    const session = await begin(mine);
    expect((await list(session, mine)).status).toBe(200);
    const reached = shop.reached.length;
    for (const token of [theirs, undefined]) {
      expect((await list(session, token)).status).toBe(404);
      expect((await within("GET", session, token)).status).toBe(404);
      expect((await within("DELETE", session, token)).status).toBe(404);
    }
    expect(shop.reached.length).toBe(reached);
    expect((await within("DELETE", session, mine)).status).toBe(200);
    expect((await list(session, mine)).status).toBe(404);
  });

  test("M02 a session that began anonymously becomes that of the user who signs in within it", async () => {
    const session = await begin();
    expect((await list(session)).status).toBe(200);
    const challenged = rpcRequest("2025-11-25", "tools/call", { name: "orders", arguments: {} }, { "mcp-session-id": session });
    expect((await shop.app.fetch(challenged)).status).toBe(401);
    expect((await list(session, await issuer.token())).status).toBe(200);
    expect((await list(session)).status).toBe(404);
    expect((await list(session, await issuer.token({ sub: "usr_2" }))).status).toBe(404);
  });

  test("M02 a message that claims the revision without sessions reaches none, alone or in a batch", async () => {
    const [mine, theirs] = await Promise.all([issuer.token(), issuer.token({ sub: "usr_2" })]);
    const session = await begin(mine);
    const send = async (body: unknown, token?: string): Promise<string> => {
      const accept = "application/json, text/event-stream";
      const headers = { "content-type": "application/json", accept, "mcp-session-id": session, ...authorization(token) };
      return await (await shop.app.fetch(new Request(endpoint, { method: "POST", headers, body: JSON.stringify(body) }))).text();
    };
    const call = { jsonrpc: "2.0", id: 7, method: "tools/call", params: { name: "orders", arguments: {} } };
    expect(await send(call, mine)).toContain("ran orders");
    for (const claim of ["2026-07-28", "2025-11-25", ""]) {
      const claiming = { ...call, params: { ...call.params, _meta: { "io.modelcontextprotocol/protocolVersion": claim } } };
      for (const token of [theirs, undefined]) {
        for (const body of [claiming, [claiming], [call, claiming], [claiming, call]]) expect(await send(body, token)).not.toContain("ran ");
      }
    }
    expect(shop.ran).toEqual(["orders"]);
  });

  test("M02 a session that did not begin here is unknown", async () => {
    expect((await list(crypto.randomUUID(), await issuer.token())).status).toBe(404);
    expect(shop.reached).toEqual([]);
    expect(shop.events).toEqual([{ event: "refused", status: 404, reason: "unknown session" }]);
  });

  test("the list of tools carries the policy's security here too", async () => {
    const { result } = await readRpc(await list(await begin()));
    expect(result?.["tools"]).toContainEqual(
      expect.objectContaining({ name: "orders", securitySchemes: [{ type: "oauth2", scopes: ["orders:read"] }] }),
    );
  });
});

describe("a policy", () => {
  const server = { fetch: () => Promise.resolve(new Response(null, { status: 404 })) };
  const policy = { name: "store", resource: endpoint, issuer: "https://wallet.test", tools: {} };

  test("refuses to start with a mistake in it", () => {
    expect(() => protect(server, policy)).not.toThrow();
    expect(() => protect(server, { ...policy, issuer: "http://wallet.test" })).toThrow(/issuer/);
    expect(() => protect(server, { ...policy, resource: "https://store.test/mcp#x" })).toThrow(/resource/);
    expect(() => protect(server, { ...policy, tools: { "a*b": oauth2() } })).toThrow(/"\*"/);
    const ofAnApp = { ...policy, accountLink: { clientId: "store" } };
    expect(() => protect(server, ofAnApp)).toThrow(/account links/);
  });

  test("a handler of the kit outside of a protected server says so", async () => {
    expect(() => currentCall()).toThrow(/protected server/);
    await expect(handled(() => ({ kind: "challenge", scope: new Set<string>() }))({})).rejects.toThrow(/protected server/);
  });
});
