import { afterEach, describe, expect, it } from "vitest";
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

async function startServer(): Promise<StandInAuthorizationServer> {
  const server = await StandInAuthorizationServer.start();
  closing.push(server.close);
  return server;
}

function offerRegistration(server: StandInAuthorizationServer): void {
  server.behaviour.metadata = { registration_endpoint: `${server.origin}/register`, token_endpoint_auth_methods_supported: ["none"] };
}

async function outcome(browser: Browser): Promise<CallSeen> {
  return browser.settled((await browser.call("list_orders")).id);
}

/** The path of every metadata request that reaches the resource. */
function watchMetadata(paths: string[], answer: (path: string) => Response | undefined): void {
  world.server.intercept = (request, method) => {
    if (method !== "prm") return undefined;
    const { pathname } = new URL(request.url);
    paths.push(pathname);
    return answer(pathname);
  };
}

const missing = (): Response => new Response(null, { status: 404 });

describe("protected resource metadata", () => {
  it("is looked for at resource_metadata, then with the path, then at the root", async () => {
    const browser = await begin({ tools: { list_orders: { schemes: null, demands: ["orders:read"] } } });
    const paths: string[] = [];
    watchMetadata(paths, (path) => (path === "/.well-known/oauth-protected-resource" ? undefined : missing()));
    const parked = await browser.parked((await browser.call("list_orders")).id);
    expect(paths).toEqual(["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"]);
    await browser.signIn(parked.flow?.startUrl ?? "");
    expect((await browser.settled(parked.id)).state).toBe("completed");
  });

  it("that answers with a page for people counts as absent, a broken document does not", async () => {
    const browser = await begin();
    const page = (): Response => new Response("<!doctype html>", { headers: { "content-type": "text/html" } });
    watchMetadata([], (path) => (path.endsWith("/mcp") ? page() : undefined));
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
    await browser.post("/api/connectors/store/sign-out");
    watchMetadata([], () => new Response("{", { headers: { "content-type": "application/json" } }));
    expect(await outcome(browser)).toMatchObject({ error: { code: "invalid_metadata" } });
  });
});

describe("a resource that is its whole origin", () => {
  it("O13 may say so at the root of that origin only, and is then asked for by that name, also at renewal", async () => {
    const browser = await begin();
    const { origin } = world.server;
    world.server.prm = { resource: origin };
    expect(await outcome(browser)).toMatchObject({ error: { code: "resource_mismatch" } });
    watchMetadata([], (path) => (path.endsWith("/mcp") ? missing() : undefined));
    // The challenge names the document with the path; that it is gone leads to the root.
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
    world.offsetMs += 400_000;
    expect(await outcome(browser)).toMatchObject({ state: "completed" });
    const named = [...world.authorizationServer.authorizeRequests, ...world.authorizationServer.tokenRequests].map((each) => each.get("resource"));
    expect(named).toEqual([origin, origin, origin]);
    expect(world.authorizationServer.tokenRequests.map((form) => form.get("grant_type"))).toEqual(["authorization_code", "refresh_token"]);
  });
});

describe("several authorization servers", () => {
  it("the one where a client is known is chosen, wherever it stands in the list", async () => {
    const browser = await begin();
    const other = await startServer();
    offerRegistration(other);
    world.server.prm = { authorization_servers: [other.origin, world.authorizationServer.origin] };
    const parked = await browser.parked((await browser.call("list_orders")).id);
    expect(parked.flow?.issuer).toBe(world.authorizationServer.origin);
    expect(other.registrations).toEqual([]);
  });

  it("without a known client, the first that is usable is chosen, and stays chosen once registered there", async () => {
    const browser = await begin({ host: { clients: {} } });
    const [closed, open, later] = [await startServer(), await startServer(), await startServer()];
    offerRegistration(open);
    const down = await startServer();
    await down.close();
    world.server.prm = { authorization_servers: [down.origin, closed.origin, open.origin] };
    const parked = await browser.parked((await browser.call("list_orders")).id);
    expect(parked.flow?.issuer).toBe(open.origin);
    offerRegistration(later);
    world.server.prm = { authorization_servers: [later.origin, open.origin] };
    await browser.post(`/api/flows/${parked.flow?.id}/cancel`);
    const again = await browser.parked((await browser.call("list_orders", { again: true })).id);
    expect(again.flow?.issuer).toBe(open.origin);
    expect(later.registrations).toEqual([]);
  });

  it("where none lets this host be a client, the user is told what to do", async () => {
    const browser = await begin({ host: { clients: {} } });
    const [first, second] = [await startServer(), await startServer()];
    world.server.prm = { authorization_servers: [first.origin, second.origin] };
    const failed = await outcome(browser);
    expect(failed).toMatchObject({ error: { code: "registration_unavailable" } });
    const trace = await (await browser.fetch(`/api/calls/${failed.id}/trace`)).text();
    expect(trace).toMatch(
      /make one there with the redirect URI http:\/\/127\.0\.0\.1:4100\/callback\/[\w-]{22} and enter it in the connector's settings/,
    );
  });
});

