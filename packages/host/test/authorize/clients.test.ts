import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from "jose";
import { Secret } from "@countersign/protocol/secret";
import { parseIssuer, parseResourceUri } from "@countersign/protocol/resource";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { AssertionKeys } from "../../src/authorize/assertion-keys.ts";
import { callbackId } from "../../src/authorize/callback-id.ts";
import { ClientDocuments } from "../../src/authorize/client-document.ts";
import { createHost, type Host } from "../../src/host.ts";
import { openDatabase } from "@countersign/storage/open";
import { createSealer } from "@countersign/storage/sealed";
import { randomBytes } from "node:crypto";
import { World, type Browser, type WorldOptions } from "../stand-in/world.ts";

let world: World | undefined;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await world?.close();
  world = undefined;
  for (const close of closing.splice(0)) await close();
});

async function begin(options: WorldOptions = {}): Promise<{ readonly world: World; readonly browser: Browser }> {
  world = await World.start(options);
  const browser = world.browser();
  await browser.open();
  return { world, browser };
}

function serverOf(issuerText: string): Parameters<ClientDocuments["choose"]>[0] {
  const issuer = parseIssuer(issuerText);
  if (!issuer.ok) throw new Error(issuerText);
  return {
    issuer: issuer.value,
    authorizationEndpoint: `${issuerText}/authorize`,
    tokenEndpoint: `${issuerText}/token`,
    tokenEndpointAuthMethodsSupported: ["none"],
    authorizationResponseIssParameterSupported: true,
    clientIdMetadataDocumentSupported: true,
  };
}

const published = z.object({ keys: z.array(z.record(z.string(), z.unknown())) });

async function keysOf(host: Host, origin = "http://127.0.0.1:4100"): Promise<JSONWebKeySet> {
  const answer: unknown = await (await host.fetch(new Request(`${origin}/.well-known/jwks.json`))).json();
  const { keys } = published.parse(answer);
  return { keys: keys.map((key) => ({ ...key, kty: "EC" })) };
}

describe("a client that was registered beforehand", () => {
  it.each(["client_secret_basic", "client_secret_post"] as const)("proves itself with %s, the one that the server offers", async (method) => {
    const secret = "s3cret/with:signs+and%more";
    const { world: w, browser } = await begin();
    w.authorizationServer.clients.set("mine", { method, secret });
    w.authorizationServer.behaviour.metadata = { token_endpoint_auth_methods_supported: [method] };
    await w.startHost({ clients: { [w.authorizationServer.origin]: { clientId: "mine", clientSecret: new Secret(secret) } } });
    await browser.open();
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
    expect(w.authorizationServer.authentications).toEqual([{ clientId: "mine", method }]);
  });

  it("sends its secret by no method that the server does not offer", async () => {
    const { world: w, browser } = await begin();
    w.authorizationServer.behaviour.metadata = { token_endpoint_auth_methods_supported: ["private_key_jwt"] };
    await w.startHost({ clients: { [w.authorizationServer.origin]: { clientId: "mine", clientSecret: new Secret("s3cret") } } });
    await browser.open();
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ error: { code: "registration_unavailable" } });
    expect(w.authorizationServer.tokenRequests).toEqual([]);
  });

  it("proves itself with an assertion by the host's published key: for one server, used once, short-lived", async () => {
    const { world: w, browser } = await begin();
    const keys = (): Promise<JSONWebKeySet> => keysOf(w.host);
    w.authorizationServer.clients.set("mine", { method: "private_key_jwt", keys });
    await w.startHost({ clients: { [w.authorizationServer.origin]: { clientId: "mine", tokenEndpointAuthMethod: "private_key_jwt" } } });
    await browser.open();
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
    w.offsetMs += 250_000;
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ state: "completed" });
    const assertions = w.authorizationServer.tokenRequests.map((form) => form.get("client_assertion") ?? "");
    const claims = await Promise.all(
      assertions.map(async (assertion) => {
        const { payload, protectedHeader } = await jwtVerify(assertion, createLocalJWKSet(await keys()), { currentDate: new Date() });
        expect(protectedHeader).toMatchObject({ alg: "ES256", kid: expect.any(String) });
        return payload;
      }),
    );
    expect(new Set(claims.map((claim) => claim.jti)).size).toBe(2);
    expect(claims.map((claim) => (claim.exp ?? 0) - (claim.iat ?? 0)).every((lifetime) => lifetime > 0 && lifetime <= 120)).toBe(true);
    const { keys: shown } = await keys();
    expect(shown).toEqual([expect.not.objectContaining({ d: expect.anything() })]);
  });

  it("O14 a secret in a connector's settings goes to the issuer that it was entered for and to no other", async () => {
    const { world: w, browser } = await begin();
    w.authorizationServer.clients.set("mine", { method: "client_secret_post", secret: "s3cret" });
    w.authorizationServer.behaviour.metadata = { token_endpoint_auth_methods_supported: ["client_secret_post"] };
    const settings = { mode: "mixed", clientId: "mine", clientSecret: new Secret("s3cret") } as const;
    await w.startHost({ clients: {}, connectors: [{ id: "store", name: "Store", url: w.server.url, settings }] });
    await browser.open();
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ error: { code: "registration_unavailable" } });
    expect(w.authorizationServer.tokenRequests).toEqual([]);
    const own = parseIssuer(w.authorizationServer.origin);
    if (!own.ok) throw new Error("no issuer");
    await w.startHost({
      clients: {},
      connectors: [{ id: "store", name: "Store", url: w.server.url, settings: { ...settings, authorizationServer: own.value } }],
    });
    await browser.open();
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
  });
});

