import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { answer } from "../src/answer.ts";
import { createApp } from "../src/app.ts";
import { either, oauth2 } from "../src/auth.ts";
import { createTestClock, type TestClock } from "./stand-ins/clock.ts";
import { createTestIssuer, type TestIssuer } from "./stand-ins/issuer.ts";
import { callTool, createTestShop, endpoint, eras, readRpc, rpcRequest, type TestShop } from "./stand-ins/shop.ts";

const metadataUrl = "https://store.test/.well-known/oauth-protected-resource/mcp";

let clock: TestClock;
let issuer: TestIssuer;
let shop: TestShop;

beforeEach(async () => {
  clock = createTestClock();
  issuer = await createTestIssuer(clock);
  shop = createTestShop(issuer, clock);
  return () => shop.app.close();
});

describe.each(eras)("in revision %s", (era) => {
  test("anyone may list tools, which carry their security at the top level and in _meta", async () => {
    const { result } = await readRpc(await shop.app.fetch(rpcRequest(era, "tools/list")));
    const listed = Object.fromEntries((Array.isArray(result?.["tools"]) ? result["tools"] : []).map((tool) => [tool.name, tool]));
    const signedIn = [{ type: "oauth2", scopes: ["orders:read"] }];
    expect(listed["orders"]).toMatchObject({ securitySchemes: signedIn, _meta: { securitySchemes: signedIn, ui: { visibility: ["model", "app"] } } });
    expect(listed["browse"]).toMatchObject({ securitySchemes: [{ type: "noauth" }, { type: "oauth2", scopes: [] }] });
    expect(listed["news"]).toMatchObject({ securitySchemes: [{ type: "noauth" }] });
    expect(listed["whoami"]).toMatchObject({ securitySchemes: [{ type: "oauth2", scopes: [] }] });
  });

  test("anyone may read a view, whose address is in the tool's _meta and carries a hash of its content", async () => {
    const { result } = await readRpc(await shop.app.fetch(rpcRequest(era, "resources/list")));
    const [view] = Array.isArray(result?.["resources"]) ? result["resources"] : [];
    expect(view).toMatchObject({ mimeType: "text/html;profile=mcp-app", uri: expect.stringMatching(/^ui:\/\/store\/shop-[0-9a-f]{16}\.html$/) });
    const read = await readRpc(await shop.app.fetch(rpcRequest(era, "resources/read", { uri: view.uri })));
    expect(read.result?.["contents"]).toMatchObject([{ uri: view.uri, text: "<!doctype html><title>Shop</title>", _meta: { ui: { csp: {} } } }]);
    const unknown = await readRpc(await shop.app.fetch(rpcRequest(era, "resources/read", { uri: "ui://store/shop-0.html" })));
    expect(unknown.error?.code).toBe(-32602);
  });

  test("an anonymous call of a tool that anyone may call runs it", async () => {
    for (const name of ["browse", "news"]) {
      const { result } = await readRpc(await callTool(shop.app, era, name));
      expect(result).toMatchObject({ structuredContent: { tool: name, subject: null } });
    }
  });

  test("an anonymous call of a protected tool is 401 with scope and metadata, and runs nothing", async () => {
    const response = await callTool(shop.app, era, "orders");
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe(`Bearer scope="orders:read", resource_metadata="${metadataUrl}"`);
    expect(shop.ran).toEqual([]);
  });

  test("a token with the tool's scopes runs it for its subject", async () => {
    const { result } = await readRpc(await callTool(shop.app, era, "orders", await issuer.token()));
    expect(result).toMatchObject({ structuredContent: { tool: "orders", subject: "usr_1" } });
    expect(shop.contexts[0]).toMatchObject({ clientId: "host", scope: new Set(["orders:read"]) });
  });

  test("O26 a token that lacks a scope is 403 with every scope of the tool, and still serves tools for anyone", async () => {
    const token = await issuer.token();
    const response = await callTool(shop.app, era, "refund", token);
    expect(response.status).toBe(403);
    expect(response.headers.get("www-authenticate")).toContain('Bearer error="insufficient_scope"');
    expect(response.headers.get("www-authenticate")).toContain(`scope="orders:read orders:write", resource_metadata="${metadataUrl}"`);
    expect((await callTool(shop.app, era, "browse", token)).status).toBe(200);
    expect(shop.ran).toEqual(["browse"]);
  });

  test("O25 a bad token is 401 on every tool and on every open method", async () => {
    const good = await issuer.token();
    expect((await callTool(shop.app, era, "browse", good)).status).toBe(200);
    const bad = ["x", await issuer.token({ aud: "https://other.test" }), await issuer.token({ exp: 1 })];
    for (const token of bad) {
      for (const name of ["browse", "news", "orders", "nothing"]) {
        const response = await callTool(shop.app, era, name, token);
        expect(response.status).toBe(401);
        expect(response.headers.get("www-authenticate")).toContain('error="invalid_token"');
      }
      for (const method of ["tools/list", "resources/list", "server/discover", "initialize", "ping"]) {
        expect((await shop.app.fetch(rpcRequest(era, method, {}, { authorization: `Bearer ${token}` }))).status).toBe(401);
      }
    }
    expect(shop.ran).toEqual(["browse"]);
  });

  test("O25 a client of the result form gets 401 for a bad token too", async () => {
    expect((await callTool(shop.app, era, "browse", "x", { "user-agent": "openai-mcp/1.0.0" })).status).toBe(401);
  });

  test("a tool whose auth was left out needs sign-in", async () => {
    expect((await callTool(shop.app, era, "whoami")).status).toBe(401);
    expect((await callTool(shop.app, era, "whoami", await issuer.token({ scope: undefined }))).status).toBe(200);
    expect(shop.ran).toEqual(["whoami"]);
  });

  test("M08 no other spelling of a protected tool's name runs anything", async () => {
    for (const name of [
      "Orders",
      "ORDERS",
      " orders",
      "orders ",
      "orders\t",
      "orders\u0000",
      "\u043erders",
      "o\u0308rders",
      "constructor",
      "__proto__",
    ]) {
      const headers = { "mcp-name": undefined };
      const response = await callTool(shop.app, era, name, undefined, headers);
      const message = response.headers.get("content-type") === null ? undefined : await readRpc(response);
      expect(message?.error?.code ?? response.status).toSatisfy((code: number) => [-32602, -32020, 401].includes(code));
    }
    expect(shop.ran).toEqual([]);
  });

  test("M08 methods of extensions and later revisions do not exist", async () => {
    for (const method of ["tasks/get", "tasks/result", "tasks/list", "completion/complete", "logging/setLevel", "sampling/createMessage"]) {
      const { error } = await readRpc(await shop.app.fetch(rpcRequest(era, method, { name: "orders", taskId: "orders" })));
      expect(error?.code).toBe(-32601);
    }
    expect(shop.ran).toEqual([]);
  });

  test("a tool's arguments are validated before it runs, and the answer says what is wrong", async () => {
    const response = await shop.app.fetch(rpcRequest(era, "tools/call", { name: "browse", arguments: { query: 1 } }));
    const { result } = await readRpc(response);
    expect(result).toMatchObject({ isError: true, structuredContent: { error: { code: "invalid_arguments" } } });
    expect(JSON.stringify(result)).toContain("query");
    expect(shop.ran).toEqual([]);
  });

  test("a protected tool does not say whether the arguments are right before sign-in", async () => {
    expect((await shop.app.fetch(rpcRequest(era, "tools/call", { name: "orders", arguments: { query: 1 } }))).status).toBe(401);
  });

  test("X03 a handler's error is reported, and the caller learns nothing of it", async () => {
    const response = await callTool(shop.app, era, "broken");
    const text = await response.text();
    expect(text).toContain("internal_error");
    expect(text).not.toContain("hunter2");
    expect(shop.events).toContainEqual({ event: "tool_failed", tool: "broken", error: expect.objectContaining({ message: "password=hunter2" }) });
  });

  test("a tool that demands more while running answers 401 without a token and 403 with one", async () => {
    const anonymously = await callTool(shop.app, era, "step");
    expect(anonymously.status).toBe(401);
    expect(anonymously.headers.get("www-authenticate")).toBe(`Bearer scope="payment:pr_1 profile", resource_metadata="${metadataUrl}"`);
    const signedIn = await callTool(shop.app, era, "step", await issuer.token());
    expect(signedIn.status).toBe(403);
    expect(signedIn.headers.get("www-authenticate")).toContain(
      'error="insufficient_scope", error_description="Please approve.", scope="payment:pr_1 profile"',
    );
    expect(await signedIn.json()).toMatchObject({ error: "insufficient_scope" });
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
      const { result } = await readRpc(response);
      const challenge = expect.stringMatching(
        new RegExp(`^Bearer error="insufficient_scope", error_description="[^"]+", scope="${scope}", resource_metadata=`),
      );
      expect(result).toMatchObject({ isError: true, _meta: { "mcp/www_authenticate": [challenge] } });
    }
    expect(shop.ran).toEqual(["step"]);
  });

  test("while the issuer's keys cannot be read, a token is neither believed nor called bad", async () => {
    const token = await issuer.token();
    issuer.down = true;
    for (const name of ["browse", "orders"]) {
      const response = await callTool(shop.app, era, name, token);
      expect(response.status).toBe(503);
      expect(response.headers.get("retry-after")).toBe("5");
    }
    expect((await callTool(shop.app, era, "browse")).status).toBe(200);
  });
});

