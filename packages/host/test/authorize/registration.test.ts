import { randomBytes } from "node:crypto";
import type { AuthorizationServer } from "@countersign/protocol/metadata";
import { judgeAuthorizationServer } from "@countersign/protocol/metadata";
import { parseIssuer, parseResourceUri } from "@countersign/protocol/resource";
import { Secret } from "@countersign/protocol/secret";
import { openDatabase } from "@countersign/storage/open";
import { createSealer } from "@countersign/storage/sealed";
import { sql } from "kysely";
import { afterEach, describe, expect, it } from "vitest";
import { ClientDocuments } from "../../src/authorize/client-document.ts";
import { Registrations } from "../../src/authorize/registration.ts";
import { StandInAuthorizationServer } from "../stand-in/authorization-server.ts";
import { listen } from "../stand-in/http-server.ts";
import { World, type Browser, type WorldOptions } from "../stand-in/world.ts";

let world: World;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await world.close();
  for (const close of closing.splice(0)) await close();
});

/** A host that no server knows yet, and a server that takes registrations. */
async function begin(options: WorldOptions = {}, methods: readonly string[] = ["none"]): Promise<Browser> {
  world = await World.start({ ...options, host: { clients: {}, ...options.host } });
  allowRegistration(world.authorizationServer, methods);
  const browser = world.browser();
  await browser.open();
  return browser;
}

function allowRegistration(server: StandInAuthorizationServer, methods: readonly string[]): void {
  server.behaviour.metadata = {
    registration_endpoint: `${server.origin}/register`,
    token_endpoint_auth_methods_supported: methods,
    token_endpoint_auth_signing_alg_values_supported: ["ES256"],
  };
}

async function endsWith(browser: Browser): Promise<unknown> {
  return browser.settled((await browser.call("list_orders")).id);
}