describe("a connector that is removed", () => {
  it("has its token revoked by the client that it was given to, also one of its own settings", async () => {
    const { world: w, browser } = await begin();
    const server = w.authorizationServer;
    server.clients.set("mine", { method: "client_secret_basic", secret: "s3cret" });
    server.behaviour.metadata = { token_endpoint_auth_methods_supported: ["client_secret_basic"] };
    await w.startHost({ clients: {}, connectors: [] });
    await browser.open();
    const settings = { authorizationServer: server.origin, clientId: "mine", clientSecret: "s3cret" };
    const added: unknown = await (await browser.post("/api/connectors", { url: w.server.url, settings })).json();
    const { id } = z.object({ id: z.string() }).parse(added);
    const parked = await browser.parked((await browser.call("list_orders", {}, { connectorId: id })).id);
    await browser.signIn(parked.flow?.startUrl ?? "");
    expect((await browser.settled(parked.id)).state).toBe("completed");
    const [token] = server.granted.keys();
    expect(token).toBeDefined();
    const removed = await browser.fetch(`/api/connectors/${id}`, { method: "DELETE", headers: { origin: "http://127.0.0.1:4100" } });
    expect(removed.status).toBe(200);
    await expect.poll(() => server.revoked.length).toBe(1);
  });
});

describe("the host's own keys", () => {
  it("are made once, are sealed, and rotate with an overlap on both sides", async () => {
    const database = await openDatabase<unknown>({ url: "memory:", schema: "host", migrations: [] });
    closing.push(() => database.close());
    const sealer = createSealer({ current: "k", keys: { k: new Secret(randomBytes(32).toString("base64url")) } });
    let now = Date.UTC(2026, 0, 1);
    const day = 24 * 60 * 60 * 1000;
    const make = (): AssertionKeys => new AssertionKeys({ database, sealer, clock: () => now });
    const [first, again] = await Promise.all([make().current(), make().current()]);
    expect(again.kid).toBe(first.kid);
    const kids = async (): Promise<readonly string[]> => (await make().published()).map((key) => key.kid);
    expect(await kids()).toEqual([first.kid]);
    now += 90 * day;
    const [next, old] = await kids();
    expect(old).toBe(first.kid);
    // The new one is shown before it signs, the old one after it has signed for the last time.
    expect((await make().current()).kid).toBe(first.kid);
    now += 2 * day;
    expect((await make().current()).kid).toBe(next);
    expect(await kids()).toEqual([next, first.kid]);
    now += 2 * day;
    expect(await kids()).toEqual([next]);
  });
});