describe("between header and body", () => {
  test("M06 a call whose header names a free tool and whose body names a protected one is refused as a mismatch", async () => {
    const call = (header: string, body: string) =>
      shop.app.fetch(rpcRequest("2026-07-28", "tools/call", { name: body, arguments: {} }, { "mcp-name": header }));
    expect((await call("browse", "browse")).status).toBe(200);
    const response = await call("browse", "orders");
    expect(response.status).toBe(400);
    expect((await readRpc(response)).error?.code).toBe(-32020);
    const listing = rpcRequest("2026-07-28", "tools/call", { name: "orders" }, { "mcp-method": "tools/list" });
    expect((await readRpc(await shop.app.fetch(listing))).error?.code).toBe(-32020);
    expect(shop.ran).toEqual(["browse"]);
  });
});

describe("batches of revision 2025-03-26", () => {
  const batch = (calls: readonly string[], headers: Record<string, string> = {}) =>
    shop.app.fetch(
      new Request(endpoint, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
        body: JSON.stringify(calls.map((name, id) => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: {} } }))),
      }),
    );

  test("one protected call stops the whole batch before anything runs", async () => {
    expect((await batch(["browse", "news"])).status).toBe(200);
    shop.ran.length = 0;
    const response = await batch(["browse", "orders", "refund"]);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain('scope="orders:read orders:write"');
    expect(shop.ran).toEqual([]);
  });

  test("a challenge raised while a batch runs stays inside its own result, so that no other call is repeated", async () => {
    const response = await batch(["browse", "step"]);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain("mcp/www_authenticate");
    expect(shop.ran).toEqual(["browse", "step"]);
  });
});