describe("registration by protocol", () => {
  it("tells the server what kind of client this is, and signs in as the client that it made", async () => {
    const browser = await begin();
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
    const [query] = world.authorizationServer.authorizeRequests;
    expect(world.authorizationServer.registrations).toEqual([
      {
        client_name: "Countersign",
        redirect_uris: [query?.get("redirect_uri")],
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        token_endpoint_auth_method: "none",
        application_type: "native",
      },
    ]);
    expect(query?.get("client_id")).toBe("registered-1");
    expect(world.authorizationServer.authentications).toEqual([{ clientId: "registered-1", method: "none" }]);
  });

  it.each(["client_secret_basic", "client_secret_post"] as const)("proves itself with %s where the server offers that", async (method) => {
    const browser = await begin({}, [method]);
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
    world.offsetMs += 400_000;
    expect(await endsWith(browser)).toMatchObject({ state: "completed" });
    const proof = { clientId: "registered-1", method };
    expect(world.authorizationServer.authentications).toEqual([proof, proof]);
  });

  it("happens once for two users who ask at the same time, and its secret is sealed", async () => {
    const browser = await begin({}, ["client_secret_basic"]);
    const other = world.browser();
    await other.open();
    const { promise, resolve } = Promise.withResolvers<void>();
    let secret = "";
    world.authorizationServer.behaviour.registerResponse = async (body) => {
      await promise;
      world.authorizationServer.behaviour.registerResponse = undefined;
      secret = "s3cret-of-the-registered-client";
      world.authorizationServer.clients.set("shared", { method: "client_secret_basic", secret });
      return Response.json({ ...Object(body), client_id: "shared", client_secret: secret, client_secret_expires_at: 0 }, { status: 201 });
    };
    const calls = await Promise.all([browser.call("list_orders"), other.call("list_orders"), browser.call("list_orders", { more: 1 })]);
    await expect.poll(() => world.authorizationServer.registrations.length).toBe(1);
    resolve();
    const flows = [await browser.parked(calls[0].id), await other.parked(calls[1].id)];
    await browser.signIn(flows[0]?.flow?.startUrl ?? "");
    await other.signIn(flows[1]?.flow?.startUrl ?? "");
    expect((await browser.settled(calls[0].id)).state).toBe("completed");
    expect((await other.settled(calls[1].id)).state).toBe("completed");
    expect(world.authorizationServer.registrations).toHaveLength(1);
    const { rows } = await sql<{ value: string }>`select value from records`.execute(world.database.sql);
    expect(JSON.stringify(rows)).toContain("shared");
    expect(JSON.stringify(rows)).not.toContain(secret);
  });

  it("is made anew once the server has forgotten the client, at the next sign-in", async () => {
    const browser = await begin({}, ["client_secret_basic"]);
    await browser.signInBy("list_orders");
    world.authorizationServer.clients.delete("registered-1");
    world.offsetMs += 400_000;
    const again = await browser.signInBy("list_orders");
    expect(again).toMatchObject({ state: "completed", rounds: 1 });
    expect(world.authorizationServer.registrations).toHaveLength(2);
    expect(world.authorizationServer.authorizeRequests.map((query) => query.get("client_id"))).toEqual(["registered-1", "registered-2"]);
  });

  it("is made anew when the server says at its sign-in page that it does not know the client, but not for another server's word", async () => {
    const browser = await begin();
    const { behaviour } = world.authorizationServer;
    behaviour.error = "unauthorized_client";
    behaviour.iss = "https://evil.example";
    expect(await browser.signInBy("list_orders")).toMatchObject({ error: { code: "issuer_mismatch" } });
    behaviour.iss = undefined;
    expect(await browser.signInBy("list_orders")).toMatchObject({ error: { code: "flow_failed" } });
    expect(world.authorizationServer.registrations).toHaveLength(1);
    behaviour.error = undefined;
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
    expect(world.authorizationServer.registrations).toHaveLength(2);
  });

  it("is made anew once the secret has ended, and the old client asks for nothing more", async () => {
    const browser = await begin({}, ["client_secret_basic"]);
    world.authorizationServer.behaviour.registerResponse = (body) => {
      world.authorizationServer.behaviour.registerResponse = undefined;
      world.authorizationServer.clients.set("short", { method: "client_secret_basic", secret: "s" });
      const endsAt = Math.floor(Date.now() / 1000) + 1800;
      return Response.json({ ...Object(body), client_id: "short", client_secret: "s", client_secret_expires_at: endsAt }, { status: 201 });
    };
    await browser.signInBy("list_orders");
    world.offsetMs += 20 * 60_000;
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed", rounds: 1 });
    expect(world.authorizationServer.authentications.map(({ clientId }) => clientId)).toEqual(["short", "registered-2"]);
  });

  it("O14 belongs to one issuer: another authorization server gets a registration of its own and nothing of the first", async () => {
    const browser = await begin({ tools: { list_orders: { demands: ["orders:read"] }, write: { demands: ["orders:write"] } } }, [
      "client_secret_basic",
    ]);
    await browser.signInBy("list_orders");
    const next = await StandInAuthorizationServer.start();
    closing.push(next.close);
    allowRegistration(next, ["client_secret_basic"]);
    world.server.prm = { authorization_servers: [next.origin] };
    const parked = await browser.parked((await browser.call("write")).id);
    expect(parked.flow?.issuer).toBe(next.origin);
    expect(next.registrations).toHaveLength(1);
    await browser.signIn(parked.flow?.startUrl ?? "");
    expect(next.authentications).toEqual([{ clientId: "registered-1", method: "client_secret_basic" }]);
    const first = world.authorizationServer.clients.get("registered-1")?.secret ?? "";
    expect(first).not.toBe("");
    expect(next.clients.get("registered-1")?.secret).not.toBe(first);
    const redirects = [...world.authorizationServer.authorizeRequests, ...next.authorizeRequests].map((query) => query.get("redirect_uri"));
    expect(new Set(redirects).size).toBe(2);
  });

  it.each([
    ["refused", () => Response.json({ error: "invalid_client_metadata" }, { status: 400 }), "registration_unavailable"],
    [
      "refused with hostile words",
      () => Response.json({ error: "<script>", error_description: "<script>" }, { status: 400 }),
      "registration_unavailable",
    ],
    ["down", () => new Response("no", { status: 503 }), "authorization_server_unreachable"],
    ["no JSON", () => new Response("<html>", { status: 201 }), "invalid_metadata"],
    ["endless", () => new Response("x".repeat(70_000), { status: 201 }), "registration_unavailable"],
    ["without an id", () => Response.json({}, { status: 201 }), "invalid_metadata"],
    [
      "for a method it does not have",
      () => Response.json({ client_id: "a", token_endpoint_auth_method: "tls_client_auth" }, { status: 201 }),
      "registration_unavailable",
    ],
    [
      "with another redirect URI",
      () => Response.json({ client_id: "a", redirect_uris: ["https://evil.example/"] }, { status: 201 }),
      "registration_unavailable",
    ],
  ] as const)("that is %s ends the call with a typed error, and is tried again at the next one", async (_, answer, code) => {
    const browser = await begin();
    world.authorizationServer.behaviour.registerResponse = answer;
    const ended = await browser.settled((await browser.call("list_orders")).id);
    expect(ended).toMatchObject({ state: "failed", error: { code } });
    expect(await (await browser.fetch(`/api/calls/${ended.id}/trace`)).text()).not.toMatch(/<script|<html/);
    world.authorizationServer.behaviour.registerResponse = undefined;
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed" });
  });

  it("O15 a redirect of the registration endpoint is not followed", async () => {
    const browser = await begin();
    const seen: string[] = [];
    const sink = await listen(async (request) => {
      seen.push(await request.text());
      return Response.json({ client_id: "evil" }, { status: 201 });
    });
    closing.push(sink.close);
    world.authorizationServer.behaviour.registerResponse = () => new Response(null, { status: 307, headers: { location: sink.origin } });
    expect(await endsWith(browser)).toMatchObject({ error: { code: "registration_unavailable" } });
    expect(seen).toEqual([]);
  });
});