describe("client metadata documents", () => {
  const documents = new ClientDocuments("https://console.example", undefined);
  const resource = parseResourceUri("https://shop.example/mcp");
  if (!resource.ok) throw new Error("no resource");

  it("are one per callback, named by their own address, with one redirect URI", async () => {
    const server = serverOf("https://login.example");
    const chosen = documents.choose(server, resource.value);
    const id = callbackId(resource.value, server.issuer);
    expect(chosen).toEqual({ clientId: `https://console.example/oauth/clients/${id}.json`, method: "none" });
    const host = await startHost("https://console.example");
    const response = await host.fetch(new Request(chosen?.clientId ?? ""));
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual({
      client_id: chosen?.clientId,
      client_name: "Countersign",
      client_uri: "https://console.example",
      redirect_uris: [`https://console.example/callback/${id}`],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
      application_type: "web",
    });
    const other = documents.choose(serverOf("https://other.example"), resource.value);
    expect(other?.clientId).not.toBe(chosen?.clientId);
  });

  it("name the host's keys where the server takes assertions by them", async () => {
    const server = serverOf("https://login.example");
    const strict = {
      ...server,
      tokenEndpointAuthMethodsSupported: ["none", "private_key_jwt"],
      tokenEndpointAuthSigningAlgValuesSupported: ["ES256"],
    };
    const chosen = documents.choose(strict, resource.value);
    expect(chosen?.method).toBe("private_key_jwt");
    const host = await startHost("https://console.example");
    const document: unknown = await (await host.fetch(new Request(chosen?.clientId ?? ""))).json();
    expect(document).toMatchObject({
      client_id: chosen?.clientId,
      token_endpoint_auth_method: "private_key_jwt",
      jwks_uri: "https://console.example/.well-known/jwks.json",
    });
    expect((await keysOf(host, "https://console.example")).keys).toHaveLength(1);
    expect(documents.choose({ ...strict, tokenEndpointAuthSigningAlgValuesSupported: ["RS256"] }, resource.value)?.method).toBe("none");
    expect(documents.methodOf(chosen?.clientId ?? "", resource.value, server.issuer)).toBe("private_key_jwt");
    expect(documents.methodOf("https://evil.example/client.json", resource.value, server.issuer)).toBeUndefined();
  });

  it("are not there for names that no callback has, nor from a host that nobody can reach by https", async () => {
    const host = await startHost("https://console.example");
    for (const file of ["x.json", `${"a".repeat(23)}.json`, `${"a".repeat(22)}.js`, "../../callback"]) {
      expect((await host.fetch(new Request(`https://console.example/oauth/clients/${encodeURIComponent(file)}`))).status).toBe(404);
    }
    const development = await startHost("http://127.0.0.1:4100");
    expect((await development.fetch(new Request(`http://127.0.0.1:4100/oauth/clients/${"a".repeat(22)}.json`))).status).toBe(404);
    expect(new ClientDocuments("http://127.0.0.1:4100", undefined).choose(serverOf("https://login.example"), resource.value)).toBeUndefined();
  });

  it("make a sign-in complete at a server that fetches document and keys, and checks every assertion", async () => {
    const origin = "https://console.example";
    const { world: w } = await begin();
    const server = w.authorizationServer;
    server.behaviour.metadata = {
      client_id_metadata_document_supported: true,
      registration_endpoint: `${server.origin}/register`,
      token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
      token_endpoint_auth_signing_alg_values_supported: ["ES256"],
    };
    await w.startHost({ clients: {}, publicUrl: origin });
    const browser = w.browser();
    await browser.open();
    const call = { connectorId: "store", tool: "list_orders", arguments: {}, origin: "user" };
    const started: unknown = await (await browser.post("/api/calls", call, { origin })).json();
    const parked = await browser.parked(z.object({ id: z.string() }).parse(started).id);
    const location = (await browser.fetch(parked.flow?.startUrl ?? "")).headers.get("location") ?? "";
    const query = new URL(location).searchParams;
    const clientId = query.get("client_id") ?? "";
    const document: unknown = await (await w.host.fetch(new Request(clientId))).json();
    expect(document).toMatchObject({
      client_id: clientId,
      redirect_uris: [query.get("redirect_uri")],
      token_endpoint_auth_method: "private_key_jwt",
    });
    const { jwks_uri: jwksUri } = z.object({ jwks_uri: z.url() }).parse(document);
    expect(new URL(jwksUri).origin).toBe(new URL(clientId).origin);
    server.clients.set(clientId, { method: "private_key_jwt", keys: () => keysOf(w.host, origin) });
    const answered = await fetch(location, { redirect: "manual" });
    expect((await browser.fetch(answered.headers.get("location") ?? "")).status).toBe(200);
    expect((await browser.settled(parked.id)).state).toBe("completed");
    expect(server.authentications).toEqual([{ clientId, method: "private_key_jwt" }]);
    expect(server.registrations).toEqual([]);
  });

  it("come before registration, and a document that the operator publishes before the host's own", async () => {
    const clientMetadataUrl = "https://operator.example/client.json";
    const { world: w, browser } = await begin({ host: { clients: {}, clientMetadataUrl } });
    w.authorizationServer.clients.set(clientMetadataUrl, { method: "none" });
    w.authorizationServer.behaviour.metadata = {
      client_id_metadata_document_supported: true,
      registration_endpoint: `${w.authorizationServer.origin}/register`,
    };
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
    expect(w.authorizationServer.authorizeRequests[0]?.get("client_id")).toBe(clientMetadataUrl);
    w.offsetMs += 400_000;
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ state: "completed" });
    expect(w.authorizationServer.authentications).toEqual([
      { clientId: clientMetadataUrl, method: "none" },
      { clientId: clientMetadataUrl, method: "none" },
    ]);
    expect(w.authorizationServer.registrations).toEqual([]);
  });
});

async function startHost(publicUrl: string): Promise<Host> {
  const host = await createHost({
    publicUrl,
    widgetOrigin: "https://{app}.widgets.example",
    database: await openDatabase<unknown>({ url: "memory:", schema: "host", migrations: [] }),
    sealer: createSealer({ current: "k", keys: { k: new Secret(randomBytes(32).toString("base64url")) } }),
    connectors: [],
    clients: {},
  });
  closing.push(() => host.close());
  return host;
}