describe("the caller's page", () => {
  test("M01 a foreign origin or host is refused, whatever it asks for", async () => {
    expect((await shop.app.fetch(rpcRequest("2026-07-28", "tools/list"))).status).toBe(200);
    for (const headers of [{ origin: "null" }, { origin: "https://evil.test" }, { origin: "https://store.test.evil.com" }, { host: "evil.test" }]) {
      const response = await callTool(shop.app, "2026-07-28", "browse", undefined, headers);
      expect(response.status).toBe(403);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
      expect((await shop.app.fetch(new Request(metadataUrl, { headers }))).status).toBe(403);
    }
    expect(shop.ran).toEqual([]);
  });

  test("an allowed origin may read the answer, its challenge, and ask first", async () => {
    const open = createTestShop(issuer, clock, { allowedOrigins: ["https://console.test"] });
    const origin = "https://console.test";
    const response = await callTool(open.app, "2026-07-28", "orders", undefined, { origin });
    expect(response.status).toBe(401);
    expect(response.headers.get("access-control-allow-origin")).toBe(origin);
    expect(response.headers.get("access-control-expose-headers")).toContain("WWW-Authenticate");
    const preflight = await open.app.fetch(
      new Request(endpoint, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } }),
    );
    expect(preflight.status).toBe(204);
    await open.app.close();
  });
});

describe("metadata", () => {
  test("is served at both well-known places and names the configured resource, whatever host was dialled", async () => {
    const behindProxy = createTestShop(issuer, clock, { allowedHosts: ["internal:8080"] });
    for (const url of [
      metadataUrl,
      "https://store.test/.well-known/oauth-protected-resource",
      "http://internal:8080/.well-known/oauth-protected-resource/mcp",
    ]) {
      const headers = { "x-forwarded-host": "evil.test", forwarded: "host=evil.test" };
      const response = await behindProxy.app.fetch(new Request(url, { headers }));
      expect(await response.json()).toEqual({
        resource: endpoint,
        authorization_servers: ["https://wallet.test"],
        scopes_supported: ["orders:read", "orders:write", "profile"],
        bearer_methods_supported: ["header"],
        resource_name: "store",
      });
    }
    await behindProxy.app.close();
  });

  test("other paths do not exist", async () => {
    for (const path of ["/", "/mcp/", "/mcp/x", "/.well-known/oauth-protected-resource/other", "/.well-known/jwks.json"]) {
      expect((await shop.app.fetch(new Request(`https://store.test${path}`))).status).toBe(404);
    }
    expect((await shop.app.fetch(new Request(endpoint))).status).toBe(405);
  });
});

