import { sql } from "kysely";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { listen } from "../stand-in/http-server.ts";
import { consoleOrigin, World, type Browser, type CallSeen, type WorldOptions } from "../stand-in/world.ts";

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

async function tokenRows(): Promise<number> {
  const { rows } = await sql`select id from records where kind in ('token', 'flow_grant')`.execute(world.database.sql);
  return rows.length;
}

/** A connector of the user's own, with a call that waits for its sign-in. */
async function addAndPark(browser: Browser): Promise<{ readonly id: string; readonly call: CallSeen }> {
  const added: unknown = await (await browser.post("/api/connectors", { url: world.server.url })).json();
  const { id } = z.object({ id: z.string() }).parse(added);
  const call = await browser.parked((await browser.call("list_orders", {}, { connectorId: id })).id);
  return { id, call };
}

/** Holds the answers of the token endpoint until it is called. */
function holdTokens(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  world.authorizationServer.behaviour.hold = promise;
  return () => {
    world.authorizationServer.behaviour.hold = undefined;
    resolve();
  };
}

function change(browser: Browser, method: "DELETE" | "PATCH", id: string, body: unknown = {}): Promise<Response> {
  const headers = { origin: consoleOrigin, "content-type": "application/json" };
  return browser.fetch(`/api/connectors/${id}`, { method, headers, ...(method === "PATCH" ? { body: JSON.stringify(body) } : {}) });
}

const requests = (): number => world.authorizationServer.tokenRequests.length;

describe("a connector that changes while its sign-in runs", () => {
  it("is removed with the sign-in: a token that comes after that is given back, not kept", async () => {
    const browser = await begin({ host: { connectors: [] } });
    const { id, call } = await addAndPark(browser);
    const callback = await browser.visitAuthorizationServer(call.flow?.startUrl ?? "");
    const release = holdTokens();
    const answered = browser.fetch(callback);
    await expect.poll(requests).toBe(1);
    expect((await change(browser, "DELETE", id)).status).toBe(200);
    release();
    await answered;
    expect(world.authorizationServer.granted.size).toBe(1);
    expect(await tokenRows()).toBe(0);
    await expect.poll(() => world.authorizationServer.revoked.length).toBe(1);
    expect(await browser.settled(call.id)).toMatchObject({ state: "failed", error: { code: "cancelled" } });
  });

  it("is removed with the sign-in on another device, whose code is polled no more", async () => {
    const browser = await begin({ host: { connectors: [] } });
    world.authorizationServer.behaviour.device = {};
    const { id, call } = await addAndPark(browser);
    expect((await browser.post(`/api/flows/${call.flow?.id}/device`)).status).toBe(200);
    const device = world.authorizationServer.devices.get("CODE-1");
    if (device === undefined) throw new Error("no code");
    device.decision = "approved";
    const release = holdTokens();
    world.offsetMs += 5000;
    await world.host.sweep();
    await expect.poll(requests).toBe(1);
    expect((await change(browser, "DELETE", id)).status).toBe(200);
    release();
    await expect.poll(() => world.authorizationServer.revoked.length).toBe(1);
    expect(await tokenRows()).toBe(0);
    world.offsetMs += 20_000;
    await world.host.sweep();
    expect(requests()).toBe(1);
  });

  it("O14 signs in where its settings say now: a sign-in that runs elsewhere is over, one that still fits goes on", async () => {
    const browser = await begin({ host: { connectors: [] } });
    const { id, call } = await addAndPark(browser);
    const callback = await browser.visitAuthorizationServer(call.flow?.startUrl ?? "");
    const here = { authorizationServer: world.authorizationServer.origin };
    expect((await change(browser, "PATCH", id, { settings: { mode: "auto", ...here, scope: "orders:read" } })).status).toBe(200);
    const release = holdTokens();
    const answered = browser.fetch(callback);
    await expect.poll(requests).toBe(1);
    const elsewhere = { mode: "auto", authorizationServer: "https://login.example.com" };
    expect((await change(browser, "PATCH", id, { settings: elsewhere })).status).toBe(200);
    release();
    expect(await (await answered).text()).toContain("Not signed in");
    expect(await tokenRows()).toBe(0);
    await expect.poll(() => world.authorizationServer.revoked.length).toBe(1);
    expect(await browser.settled(call.id)).toMatchObject({ error: { code: "cancelled" } });
  });
});

