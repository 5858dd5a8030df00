import { afterEach, describe, expect, it } from "vitest";
import { newToken } from "../../src/digest.ts";
import { StandInAuthorizationServer } from "../stand-in/authorization-server.ts";
import { listen } from "../stand-in/http-server.ts";
import { World, type Browser, type CallSeen, type WorldOptions } from "../stand-in/world.ts";

let world: World;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await world.close();
  for (const close of closing.splice(0)) await close();
});

async function begin(options: WorldOptions = {}): Promise<Browser> {
  world = await World.start(options);
  const browser = world.browser();
  await browser.open();
  return browser;
}

async function park(browser: Browser): Promise<CallSeen & { readonly startUrl: string }> {
  const call = await browser.parked((await browser.call("list_orders")).id);
  return { ...call, startUrl: call.flow?.startUrl ?? "" };
}

function withQuery(url: string, change: (query: URLSearchParams) => void): string {
  const changed = new URL(url);
  change(changed.searchParams);
  return changed.href;
}

async function tokensHeld(browser: Browser): Promise<unknown> {
  const body: unknown = await (await browser.fetch("/api/session")).json();
  return body;
}

/** A server that writes down what reaches it. */
async function sink(): Promise<{ readonly origin: string; readonly seen: { readonly body: string; readonly authorization: string | null }[] }> {
  const seen: { body: string; authorization: string | null }[] = [];
  const running = await listen(async (request) => {
    seen.push({ body: await request.text(), authorization: request.headers.get("authorization") });
    return Response.json({});
  });
  closing.push(running.close);
  return { origin: running.origin, seen };
}

describe("the way to the authorization server", () => {
  it("carries PKCE S256, resource on both requests, a distinct callback, and no secret in any page", async () => {
    const browser = await begin();
    const { startUrl, id } = await park(browser);
    const started = await browser.fetch(startUrl);
    expect(started.status).toBe(303);
    const url = new URL(started.headers.get("location") ?? "");
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: "code",
      client_id: "countersign-host",
      code_challenge_method: "S256",
      resource: world.server.url,
      scope: "orders:read",
    });
    expect(url.searchParams.get("redirect_uri")).toMatch(/^http:\/\/127\.0\.0\.1:4100\/callback\/[\w-]{22}$/);
    const answered = await fetch(url, { redirect: "manual" });
    const page = await browser.fetch(answered.headers.get("location") ?? "");
    const text = await page.text();
    expect(page.headers.get("content-security-policy")).toMatch(/default-src 'none'.*script-src 'self'/);
    expect(text).not.toMatch(/<script>|code=/);
    expect((await browser.settled(id)).state).toBe("completed");
    expect(world.authorizationServer.tokenRequests[0]?.get("resource")).toBe(world.server.url);
  });

  it("O40 draws state and verifier independently, 256 bits each, anew for every trip", async () => {
    const browser = await begin();
    const { startUrl } = await park(browser);
    const seen: string[] = [];
    for (let trip = 0; trip < 3; trip += 1) {
      const callback = await browser.visitAuthorizationServer(startUrl);
      const query = world.authorizationServer.authorizeRequests.at(-1);
      seen.push(query?.get("state") ?? "", query?.get("code_challenge") ?? "");
      if (trip === 2) await browser.fetch(callback);
    }
    seen.push(world.authorizationServer.tokenRequests[0]?.get("code_verifier") ?? "");
    expect(seen.every((value) => /^[\w-]{43}$/.test(value))).toBe(true);
    expect(new Set(seen).size).toBe(7);
    const sample = Array.from({ length: 100_000 }, () => newToken());
    expect(new Set(sample).size).toBe(100_000);
  });

  it("is open to the flow's own user only", async () => {
    const browser = await begin();
    const { startUrl } = await park(browser);
    const stranger = world.browser();
    expect((await stranger.fetch(startUrl)).status).toBe(403);
    await stranger.open();
    expect((await stranger.fetch(startUrl)).status).toBe(404);
    expect((await browser.fetch(startUrl, { headers: { "sec-fetch-site": "cross-site" } })).status).toBe(403);
    expect((await browser.fetch(startUrl)).status).toBe(303);
  });

  it.each([
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "https://a.example/$(x)",
    "--flag",
    `https://a.example/${"a".repeat(100_000)}`,
  ])("M10 never opens %s", async (endpoint) => {
    const browser = await begin();
    world.authorizationServer.behaviour.metadata = { authorization_endpoint: endpoint };
    const call = await browser.settled((await browser.call("list_orders")).id);
    expect(call).toMatchObject({ state: "failed", error: { code: expect.stringMatching(/^(unsafe_url|invalid_metadata)$/) } });
    expect(call.flow).toBeUndefined();
  });
});