describe("scopes that imply others", () => {
  test("are one thing to enforcement, challenges, the listing and the metadata", async () => {
    const implying = createTestShop(issuer, clock, { scopes: { "orders:write": ["orders:read"] } });
    const writer = await issuer.token({ scope: "orders:write" });
    for (const name of ["refund", "orders"]) expect((await callTool(implying.app, "2026-07-28", name, writer)).status).toBe(200);
    expect(implying.contexts[0]?.scope).toEqual(new Set(["orders:write", "orders:read"]));
    const challenged = await callTool(implying.app, "2026-07-28", "refund", await issuer.token());
    expect(challenged.status).toBe(403);
    expect(challenged.headers.get("www-authenticate")).toContain('scope="orders:write"');
    const { result } = await readRpc(await implying.app.fetch(rpcRequest("2026-07-28", "tools/list")));
    expect(result?.["tools"]).toContainEqual(
      expect.objectContaining({ name: "refund", securitySchemes: [{ type: "oauth2", scopes: ["orders:write"] }] }),
    );
    const metadata: unknown = await (await implying.app.fetch(new Request(metadataUrl))).json();
    expect(metadata).toMatchObject({ scopes_supported: ["orders:read", "orders:write", "profile"] });
    expect(implying.ran).toEqual(["refund", "orders"]);
    const paying = createTestShop(issuer, clock, { scopes: { "payment:pr_1": ["profile"] } });
    const raised = await callTool(paying.app, "2026-07-28", "step", await issuer.token());
    expect(raised.headers.get("www-authenticate")).toContain('scope="payment:pr_1"');
    await paying.app.close();
    expect((await callTool(shop.app, "2026-07-28", "orders", writer)).status).toBe(403);
    await implying.app.close();
  });
});

test("tokens that have ended at the issuer open nothing any more, once the app is told", async () => {
  const token = await issuer.token({ gid: "g-1" });
  expect((await callTool(shop.app, "2026-07-28", "orders", token)).status).toBe(200);
  shop.app.forget({ grant: "g-1" });
  expect((await callTool(shop.app, "2026-07-28", "orders", token)).status).toBe(401);
  expect((await callTool(shop.app, "2026-07-28", "browse", token)).status).toBe(401);
  expect(shop.ran).toEqual(["orders"]);
});

describe("what a client says about itself", () => {
  test("reaches the handler as hints, within bounds", async () => {
    const _meta = {
      "openai/session": "s-1",
      "openai/subject": "u-1",
      "openai/widgetSessionId": "x".repeat(256),
      "countersign/idempotencyKey": "key-1",
    };
    await shop.app.fetch(rpcRequest("2025-11-25", "tools/call", { name: "browse", arguments: {}, _meta }));
    expect(shop.contexts[0]).toMatchObject({ hints: { session: "s-1", subject: "u-1" }, idempotencyKey: "key-1", subject: undefined });
    expect(shop.contexts[0]?.hints).not.toHaveProperty("widgetSession");
  });
});

describe("what a client may not lean on", () => {
  test("M02 there are no sessions: none is issued, and one presented changes nothing", async () => {
    const init = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } };
    const response = await shop.app.fetch(rpcRequest("2025-11-25", "initialize", init));
    expect(response.status).toBe(200);
    expect(response.headers.get("mcp-session-id")).toBeNull();
    const mine = await callTool(shop.app, "2025-11-25", "orders", await issuer.token(), { "mcp-session-id": "s-1" });
    expect(mine.status).toBe(200);
    expect((await callTool(shop.app, "2025-11-25", "orders", undefined, { "mcp-session-id": "s-1" })).status).toBe(401);
  });

  test("M04 state that a client brings along opens nothing", async () => {
    const params = {
      name: "orders",
      arguments: {},
      requestState: "signed-in",
      inputResponses: { consent: { action: "accept", content: { approved: true } } },
    };
    expect((await shop.app.fetch(rpcRequest("2026-07-28", "tools/call", params))).status).toBe(401);
    expect(shop.ran).toEqual([]);
  });

  test("O24 the caller's token reaches neither a handler, nor a report, nor another server", async () => {
    const token = await issuer.token();
    const sent: string[] = [];
    const watched = createTestShop(issuer, clock, {
      fetch: (url, init) => {
        sent.push(url, JSON.stringify(init ?? {}));
        return issuer.fetch(url, init);
      },
    });
    for (const name of ["orders", "step", "broken", "refund"]) await callTool(watched.app, "2026-07-28", name, token);
    expect(watched.ran).toEqual(["orders", "step"]);
    expect(sent.length).toBeGreaterThan(0);
    const seen = [...sent, ...watched.contexts.map((each) => JSON.stringify(each)), ...watched.events.map((each) => JSON.stringify(each))].join("\n");
    for (const part of token.split(".")) expect(seen).not.toContain(part);
    await watched.app.close();
  });
});

