import { parseIssuer } from "@countersign/protocol/resource";
import { Secret } from "@countersign/protocol/secret";
import { afterEach, describe, expect, it } from "vitest";
import type { ConnectorSettings } from "../../src/connectors/settings.ts";
import type { StandInTool } from "../stand-in/mcp-server.ts";
import { appClient, auth0, cognito, entra, ThirdPartyServer, type Dialect } from "../stand-in/third-party-servers.ts";
import { World, type Browser, type CallSeen } from "../stand-in/world.ts";

let world: World;
let server: ThirdPartyServer;
afterEach(async () => {
  await world.close();
  await server.close();
});

/** A world whose resource names the product as its authorization server. */
async function begin(dialect: (resource: string) => Dialect, tool: StandInTool): Promise<void> {
  world = await World.start({ tools: { list_orders: tool } });
  server = await ThirdPartyServer.start(dialect(world.server.url), world.authorizationServer.granted);
  world.server.prm = { authorization_servers: [server.issuer] };
}

/** The same user, with these settings for the connector. */
async function withSettings(settings: Partial<ConnectorSettings> = {}): Promise<Browser> {
  await world.startHost({
    clients: {},
    connectors: [{ id: "store", name: "Store", url: world.server.url, settings: { mode: "mixed", ...settings } }],
  });
  const browser = world.browser();
  await browser.open();
  return browser;
}

/** The client that was made in the product's console, bound to the product's issuer. */
function handMade(): Partial<ConnectorSettings> {
  const issuer = parseIssuer(server.issuer);
  if (!issuer.ok) throw new Error(server.issuer);
  return { authorizationServer: issuer.value, clientId: appClient.clientId, clientSecret: new Secret(appClient.clientSecret) };
}

async function fail(browser: Browser): Promise<CallSeen> {
  return browser.settled((await browser.call("list_orders")).id);
}

/** The sign-in page that the product shows instead of going back. */
async function stuck(browser: Browser): Promise<string> {
  const parked = await browser.parked((await browser.call("list_orders")).id);
  const location = (await browser.fetch(parked.flow?.startUrl ?? "")).headers.get("location") ?? "";
  const page = await fetch(location, { redirect: "manual" });
  expect(page.status).toBe(400);
  return page.text();
}

describe("Auth0", () => {
  const tool: StandInTool = { demands: ["orders:read"] };

  it("needs a client made by hand, since registration is off by default", async () => {
    await begin(auth0, tool);
    expect(await fail(await withSettings())).toMatchObject({ error: { code: "registration_unavailable" } });
  });

  it("gives a token that the server cannot read without the audience parameter, and the call ends with a typed error", async () => {
    await begin(auth0, tool);
    const browser = await withSettings(handMade());
    const parked = await browser.parked((await browser.call("list_orders")).id);
    await browser.signIn(parked.flow?.startUrl ?? "");
    const second = await browser.until(parked.id, (call) => call.flow !== undefined && call.flow.id !== parked.flow?.id);
    await browser.signIn(second.flow?.startUrl ?? "");
    expect(await browser.settled(parked.id)).toMatchObject({ state: "failed", error: { code: "step_up_limit" } });
    expect(world.server.executions).toEqual([]);
  });

  it("works with the audience set, refresh included; the issuer keeps its slash", async () => {
    await begin(auth0, tool);
    expect(server.issuer.endsWith("/")).toBe(true);
    const browser = await withSettings({ ...handMade(), authorizeParameters: { audience: world.server.url } });
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
    expect(server.authorizeRequests[0]?.get("scope")).toBe("offline_access orders:read");
    for (const token of world.authorizationServer.granted.values()) token.active = false;
    expect(await fail(browser)).toMatchObject({ state: "completed", rounds: 0 });
    expect(server.tokenRequests.map((form) => [form.get("grant_type"), form.get("audience")])).toEqual([
      ["authorization_code", world.server.url],
      ["refresh_token", world.server.url],
    ]);
  });
});

describe("Amazon Cognito", () => {
  const tool: StandInTool = { demands: ["shop/orders.read"] };

  it("is refused without the setting that it knows PKCE although its metadata does not say so", async () => {
    await begin(() => cognito, tool);
    expect(await fail(await withSettings(handMade()))).toMatchObject({ error: { code: "pkce_unsupported" } });
  });

  it("works with it: PKCE is used, the secret goes by header, an answer without scope means what was asked for", async () => {
    await begin(() => cognito, tool);
    const browser = await withSettings({ ...handMade(), allowUnadvertisedPkce: true });
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
    expect(server.authorizeRequests[0]?.get("code_challenge_method")).toBe("S256");
    expect(server.tokenRequests[0]?.has("client_secret")).toBe(false);
    const session: unknown = await (await browser.fetch("/api/session")).json();
    expect(session).toMatchObject({ connectors: [{ token: { issuer: server.issuer, scope: ["shop/orders.read"] } }] });
  });

  it("keeps one refresh token for good, which is used again and again", async () => {
    await begin(() => cognito, tool);
    const browser = await withSettings({ ...handMade(), allowUnadvertisedPkce: true });
    await browser.signInBy("list_orders");
    for (let time = 0; time < 2; time += 1) {
      for (const token of world.authorizationServer.granted.values()) token.active = false;
      expect(await fail(browser)).toMatchObject({ state: "completed", rounds: 0 });
    }
    const [, first, second] = server.tokenRequests.map((form) => form.get("refresh_token"));
    expect(first).toBe(second);
  });
});

describe("Microsoft Entra ID", () => {
  const tool: StandInTool = { schemes: [{ type: "oauth2", scopes: [] }], demands: ["orders.read"] };
  const scope = new Set(["api://shop/.default"]);

  it("refuses the resource parameter until the connector leaves it out", async () => {
    await begin(() => entra, tool);
    expect(await stuck(await withSettings({ ...handMade(), scope, allowUnadvertisedPkce: true }))).toContain("AADSTS901002");
  });

  it("works without it: the scope names the API, discovery is behind the tenant's path, refresh sends no resource either", async () => {
    await begin(() => entra, tool);
    const browser = await withSettings({ ...handMade(), scope, allowUnadvertisedPkce: true, omitResourceParameter: true });
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
    expect(server.authorizeRequests[0]?.get("scope")).toBe("api://shop/.default offline_access");
    for (const token of world.authorizationServer.granted.values()) token.active = false;
    expect(await fail(browser)).toMatchObject({ state: "completed", rounds: 0 });
    expect(server.tokenRequests).toHaveLength(2);
    expect([...server.authorizeRequests, ...server.tokenRequests].some((parameters) => parameters.has("resource"))).toBe(false);
  });

  it("cannot be asked for a scope without the API's URI", async () => {
    await begin(() => entra, { schemes: null, demands: ["orders.read"] });
    const page = await stuck(await withSettings({ ...handMade(), scope, allowUnadvertisedPkce: true, omitResourceParameter: true }));
    expect(page).toContain("AADSTS650053");
  });
});