describe("the way back", () => {
  it("O08 a missing, unknown, doubled, reused or expired state changes nothing", async () => {
    const browser = await begin();
    const { startUrl, id } = await park(browser);
    const callback = await browser.visitAuthorizationServer(startUrl);
    const bad = [
      withQuery(callback, (query) => query.delete("state")),
      withQuery(callback, (query) => query.set("state", "A".repeat(43))),
      withQuery(callback, (query) => query.append("state", "A".repeat(43))),
      withQuery(callback, (query) => query.set("code", "c".repeat(5000))),
    ];
    for (const url of bad) expect((await browser.fetch(url)).status).toBe(400);
    expect(world.authorizationServer.tokenRequests).toEqual([]);
    expect(world.audit.map((line) => line.event)).toEqual(bad.map(() => "callback.refused"));
    expect((await browser.fetch(callback)).status).toBe(200);
    expect((await browser.settled(id)).state).toBe("completed");
    expect(world.audit.at(-1)).toMatchObject({ event: "flow.granted" });
    expect((await browser.fetch(callback)).status).toBe(400);
    expect(world.authorizationServer.tokenRequests).toHaveLength(1);
  });

  it("O08 an expired state is refused", async () => {
    const browser = await begin();
    const callback = await browser.visitAuthorizationServer((await park(browser)).startUrl);
    world.offsetMs += 10 * 60_000 + 1;
    expect((await browser.fetch(callback)).status).toBe(400);
    expect(world.authorizationServer.tokenRequests).toEqual([]);
  });

  it("O07 O09 another user's browser, or one without cookies, cannot finish a flow", async () => {
    const browser = await begin();
    const { startUrl, id } = await park(browser);
    const callback = await browser.visitAuthorizationServer(startUrl);
    const other = world.browser();
    expect((await other.fetch(callback)).status).toBe(403);
    await other.open();
    expect((await other.fetch(callback)).status).toBe(403);
    const copied = world.browser();
    copied.cookies.set("cs_session", browser.cookies.get("cs_session") ?? "");
    expect((await copied.fetch(callback)).status).toBe(400);
    expect(world.authorizationServer.tokenRequests).toEqual([]);
    expect(JSON.stringify(await tokensHeld(other))).not.toContain('"token"');
    expect((await browser.fetch(callback)).status).toBe(200);
    expect((await browser.settled(id)).state).toBe("completed");
  });

  it("O07 a foreign code under a good state gives no token", async () => {
    const browser = await begin();
    const { startUrl, id } = await park(browser);
    const callback = await browser.visitAuthorizationServer(startUrl);
    const foreign = world.browser();
    await foreign.open();
    const stolen = new URL(await foreign.visitAuthorizationServer((await park(foreign)).startUrl)).searchParams.get("code") ?? "";
    await browser.fetch(withQuery(callback, (query) => query.set("code", stolen)));
    expect(await browser.settled(id)).toMatchObject({ state: "failed", error: { code: "flow_failed" } });
    expect(JSON.stringify(await tokensHeld(browser))).not.toContain('"token"');
  });

  it.each([
    ["another", (origin: string) => `${origin}x`],
    ["a trailing slash", (origin: string) => `${origin}/`],
    ["another case", (origin: string) => origin.replace("http", "HTTP")],
    ["missing while advertised", () => null],
  ])("O10 iss: %s is refused before any token request", async (_, issOf) => {
    const browser = await begin();
    world.authorizationServer.behaviour.iss = issOf(world.authorizationServer.origin);
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "failed", error: { code: "issuer_mismatch" } });
    world.authorizationServer.behaviour.error = "access_denied";
    expect(await browser.signInBy("list_orders")).toMatchObject({ error: { code: "issuer_mismatch" } });
    expect(world.authorizationServer.tokenRequests).toEqual([]);
  });

  it("O11 the state of one callback is refused at another", async () => {
    const browser = await begin();
    const { startUrl, id } = await park(browser);
    const callback = await browser.visitAuthorizationServer(startUrl);
    const elsewhere = callback.replace(/callback\/[\w-]+/, `callback/${"A".repeat(22)}`);
    expect((await browser.fetch(elsewhere)).status).toBe(400);
    expect(world.authorizationServer.tokenRequests).toEqual([]);
    expect((await browser.fetch(callback)).status).toBe(200);
    expect((await browser.settled(id)).state).toBe("completed");
  });

  it("M11 the authorization server's texts are never repeated", async () => {
    const browser = await begin();
    world.authorizationServer.behaviour.error = "server_error";
    const { startUrl, id } = await park(browser);
    const page = await browser.signIn(startUrl);
    expect(await page.text()).not.toMatch(/alert/);
    expect(await browser.settled(id)).toMatchObject({ error: { code: "flow_failed" } });
  });

  it("a flow that was cancelled meanwhile keeps nothing, and what was granted is given back", async () => {
    const browser = await begin();
    const { startUrl, id, flow } = await park(browser);
    const callback = await browser.visitAuthorizationServer(startUrl);
    const { promise, resolve } = Promise.withResolvers<void>();
    world.authorizationServer.behaviour.hold = promise;
    const finishing = browser.fetch(callback);
    await expect.poll(() => world.authorizationServer.tokenRequests.length).toBe(1);
    await browser.post(`/api/flows/${flow?.id}/cancel`);
    resolve();
    await finishing;
    expect(await browser.settled(id)).toMatchObject({ error: { code: "cancelled" } });
    expect(JSON.stringify(await tokensHeld(browser))).not.toContain('"token"');
    expect(world.authorizationServer.revoked).toHaveLength(1);
  });
});