test("M05 two hundred callers with the same request id each get their own answer", async () => {
  const tokens = await Promise.all(Array.from({ length: 200 }, (_, index) => issuer.token({ sub: `usr_${index}` })));
  const answers = await Promise.all(
    tokens.map(async (token, index) => await readRpc(await callTool(shop.app, index % 2 === 0 ? "2026-07-28" : "2025-11-25", "orders", token))),
  );
  expect(answers.map((each) => each.result?.["structuredContent"])).toEqual(tokens.map((_, index) => ({ tool: "orders", subject: `usr_${index}` })));
});

describe("an app", () => {
  const bare = { name: "bare", version: "1", resource: "https://bare.test/mcp" };
  const input = z.object({});

  test("without an issuer serves tools without auth to anyone and ignores an Authorization header", async () => {
    const app = createApp(bare);
    app.tool("hello", { description: "hello", input }, () => answer({}));
    const request = new Request("https://bare.test/mcp", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json, text/event-stream", authorization: "Bearer x" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "hello", arguments: {} } }),
    });
    expect((await app.fetch(request)).status).toBe(200);
    expect((await app.fetch(new Request("https://bare.test/.well-known/oauth-protected-resource"))).status).toBe(404);
    await app.close();
  });

  test("refuses to start with a mistake in it", () => {
    const app = createApp(bare);
    expect(() => app.tool("orders", { description: "", input, auth: oauth2("orders:read") }, () => answer({}))).toThrow(/issuer/);
    expect(() => app.tool("orders", { description: "", input, auth: either() }, () => answer({}))).toThrow(/issuer/);
    expect(() => app.tool("shop", { description: "", input, ui: "shop" }, () => answer({}))).toThrow(/view/);
    expect(() => app.tool("a b", { description: "", input }, () => answer({}))).toThrow(/name/);
    app.tool("once", { description: "", input }, () => answer({}));
    expect(() => app.tool("once", { description: "", input }, () => answer({}))).toThrow(/taken/);
    expect(() => createApp({ ...bare, resource: "https://bare.test/mcp#x" })).toThrow(/resource/);
    expect(() => createApp({ ...bare, resource: "https://BARE.test/mcp" })).toThrow(/resource/);
    expect(() => createApp({ ...bare, issuer: "http://wallet.test" })).toThrow(/issuer/);
    expect(() => oauth2("two words")).toThrow(/scope/);
  });

  test("offers nothing new once it serves", async () => {
    const app = createApp(bare);
    app.tool("first", { description: "", input }, () => answer({}));
    await app.fetch(new Request("https://bare.test/mcp"));
    expect(() => app.tool("late", { description: "", input }, () => answer({}))).toThrow(/late/);
    await app.close();
  });

  test("M13 gives a view another address when its document or its rights change", () => {
    const uris = [{ html: "a" }, { html: "b" }, { html: "a", csp: { connectDomains: ["https://x.test"] } }, { html: "a" }].map((definition) =>
      createApp(bare).ui("v", definition),
    );
    expect(new Set(uris).size).toBe(3);
    expect(uris[0]).toBe(uris[3]);
  });

  test("an answer that breaks the published output schema is an internal error, never a wrong answer", async () => {
    const app = createApp(bare);
    app.tool("odd", { description: "", input, output: z.object({ count: z.number() }) }, () => answer({ count: "many" }));
    const { result } = await readRpc(
      await app.fetch(
        new Request("https://bare.test/mcp", {
          method: "POST",
          headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
          body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "odd", arguments: {} } }),
        }),
      ),
    );
    expect(result).toMatchObject({ isError: true, structuredContent: { error: { code: "internal_error" } } });
    await app.close();
  });
});
