import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { consoleOrigin, World, type Browser, type WorldOptions } from "../stand-in/world.ts";

let world: World;
afterEach(async () => world.close());

async function begin(options: WorldOptions = {}): Promise<Browser> {
  world = await World.start(options);
  const browser = world.browser();
  await browser.open();
  return browser;
}

const sessionShape = z.object({
  user: z.object({ id: z.string() }),
  connectors: z.array(z.looseObject({ id: z.string(), status: z.string(), token: z.looseObject({ scope: z.array(z.string()) }).optional() })),
});

describe("sessions", () => {
  it("a first visit gets a session of its own; its cookie is 256 random bits, http-only, and stored as a digest only", async () => {
    world = await World.start();
    const response = await world.host.fetch(new Request(`${consoleOrigin}/api/session`));
    const cookie = response.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^cs_session=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
    const token = /cs_session=([\w-]{43})/.exec(cookie)?.[1] ?? "";
    const { rows } = await sql<{ id: string }>`select id from records where kind = 'session'`.execute(world.database.sql);
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(token);
  });

  it("a session is found again, expires, and is never made up", async () => {
    const browser = await begin();
    const id = await browser.open();
    expect(await browser.open()).toBe(id);
    world.offsetMs += 31 * 24 * 3600 * 1000;
    expect((await browser.fetch("/api/calls/call_x")).status).toBe(401);
    const forged = world.browser();
    forged.cookies.set("cs_session", "A".repeat(43));
    expect((await forged.fetch("/api/calls/call_x")).status).toBe(401);
    expect((await forged.post("/api/calls", {})).status).toBe(401);
  });

  it("a session whose cookie never comes back is gone within the hour; one that does is kept for as long as it is used", async () => {
    const browser = await begin();
    world.offsetMs += 59 * 60_000;
    const id = await browser.open();
    const passing = world.browser();
    await passing.open();
    world.offsetMs += 61 * 60_000;
    expect((await passing.fetch("/api/calls/call_x")).status).toBe(401);
    for (let week = 0; week < 8; week += 1) {
      world.offsetMs += 7 * 24 * 3600 * 1000;
      expect(await browser.open()).toBe(id);
    }
  });

  it("new sessions are given at a bounded rate, and those that exist go on", async () => {
    const browser = await begin({ stoppedClock: true });
    const statuses: number[] = [];
    for (let count = 0; count < 250; count += 1) statuses.push((await world.host.fetch(new Request(`${consoleOrigin}/api/session`))).status);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect((await browser.fetch("/api/session")).status).toBe(200);
    world.offsetMs += 1000;
    expect((await world.host.fetch(new Request(`${consoleOrigin}/api/session`))).status).toBe(200);
  });

  it("O38 on https the cookies cannot be set by a sibling domain", async () => {
    world = await World.start({ host: { publicUrl: "https://console.example" } });
    const response = await world.host.fetch(new Request("https://console.example/api/session"));
    const cookie = response.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^__Host-cs_session=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/);
    const ask = (name: string): Promise<Response> =>
      world.host.fetch(
        new Request("https://console.example/api/calls/call_x", {
          headers: { cookie: cookie.replace("__Host-cs_session", name).split(";")[0] ?? "" },
        }),
      );
    expect((await ask("__Host-cs_session")).status).toBe(404);
    expect((await ask("cs_session")).status).toBe(401);
  });
});