describe("authorization server metadata", () => {
  it("is believed for a minute, and no longer once a sign-in there came to nothing", async () => {
    const browser = await begin();
    let asked = 0;
    const metadata = world.authorizationServer.metadata.bind(world.authorizationServer);
    world.authorizationServer.metadata = () => {
      asked += 1;
      return metadata();
    };
    await browser.signInBy("list_orders");
    await browser.post("/api/connectors/store/sign-out");
    await browser.signInBy("list_orders");
    expect(asked).toBe(1);
    await browser.post("/api/connectors/store/sign-out");
    world.offsetMs += 60_001;
    const parked = await browser.parked((await browser.call("list_orders")).id);
    expect(asked).toBe(2);
    await browser.post(`/api/flows/${parked.flow?.id}/cancel`);
    await browser.settled(parked.id);
    await browser.parked((await browser.call("list_orders", { again: true })).id);
    expect(asked).toBe(3);
  });

  it("that is silent about PKCE is refused, unless the connector's settings say that the server knows it; PKCE is used all the same", async () => {
    const browser = await begin();
    world.authorizationServer.behaviour.metadata = { code_challenge_methods_supported: undefined };
    expect(await outcome(browser)).toMatchObject({ error: { code: "pkce_unsupported" } });
    const settings = { mode: "mixed", allowUnadvertisedPkce: true } as const;
    await world.startHost({ connectors: [{ id: "store", name: "Store", url: world.server.url, settings }] });
    await browser.open();
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
    expect(world.authorizationServer.authorizeRequests[0]?.get("code_challenge_method")).toBe("S256");
    world.authorizationServer.behaviour.metadata = { code_challenge_methods_supported: ["plain"] };
    world.offsetMs += 61_000;
    await browser.post("/api/connectors/store/sign-out");
    expect(await outcome(browser)).toMatchObject({ error: { code: "pkce_unsupported" } });
  });
});

describe("a server without any metadata", () => {
  /** A server of MCP 2025-03-26: resource and authorization server in one origin. */
  async function beginOld(own: (path: string, request: Request) => Promise<Response | undefined> | Response | undefined): Promise<{
    readonly browser: Browser;
    readonly paths: string[];
  }> {
    const browser = await begin({ host: { clients: {} }, tools: { list_orders: { schemes: null, demands: ["orders:read"] } } });
    const paths: string[] = [];
    const upstream = world.server.url;
    const front = await listen(async (request) => {
      const { pathname, search } = new URL(request.url);
      paths.push(pathname);
      const special = await own(pathname, request);
      if (special !== undefined) return special;
      if (pathname !== "/mcp") return missing();
      const body = request.method === "POST" ? { body: await request.text() } : {};
      const answer = await fetch(upstream + search, { method: request.method, headers: request.headers, ...body });
      const headers = new Headers(answer.headers);
      if (headers.has("www-authenticate")) headers.set("www-authenticate", "Bearer");
      headers.delete("content-encoding");
      headers.delete("content-length");
      return new Response(await answer.text(), { status: answer.status, headers });
    });
    closing.push(front.close);
    await world.startHost({ clients: {}, connectors: [{ id: "store", name: "Store", url: `${front.origin}/mcp` }] });
    await browser.open();
    return { browser, paths };
  }

  it("is asked at the paths that MCP 2025-03-26 fixed, and signs in there", async () => {
    const { browser, paths } = await beginOld(async (path, request) => {
      const server = world.authorizationServer;
      if (!["/authorize", "/token", "/register"].includes(path)) return undefined;
      const body = request.method === "POST" ? await request.text() : undefined;
      const init = body === undefined ? {} : { method: "POST", body, headers: request.headers };
      server.behaviour.iss = null;
      const url = new URL(path + new URL(request.url).search, server.origin);
      // Asked for nothing, it grants what it always grants.
      if (path === "/authorize") url.searchParams.set("scope", "orders:read");
      return server.fetch(new Request(url, init));
    });
    const parked = await browser.parked((await browser.call("list_orders")).id);
    await browser.signIn(parked.flow?.startUrl ?? "");
    expect((await browser.settled(parked.id)).state).toBe("completed");
    expect(paths.filter((path) => path !== "/mcp")).toEqual([
      "/.well-known/oauth-protected-resource/mcp",
      "/.well-known/oauth-protected-resource",
      "/.well-known/oauth-authorization-server",
      "/register",
      "/authorize",
      "/token",
    ]);
  });

  it("that has no sign-in at all is told apart: no popup, and the error says that nothing was found", async () => {
    const { browser } = await beginOld(() => undefined);
    const failed = await outcome(browser);
    expect(failed).toMatchObject({ state: "failed", error: { code: "metadata_not_found" } });
    expect(failed.flow).toBeUndefined();
  });
});

describe("scope", () => {
  it("offline_access is added where the authorization server lists it, and only there", async () => {
    const browser = await begin();
    world.authorizationServer.behaviour.metadata = { scopes_supported: ["orders:read", "offline_access"] };
    const parked = await browser.parked((await browser.call("list_orders")).id);
    expect(parked.flow?.scope).toEqual(["offline_access", "orders:read"]);
  });

  it("of the connector's settings goes beside a demand, and in place of what the metadata lists", async () => {
    const browser = await begin({ tools: { list_orders: { demands: ["orders:read"] }, any: { schemes: [{ type: "oauth2" }], demands: [] } } });
    world.server.prm = { scopes_supported: ["everything"] };
    const settings = { mode: "mixed", scope: new Set(["shop/basic"]) } as const;
    await world.startHost({ connectors: [{ id: "store", name: "Store", url: world.server.url, settings }] });
    await browser.open();
    const demanding = await browser.parked((await browser.call("list_orders")).id);
    expect(demanding.flow?.scope).toEqual(["orders:read", "shop/basic"]);
    await browser.post(`/api/flows/${demanding.flow?.id}/cancel`);
    await browser.settled(demanding.id);
    expect((await browser.parked((await browser.call("any")).id)).flow?.scope).toEqual(["shop/basic"]);
  });
});
