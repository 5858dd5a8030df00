import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseIssuer } from "@countersign/protocol/resource";
import { Secret } from "@countersign/protocol/secret";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { World, type Browser } from "../stand-in/world.ts";

let world: World;
let folder: string | undefined;
afterEach(async () => {
  await world.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
});

const tokenShape = z.looseObject({ issuer: z.string(), scope: z.array(z.string()) });
const connectorShape = z.looseObject({
  id: z.string(),
  status: z.string(),
  mode: z.string(),
  settings: z.looseObject({ mode: z.string() }),
  token: tokenShape.optional(),
  error: z.looseObject({ code: z.string() }).optional(),
});
type ConnectorSeen = z.infer<typeof connectorShape>;

/** The server answers nothing at all without a token that it knows and that has the scope. */
function protect(scope?: string): void {
  world.server.intercept = (request, method) => {
    if (method === "prm") return undefined;
    const token = request.headers.get("authorization")?.replace(/^Bearer /, "");
    const granted = token === undefined ? undefined : world.authorizationServer.granted.get(token);
    const scopes = scope === undefined ? [] : [scope];
    const challenge = (status: number, error?: string): Response =>
      new Response(null, { status, headers: { "www-authenticate": world.server.challengeText(error, scopes) } });
    if (granted?.active !== true) return challenge(401, token === undefined ? undefined : "invalid_token");
    return scopes.every((each) => granted.scope.has(each)) ? undefined : challenge(403, "insufficient_scope");
  };
}

async function readConnector(browser: Browser, id = "store"): Promise<ConnectorSeen> {
  return connectorShape.parse(await (await browser.fetch(`/api/connectors/${id}`)).json());
}

function standing(browser: Browser, status: string, id = "store"): Promise<ConnectorSeen> {
  return vi.waitUntil(
    async () => {
      const connector = await readConnector(browser, id);
      return connector.status === status ? connector : undefined;
    },
    { timeout: 15_000, interval: 20 },
  );
}

async function toolNames(browser: Browser, id = "store"): Promise<readonly string[] | string> {
  const answer: unknown = await (await browser.fetch(`/api/connectors/${id}/tools`)).json();
  const listed = z.object({ tools: z.array(z.looseObject({ name: z.string() })) }).safeParse(answer);
  return listed.success ? listed.data.tools.map((tool) => tool.name) : z.looseObject({ code: z.string() }).parse(answer).code;
}

async function beginSignIn(browser: Browser, id = "store"): Promise<{ id: string; startUrl: string; scope: string[] }> {
  const response = await browser.post(`/api/connectors/${id}/sign-in`);
  expect(response.status).toBe(201);
  return z.looseObject({ id: z.string(), startUrl: z.string(), scope: z.array(z.string()) }).parse(await response.json());
}

async function begin(options: Parameters<typeof World.start>[0] = {}): Promise<Browser> {
  world = await World.start(options);
  return world.browser();
}