function judged(server: StandInAuthorizationServer): AuthorizationServer {
  const issuer = parseIssuer(server.origin);
  const value = issuer.ok ? judgeAuthorizationServer(server.metadata(), issuer.value) : issuer;
  if (!value.ok) throw new Error(value.error.detail);
  return value.value;
}

describe("registration by several instances", () => {
  const resource = parseResourceUri("http://127.0.0.1:4300/mcp");

  it("happens once, and every instance has the same client; one that stopped half way is waited for no longer than its time", async () => {
    world = await World.start();
    allowRegistration(world.authorizationServer, ["client_secret_post"]);
    const server = judged(world.authorizationServer);
    const database = await openDatabase<unknown>({ url: "memory:", schema: "host", migrations: [] });
    closing.push(() => database.close());
    const sealer = createSealer({ current: "k", keys: { k: new Secret(randomBytes(32).toString("base64url")) } });
    const documents = new ClientDocuments("http://127.0.0.1:4100", undefined);
    let now = Date.now();
    const make = (): Registrations => new Registrations({ database, sealer, documents, timeoutMs: 60_000, clock: () => now });
    if (!resource.ok) throw new Error("no resource");
    const { promise, resolve } = Promise.withResolvers<void>();
    world.authorizationServer.behaviour.registerResponse = () => promise.then(() => undefined);
    const instances = [make(), make(), make()];
    const asked = instances.map((each) => each.register(server, resource.value, "local"));
    await expect.poll(() => world.authorizationServer.registrations.length).toBe(1);
    resolve();
    const answers = await Promise.all(asked);
    expect(answers.map((answer) => answer.ok && answer.value.clientId)).toEqual(["registered-1", "registered-1", "registered-1"]);
    expect(world.authorizationServer.registrations).toHaveLength(1);

    const late = Promise.withResolvers<void>();
    await instances[0]?.forget(server.issuer, resource.value, "registered-1");
    world.authorizationServer.behaviour.registerResponse = () => late.promise.then(() => undefined);
    const slow = make().register(server, resource.value, "local");
    await expect.poll(() => world.authorizationServer.registrations.length).toBe(2);
    world.authorizationServer.behaviour.registerResponse = undefined;
    const patient = make().register(server, resource.value, "local");
    now += 31_000;
    expect(await patient).toMatchObject({ ok: true, value: { clientId: "registered-3" } });
    late.resolve();
    expect(await slow).toMatchObject({ ok: true, value: { clientId: "registered-3" } });
  });

  it("forgets only the client that was refused, never its successor", async () => {
    world = await World.start();
    allowRegistration(world.authorizationServer, ["none"]);
    const server = judged(world.authorizationServer);
    const { database } = world;
    const sealer = createSealer({ current: "k", keys: { k: new Secret(randomBytes(32).toString("base64url")) } });
    const documents = new ClientDocuments("http://127.0.0.1:4100", undefined);
    const registrations = new Registrations({ database, sealer, documents, timeoutMs: 60_000, clock: Date.now });
    if (!resource.ok) throw new Error("no resource");
    await registrations.register(server, resource.value, "local");
    await registrations.forget(server.issuer, resource.value, "another");
    expect(await registrations.find(server.issuer, resource.value)).toMatchObject({ clientId: "registered-1" });
    await registrations.forget(server.issuer, resource.value, "registered-1");
    expect(await registrations.find(server.issuer, resource.value)).toBeUndefined();
  });
});