describe("writes", () => {
  it.each([
    ["another site", { origin: "https://evil.example" }],
    ["a widget's origin", { origin: "http://app-000000000000000000000000.localhost:4101" }],
    ["an opaque origin", { origin: "null" }],
    ["a sibling port", { origin: "http://127.0.0.1:4300" }],
    ["a cross-site fetch", { origin: consoleOrigin, "sec-fetch-site": "cross-site" }],
  ])("V01 from %s change nothing", async (_, headers) => {
    const browser = await begin();
    const body = { connectorId: "store", tool: "browse", arguments: {}, origin: "user" };
    expect((await browser.post("/api/calls", body)).status).toBe(202);
    const refused = await browser.post("/api/calls", body, headers);
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ code: "forbidden_origin" });
  });

  it("need an Origin and JSON", async () => {
    const browser = await begin();
    const body = JSON.stringify({ connectorId: "store", tool: "browse", arguments: {}, origin: "user" });
    const noOrigin = await browser.fetch("/api/calls", { method: "POST", headers: { "content-type": "application/json" }, body });
    expect(noOrigin.status).toBe(403);
    const form = await browser.fetch("/api/calls", { method: "POST", headers: { origin: consoleOrigin, "content-type": "text/plain" }, body });
    expect(form.status).toBe(415);
    expect((await browser.fetch("/api/connectors/store", { method: "DELETE" })).status).toBe(403);
  });

  it.each([
    ["no body", ""],
    ["not JSON", "{"],
    ["a list", "[]"],
    ["an unknown member", '{"connectorId":"store","tool":"browse","origin":"user","x":1}'],
    ["the origin model", '{"connectorId":"store","tool":"browse","origin":"model"}'],
    ["a reserved name", '{"connectorId":"store","tool":"browse","origin":"user","arguments":{"__proto__":{}}}'],
    ["a doubled name", '{"connectorId":"store","connectorId":"store","tool":"browse","origin":"user"}'],
    ["a wrong type", '{"connectorId":1,"tool":"browse","origin":"user"}'],
  ])("with %s are refused with 400", async (_, body) => {
    const browser = await begin();
    const response = await browser.fetch("/api/calls", {
      method: "POST",
      headers: { origin: consoleOrigin, "content-type": "application/json" },
      body,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_request" });
    expect(world.server.executions).toEqual([]);
  });

  it("that are too large are refused with 413", async () => {
    const browser = await begin();
    const response = await browser.post("/api/calls", {
      connectorId: "store",
      tool: "browse",
      arguments: { a: "x".repeat(300_000) },
      origin: "user",
    });
    expect(response.status).toBe(413);
  });
});

describe("users", () => {
  it("V20 never see or touch each other's calls, flows, connectors, tokens or events", async () => {
    const alice = await begin();
    const bob = world.browser();
    await bob.open();
    const heardByBob = await bob.listen();
    const added = await alice.post("/api/connectors", { url: `${world.server.url}?alice` });
    const connectorId = z.object({ id: z.string() }).parse(await added.json()).id;
    const parked = await alice.parked((await alice.call("list_orders")).id);
    expect((await bob.fetch(`/api/calls/${parked.id}`)).status).toBe(404);
    expect((await bob.fetch(`/api/calls/${parked.id}/trace`)).status).toBe(404);
    const note = { tool: "list_orders", rung: "link", outcome: "begun" };
    expect((await bob.post(`/api/calls/${parked.id}/ladder`, note)).status).toBe(404);
    expect((await bob.post(`/api/calls/${parked.id}/cancel`)).status).toBe(404);
    expect((await bob.post(`/api/flows/${parked.flow?.id}/cancel`)).status).toBe(404);
    expect((await bob.fetch(`/api/connectors/${connectorId}/tools`)).status).toBe(404);
    expect((await bob.post(`/api/connectors/${connectorId}/sign-out`)).status).toBe(404);
    const deletion = await bob.fetch(`/api/connectors/${connectorId}`, { method: "DELETE", headers: { origin: consoleOrigin } });
    expect(deletion.status).toBe(404);
    await alice.signIn(parked.flow?.startUrl ?? "");
    expect((await alice.settled(parked.id)).state).toBe("completed");
    await bob.post("/api/connectors/store/sign-out");
    const { connectors } = sessionShape.parse(await (await alice.fetch("/api/session")).json());
    expect(connectors.find((each) => each.id === "store")?.token?.scope).toEqual(["orders:read"]);
    const bobs = sessionShape.parse(await (await bob.fetch("/api/session")).json());
    expect(bobs.connectors.map((each) => [each.id, each.token])).toEqual([["store", undefined]]);
    await bob.parked((await bob.call("list_orders")).id);
    const heard = await heardByBob.stop();
    expect(heard).not.toContain(parked.id);
    expect(heard).not.toContain(connectorId);
  });

  it("M15 each user's tools are fetched for that user", async () => {
    const alice = await begin();
    await alice.fetch("/api/connectors/store/tools");
    const lists = world.server.methods.filter((method) => method === "tools/list").length;
    const bob = world.browser();
    await bob.open();
    await bob.fetch("/api/connectors/store/tools");
    expect(world.server.methods.filter((method) => method === "tools/list").length).toBeGreaterThan(lists);
  });
});