describe("a server that answers nothing without sign-in", () => {
  it("makes the connector full; one sign-in later it is connected and its tools appear", async () => {
    const browser = await begin();
    protect("tools:use");
    await browser.open();
    const before = await standing(browser, "sign_in_required");
    expect(before.mode).toBe("full");
    expect(await toolNames(browser)).toBe("authorization_required");
    const flow = await beginSignIn(browser);
    expect(flow.scope).toEqual(["tools:use"]);
    expect((await beginSignIn(browser)).id).toBe(flow.id);
    await browser.signIn(flow.startUrl);
    const after = await standing(browser, "connected");
    expect(after).toMatchObject({ mode: "full", token: { scope: ["tools:use"] } });
    expect(await toolNames(browser)).toEqual(["browse", "list_orders"]);
  });

  it("O25 gets the token with every request, also for tools that need none, and never a call without one", async () => {
    const browser = await begin();
    protect();
    await browser.open();
    await standing(browser, "sign_in_required");
    await browser.signIn((await beginSignIn(browser)).startUrl);
    await standing(browser, "connected");
    world.server.authorizations.length = 0;
    world.server.methods.length = 0;
    expect(await browser.settled((await browser.call("browse")).id)).toMatchObject({ state: "completed" });
    expect(world.server.executions).toMatchObject([{ tool: "browse", token: expect.any(String) }]);
    expect(world.server.authorizations).toHaveLength(world.server.methods.length);
    await browser.openWidget();
    expect(world.server.authorizations).toHaveLength(world.server.methods.length);
  });

  it("lets a call that came before the sign-in wait for the same flow, and runs it once", async () => {
    const browser = await begin();
    protect();
    await browser.open();
    await standing(browser, "sign_in_required");
    const parked = await browser.parked((await browser.call("browse")).id);
    const flow = await beginSignIn(browser);
    expect(parked.flow?.id).toBe(flow.id);
    await browser.signIn(flow.startUrl);
    expect(await browser.settled(parked.id)).toMatchObject({ state: "completed" });
    expect(world.server.executions).toHaveLength(1);
    await standing(browser, "connected");
  });

  it("judges the tool of such a call once it is known", async () => {
    const browser = await begin({ tools: { hidden: { visibility: ["model"] }, browse: {} } });
    protect();
    await browser.open();
    await standing(browser, "sign_in_required");
    const parked = await browser.parked((await browser.call("nothing")).id);
    await browser.signIn(parked.flow?.startUrl ?? "");
    expect(await browser.settled(parked.id)).toMatchObject({ state: "failed", error: { code: "unknown_tool" } });
    const widgetId = await browser.openWidget();
    for (const row of world.authorizationServer.granted.values()) row.active = false;
    await browser.post("/api/connectors/store/sign-out");
    await standing(browser, "sign_in_required");
    const late = await browser.parked((await browser.call("hidden", {}, { origin: "widget", widgetId })).id);
    await browser.signIn(late.flow?.startUrl ?? "");
    expect(await browser.settled(late.id)).toMatchObject({ state: "failed", error: { code: "tool_not_visible" } });
    expect(world.server.executions).toEqual([]);
  });

  it("renews a refused token by itself; a dead one makes sign-in needed again, typed, and the next sign-in repairs it", async () => {
    const browser = await begin();
    protect();
    await browser.open();
    await standing(browser, "sign_in_required");
    await browser.signIn((await beginSignIn(browser)).startUrl);
    await standing(browser, "connected");
    for (const granted of world.authorizationServer.granted.values()) granted.active = false;
    world.offsetMs += 61_000;
    expect(await toolNames(browser)).toEqual(["browse", "list_orders"]);
    expect(world.authorizationServer.tokenRequests.at(-1)?.get("grant_type")).toBe("refresh_token");
    for (const granted of world.authorizationServer.granted.values()) granted.active = false;
    world.authorizationServer.behaviour.tokenResponse = () => Response.json({ error: "invalid_grant" }, { status: 400 });
    world.offsetMs += 61_000;
    expect(await toolNames(browser)).toBe("authorization_required");
    const dead = await readConnector(browser);
    expect(dead).toMatchObject({ status: "sign_in_required", mode: "full" });
    expect(dead.token).toBeUndefined();
    world.authorizationServer.behaviour.tokenResponse = undefined;
    await browser.signIn((await beginSignIn(browser)).startUrl);
    await standing(browser, "connected");
    expect(await toolNames(browser)).toEqual(["browse", "list_orders"]);
  });

  it("O26 asks for the union when the token lacks a scope, and does not ask by itself again and again", async () => {
    const browser = await begin();
    protect("a");
    await browser.open();
    await standing(browser, "sign_in_required");
    await browser.signIn((await beginSignIn(browser)).startUrl);
    await standing(browser, "connected");
    protect("b");
    world.offsetMs += 61_000;
    expect(await toolNames(browser)).toBe("authorization_required");
    const requests = world.authorizationServer.authorizeRequests.length;
    const flow = await beginSignIn(browser);
    expect(flow.scope).toEqual(["a", "b"]);
    world.server.intercept = (_, method) =>
      method === "prm"
        ? undefined
        : new Response(null, { status: 403, headers: { "www-authenticate": world.server.challengeText("insufficient_scope", ["b"]) } });
    await browser.signIn(flow.startUrl);
    await standing(browser, "sign_in_required");
    expect(world.authorizationServer.authorizeRequests).toHaveLength(requests + 1);
  });

  it("says why a sign-in did not help, and lets the user try again", async () => {
    const browser = await begin();
    protect();
    await browser.open();
    await standing(browser, "sign_in_required");
    world.authorizationServer.behaviour.error = "access_denied";
    await browser.signIn((await beginSignIn(browser)).startUrl);
    expect(await readConnector(browser)).toMatchObject({ status: "sign_in_required", error: { code: "access_denied" } });
    world.authorizationServer.behaviour.error = undefined;
    await browser.signIn((await beginSignIn(browser)).startUrl);
    expect((await standing(browser, "connected")).error).toBeUndefined();
  });

  it("is followed when it opens up, and when it closes again", async () => {
    const browser = await begin();
    await browser.open();
    expect(await standing(browser, "connected")).toMatchObject({ mode: "mixed" });
    protect();
    world.offsetMs += 61_000;
    expect(await toolNames(browser)).toBe("authorization_required");
    expect(await readConnector(browser)).toMatchObject({ status: "sign_in_required", mode: "full" });
    await browser.signIn((await beginSignIn(browser)).startUrl);
    await standing(browser, "connected");
    world.server.intercept = undefined;
    world.offsetMs += 11 * 60_000;
    expect(await toolNames(browser)).toEqual(["browse", "list_orders"]);
    expect(await readConnector(browser)).toMatchObject({ status: "connected", mode: "mixed", token: expect.anything() });
    protect();
    world.offsetMs += 61_000;
    expect(await toolNames(browser)).toEqual(["browse", "list_orders"]);
    expect(await readConnector(browser)).toMatchObject({ status: "connected", mode: "full" });
  });

  it("stands the same for another instance on the same database", async () => {
    folder = mkdtempSync(join(tmpdir(), "countersign-host-"));
    const browser = await begin({ databaseUrl: pathToFileURL(join(folder, "host.sqlite")).href });
    protect();
    await browser.open();
    await standing(browser, "sign_in_required");
    await world.startHost();
    expect(await readConnector(browser)).toMatchObject({ status: "sign_in_required", mode: "full" });
    await browser.signIn((await beginSignIn(browser)).startUrl);
    await standing(browser, "connected");
    expect(await toolNames(browser)).toEqual(["browse", "list_orders"]);
  });

  it("is another user's matter for another user", async () => {
    const browser = await begin();
    protect();
    await browser.open();
    await standing(browser, "sign_in_required");
    await browser.signIn((await beginSignIn(browser)).startUrl);
    await standing(browser, "connected");
    const other = world.browser();
    await other.open();
    const seen = await standing(other, "sign_in_required");
    expect(seen.token).toBeUndefined();
    expect(await toolNames(other)).toBe("authorization_required");
  });
});