describe("a registration that several users have in common", () => {
  it("is not taken from the others by what one user's browser brings back", async () => {
    const ada = await begin({ host: { clients: {} } });
    const server = world.authorizationServer;
    server.behaviour.metadata = { registration_endpoint: `${server.origin}/register` };
    expect(await ada.signInBy("list_orders")).toMatchObject({ state: "completed" });
    const mallory = world.browser();
    await mallory.open();
    const call = await mallory.parked((await mallory.call("list_orders")).id);
    const callback = new URL(await mallory.visitAuthorizationServer(call.flow?.startUrl ?? ""));
    callback.searchParams.delete("code");
    callback.searchParams.set("error", "unauthorized_client");
    await mallory.fetch(callback.href);
    expect(await mallory.settled(call.id)).toMatchObject({ error: { code: "flow_failed" } });
    world.offsetMs += 400_000;
    // Renewed as the client that it was granted to, without the user.
    expect(await ada.settled((await ada.call("list_orders")).id)).toMatchObject({ state: "completed", rounds: 0 });
    await ada.post("/api/connectors/store/sign-out");
    await expect.poll(() => server.revoked.length).toBe(1);
    expect(new Set(server.authentications.map(({ clientId }) => clientId))).toEqual(new Set(["registered-1"]));
    // And for whoever signs in next, the server was taken at its word.
    expect(await mallory.signInBy("list_orders")).toMatchObject({ state: "completed" });
    expect(server.authentications.at(-1)?.clientId).toBe("registered-2");
  });
});

describe("a call that waits behind the sign-in of another", () => {
  it("asks for what was granted meanwhile too, so that its token does not take the other's place with less", async () => {
    const browser = await begin({ tools: { list_orders: { demands: ["orders:read"] }, order: { demands: ["orders:write"] } } });
    const first = await browser.parked((await browser.call("list_orders")).id);
    const callback = await browser.visitAuthorizationServer(first.flow?.startUrl ?? "");
    const second = await browser.parked((await browser.call("order")).id);
    expect(second.flow?.id).toBe(first.flow?.id);
    await browser.fetch(callback);
    expect((await browser.settled(first.id)).state).toBe("completed");
    const own = await browser.until(second.id, (call) => call.flow !== undefined && call.flow.id !== first.flow?.id);
    expect(own.flow?.scope).toEqual(["orders:read", "orders:write"]);
    await browser.signIn(own.flow?.startUrl ?? "");
    expect((await browser.settled(second.id)).state).toBe("completed");
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ state: "completed", rounds: 0 });
  });
});

describe("a call that joins while the code for another device is asked for", () => {
  it("is not told that it was granted what nobody asked for", async () => {
    const browser = await begin({ tools: { list_orders: { demands: ["orders:read"] }, order: { demands: ["orders:write"] } } });
    const server = world.authorizationServer;
    const asked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const slow = await listen(async (request) => {
      asked.resolve();
      await release.promise;
      return server.fetch(new Request(`${server.origin}/device_authorization`, { method: "POST", body: await request.text() }));
    });
    closing.push(slow.close);
    server.behaviour.metadata = { device_authorization_endpoint: `${slow.origin}/device_authorization` };
    const first = await browser.parked((await browser.call("list_orders")).id);
    const started = browser.post(`/api/flows/${first.flow?.id}/device`);
    await asked.promise;
    const second = await browser.parked((await browser.call("order")).id);
    expect(second.flow?.id).toBe(first.flow?.id);
    release.resolve();
    expect((await started).status).toBe(200);
    const device = server.devices.get("CODE-1");
    if (device === undefined) throw new Error("no code");
    expect(device.scope).toBe("orders:read");
    device.decision = "approved";
    // RFC 6749 section 5.1: the scope may be left out when it is what was asked for.
    server.behaviour.tokenResponse = () => {
      server.granted.set("narrow", { scope: new Set(["orders:read"]), resource: world.server.url, active: true });
      return Response.json({ access_token: "narrow", token_type: "Bearer", expires_in: 300 });
    };
    world.offsetMs += 5000;
    await world.host.sweep();
    expect((await browser.settled(first.id)).state).toBe("completed");
    const again = await browser.until(second.id, (call) => call.flow !== undefined && call.flow.id !== first.flow?.id);
    expect(again.flow?.scope).toEqual(["orders:read", "orders:write"]);
    const shown: unknown = await (await browser.fetch("/api/connectors/store")).json();
    expect(shown).toMatchObject({ token: { scope: ["orders:read"] } });
  });
});