describe("connectors", () => {
  it("are added once, removed by their user, and the installation's own stays", async () => {
    const browser = await begin();
    const add = (): Promise<Response> => browser.post("/api/connectors", { url: `${world.server.url}?x` });
    const first = z.looseObject({ id: z.string() }).parse(await (await add()).json());
    expect(z.looseObject({ id: z.string() }).parse(await (await add()).json()).id).toBe(first.id);
    const remove = (id: string): Promise<Response> =>
      browser.fetch(`/api/connectors/${id}`, { method: "DELETE", headers: { origin: consoleOrigin } });
    expect((await remove(first.id)).status).toBe(200);
    expect((await remove(first.id)).status).toBe(404);
    expect((await remove("store")).status).toBe(400);
  });

  it.each(["ftp://a.example/", "http://a.example/mcp", "javascript:alert(1)", "https://user:pw@a.example/", "", "x".repeat(3000)])(
    "M09 %j is not added",
    async (url) => {
      const browser = await begin();
      expect((await browser.post("/api/connectors", { url })).status).toBe(400);
    },
  );

  it("M09 a public host dials no server on its own machine for a user", async () => {
    world = await World.start({ host: { publicUrl: "https://console.example", connectors: [] } });
    const browser = world.browser();
    await browser.open();
    const refused = await browser.post("/api/connectors", { url: world.server.url }, { origin: "https://console.example" });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ code: "unsafe_url" });
  });

  it("tell their pages when they are connected", async () => {
    const browser = await begin();
    const events = await browser.listen();
    await expect.poll(async () => sessionShape.parse(await (await browser.fetch("/api/session")).json()).connectors[0]?.status).toBe("connected");
    expect(await events.stop()).toContain("event: connector");
  });
});

describe("the console's files", () => {
  it("are served under a strict policy, with the start page for every place", async () => {
    const folder = mkdtempSync(join(tmpdir(), "countersign-console-"));
    mkdirSync(join(folder, "assets"));
    writeFileSync(join(folder, "index.html"), "<!doctype html><title>c</title>");
    writeFileSync(join(folder, "assets", "a-1.js"), "1");
    writeFileSync(join(folder, "secret.pem"), "key");
    try {
      world = await World.start({ host: { consoleFolder: folder } });
      const browser = world.browser();
      const start = await browser.fetch("/");
      expect(start.headers.get("content-security-policy")).toMatch(/default-src 'none'; script-src 'self';.*frame-src http:\/\/\*\.localhost:4101/);
      expect(start.headers.get("content-security-policy")).not.toMatch(/unsafe/);
      expect(await (await browser.fetch("/some/place")).text()).toContain("<title>c");
      expect((await browser.fetch("/assets/a-1.js")).headers.get("cache-control")).toContain("immutable");
      expect((await browser.fetch("/", { headers: { "if-none-match": start.headers.get("etag") ?? "" } })).status).toBe(304);
      for (const path of ["/secret.pem", "/assets/none.js", "/../package.json", "/%2e%2e/package.json", "/api/none"]) {
        expect([path, (await browser.fetch(path)).status]).toEqual([path, 404]);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("that were not built are answered with a sentence", async () => {
    const browser = await begin({ host: { consoleFolder: "/nonexistent/folder" } });
    const answer = await browser.fetch("/");
    expect(answer.status).toBe(503);
    expect(await answer.text()).toMatch(/not built yet/);
  });

  it("the waiting page of the popup is inert", async () => {
    const browser = await begin();
    const page = await browser.fetch("/flows/wait");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    for (const path of ["/pages/look.css", "/pages/close.js"]) expect((await browser.fetch(path)).status).toBe(200);
  });
});