describe("a connector's mode", () => {
  const url = (): string => `${world.server.url}?own`;
  async function add(browser: Browser, settings: Record<string, unknown> = {}): Promise<ConnectorSeen> {
    world.server.prm = { resource: url() };
    const response = await browser.post("/api/connectors", { url: url(), name: "Mine", settings });
    expect(response.status).toBe(201);
    return connectorShape.parse(await response.json());
  }
  function patch(browser: Browser, id: string, body: Record<string, unknown>): Promise<Response> {
    return browser.fetch(`/api/connectors/${id}`, {
      method: "PATCH",
      headers: { origin: "http://127.0.0.1:4100", "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  it("full: nothing is sent before sign-in, although the server would answer", async () => {
    const browser = await begin();
    await browser.open();
    const { id } = await add(browser, { mode: "full" });
    expect(await standing(browser, "sign_in_required", id)).toMatchObject({ name: "Mine", mode: "full", settings: { mode: "full" } });
    world.server.methods.length = 0;
    expect(await toolNames(browser, id)).toBe("authorization_required");
    expect(world.server.methods).toEqual([]);
    await browser.signIn((await beginSignIn(browser, id)).startUrl);
    await standing(browser, "connected", id);
    expect(await toolNames(browser, id)).toEqual(["browse", "list_orders"]);
  });

  it("mixed: no token goes with a listing, and a server that demands one is a failure that says so", async () => {
    const browser = await begin();
    await browser.open();
    const { id } = await add(browser, { mode: "mixed" });
    await standing(browser, "connected", id);
    protect();
    world.offsetMs += 61_000;
    expect(await toolNames(browser, id)).toBe("authorization_required");
    expect(await readConnector(browser, id)).toMatchObject({ status: "failed", mode: "mixed", error: { code: "authorization_required" } });
    expect(await browser.call("browse", {}, { connectorId: id })).toMatchObject({ state: "refused", error: { code: "authorization_required" } });
  });

  it("switches both ways and keeps the token that still fits", async () => {
    const browser = await begin();
    await browser.open();
    const { id } = await add(browser, { mode: "full" });
    await standing(browser, "sign_in_required", id);
    await browser.signIn((await beginSignIn(browser, id)).startUrl);
    await standing(browser, "connected", id);
    expect((await patch(browser, id, { mode: "mixed", name: "Renamed" })).status).toBe(200);
    expect(await standing(browser, "connected", id)).toMatchObject({ name: "Renamed", mode: "mixed", token: expect.anything() });
    expect((await patch(browser, id, { mode: "full" })).status).toBe(200);
    expect(await standing(browser, "connected", id)).toMatchObject({ mode: "full", token: expect.anything() });
    expect(world.authorizationServer.tokenRequests).toHaveLength(1);
    expect(world.authorizationServer.revoked).toEqual([]);
  });

  it("O14 a change of issuer or client gives up the token, at the issuer too, and the secret stays with its client", async () => {
    const browser = await begin();
    await browser.open();
    const issuer = world.authorizationServer.origin;
    const { id } = await add(browser, { mode: "full" });
    await standing(browser, "sign_in_required", id);
    await browser.signIn((await beginSignIn(browser, id)).startUrl);
    await standing(browser, "connected", id);
    const secret = "a very secret text";
    const named = { mode: "full", authorizationServer: issuer, clientId: "other", clientSecret: secret };
    const changed = await patch(browser, id, { settings: named });
    const text = await changed.text();
    expect(changed.status).toBe(200);
    expect(text).not.toContain(secret);
    expect(connectorShape.parse(JSON.parse(text))).toMatchObject({ settings: { clientId: "other", hasClientSecret: true } });
    expect(connectorShape.parse(JSON.parse(text)).token).toBeUndefined();
    await vi.waitUntil(() => world.authorizationServer.revoked.length === 1, 15_000);
    const { clientSecret: _clientSecret, ...withoutSecret } = named;
    expect(await (await patch(browser, id, { settings: { ...withoutSecret, mode: "auto" } })).json()).toMatchObject({
      settings: { hasClientSecret: true },
    });
    expect(await (await patch(browser, id, { settings: { ...withoutSecret, clientId: "third" } })).json()).toMatchObject({
      settings: { hasClientSecret: false },
    });
    expect(JSON.stringify(await world.database.records({ name: "connector", parse: (json) => json }).get(id, Date.now()))).not.toContain(secret);
  });

  it.each([
    ["M24 a placeholder in the address", { url: "https://x.example/${VAULT_KEY}" }, 400],
    ["a parameter that is the host's own", { url: "https://x.example/mcp", settings: { authorizeParameters: { state: "x" } } }, 400],
    ["an unknown setting", { url: "https://x.example/mcp", settings: { tokens: 1 } }, 400],
    ["an empty name", { url: "https://x.example/mcp", name: " " }, 400],
  ])("refuses %s", async (_, body, status) => {
    const browser = await begin();
    await browser.open();
    expect((await browser.post("/api/connectors", body)).status).toBe(status);
  });

  it("is the installation's for the installation's connectors, which may have a client whose secret nobody is told", async () => {
    const issuer = parseIssuer("https://login.example.com");
    if (!issuer.ok) throw new Error("no issuer");
    const settings = { mode: "mixed", authorizationServer: issuer.value, clientId: "fixed", clientSecret: new Secret("operator's secret") } as const;
    const store = { id: "store", name: "Store", url: "https://store.example/mcp", settings };
    const browser = await begin({ host: { connectors: [store] } });
    await browser.open();
    const text = await (await browser.fetch("/api/connectors/store")).text();
    expect(JSON.parse(text)).toMatchObject({ mode: "mixed", settings: { mode: "mixed", clientId: "fixed", hasClientSecret: true } });
    expect(text).not.toContain("operator's secret");
    expect((await patch(browser, "store", { mode: "full" })).status).toBe(400);
    expect((await patch(browser, "nobody", { mode: "full" })).status).toBe(404);
  });
});