describe("discovery", () => {
  it("O12 metadata that names another issuer is refused", async () => {
    const browser = await begin();
    world.authorizationServer.behaviour.metadata = { issuer: "https://honest.example" };
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ error: { code: "issuer_mismatch" } });
    expect(world.authorizationServer.authorizeRequests).toEqual([]);
  });

  it("O13 protected resource metadata that names another resource is refused", async () => {
    const browser = await begin();
    world.server.prm = { resource: "https://honest.example/mcp" };
    const call = await browser.settled((await browser.call("list_orders")).id);
    expect(call).toMatchObject({ state: "failed", error: { code: "resource_mismatch" } });
    expect(call.flow).toBeUndefined();
  });

  it("O14 after sign-in, a server that names a new authorization server gets no credential for it", async () => {
    const browser = await begin({ tools: { list_orders: { demands: ["orders:read"] }, write: { demands: ["orders:write"] } } });
    await browser.signInBy("list_orders");
    const evil = await StandInAuthorizationServer.start();
    closing.push(evil.close);
    world.server.prm = { authorization_servers: [evil.origin] };
    expect(await browser.settled((await browser.call("write")).id)).toMatchObject({ error: { code: "registration_unavailable" } });
    world.offsetMs += 400_000;
    expect((await browser.settled((await browser.call("list_orders")).id)).state).toBe("completed");
    await browser.post("/api/connectors/store/sign-out");
    expect(world.authorizationServer.tokenRequests.map((form) => form.get("grant_type"))).toEqual(["authorization_code", "refresh_token"]);
    await expect.poll(() => world.authorizationServer.revoked.length).toBe(1);
    expect([...evil.tokenRequests, ...evil.authorizeRequests, ...evil.revoked]).toEqual([]);
  });

  it("O15 a redirect is not followed by token, metadata or MCP requests", async () => {
    const browser = await begin();
    const evil = await sink();
    const redirect = (): Response => new Response(null, { status: 307, headers: { location: evil.origin } });
    world.authorizationServer.behaviour.tokenResponse = redirect;
    expect(await browser.signInBy("list_orders")).toMatchObject({ error: { code: "flow_failed" } });
    world.authorizationServer.behaviour.tokenResponse = undefined;
    await browser.signInBy("list_orders");
    world.server.intercept = (_, method) => (method === "tools/call" ? redirect() : undefined);
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ error: { code: "protocol_error" } });
    world.server.intercept = (_, method) => (method === "prm" ? redirect() : undefined);
    await browser.post("/api/connectors/store/sign-out");
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ error: { code: "invalid_metadata" } });
    expect(evil.seen).toEqual([]);
  });

  it("refuses a server without PKCE S256, and one where no client is registered", async () => {
    const browser = await begin();
    world.authorizationServer.behaviour.metadata = { code_challenge_methods_supported: ["plain"] };
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ error: { code: "pkce_unsupported" } });
    const stranger = await StandInAuthorizationServer.start();
    closing.push(stranger.close);
    world.server.prm = { authorization_servers: [stranger.origin] };
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ error: { code: "registration_unavailable" } });
  });

  it("M21 a hostile challenge header ends in a typed error", async () => {
    const browser = await begin({ tools: { list_orders: { schemes: null } } });
    const headers = [
      `Bearer scope="${"a ".repeat(5000)}"`,
      `Bearer ${'realm="x", '.repeat(30)}`,
      'Bearer scope="a',
      'Bearer resource_metadata="javascript:alert(1)"',
    ];
    for (const header of headers) {
      world.server.intercept = (_, method) =>
        method === "tools/call" ? new Response(null, { status: 401, headers: { "www-authenticate": header } }) : undefined;
      const call = await browser.settled((await browser.call("list_orders")).id);
      expect(call.state).toBe("failed");
      expect(["invalid_challenge", "unsafe_url"]).toContain(call.error?.code);
    }
  });

  it("a 401 without any header falls back to the well-known place", async () => {
    const browser = await begin({ tools: { list_orders: { schemes: null } } });
    world.server.prm = { scopes_supported: ["orders:read"] };
    world.server.intercept = (request, method) =>
      method === "tools/call" && !request.headers.has("authorization") ? new Response(null, { status: 401 }) : undefined;
    const parked = await browser.parked((await browser.call("list_orders")).id);
    expect(parked.flow?.scope).toEqual(["orders:read"]);
    await browser.signIn(parked.flow?.startUrl ?? "");
    expect((await browser.settled(parked.id)).state).toBe("completed");
  });
});
