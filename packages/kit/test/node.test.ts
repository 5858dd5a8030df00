import { createServer, type RequestListener, request as sendRaw, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve as serveHono } from "@hono/node-server";
import { withKnownText } from "@countersign/protocol/known-text";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import express from "express";
import { Hono } from "hono";
import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { answer } from "../src/answer.ts";
import { type App, createApp } from "../src/app.ts";
import { either, oauth2 } from "../src/auth.ts";
import { toNodeHandler } from "../src/node.ts";
import { createTestClock } from "./stand-ins/clock.ts";
import { createTestIssuer, type TestIssuer } from "./stand-ins/issuer.ts";

const clock = createTestClock();
let issuer: TestIssuer;
beforeEach(async () => {
  issuer = await createTestIssuer(clock);
});

/** How an app is put on a server; `path` is its endpoint's. */
interface Mount {
  readonly path: string;
  readonly listener: (app: App) => RequestListener;
}

const mounts: Readonly<Record<string, Mount>> = {
  "Node's own HTTP": { path: "/mcp", listener: toNodeHandler },
  "Express, body not parsed": { path: "/mcp", listener: (app) => express().all([...app.paths], toNodeHandler(app)) },
  "Express, body parsed": {
    path: "/mcp",
    listener: (app) =>
      express()
        .use(express.json())
        .all([...app.paths], toNodeHandler(app)),
  },
  "Express, below a path and behind a proxy": {
    path: "/shops/1/mcp",
    listener: (app) => {
      const router = express.Router().all("/mcp", toNodeHandler(app));
      const server = express().set("trust proxy", true).use(express.json()).use("/shops/1", router);
      return server.all([...app.paths], toNodeHandler(app));
    },
  },
};

interface Running {
  readonly origin: string;
  readonly app: App;
}

async function listen(listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return server;
}

function addressOf(address: string | AddressInfo | null): string {
  if (address === null || typeof address === "string") throw new TypeError("not a TCP address");
  return `http://127.0.0.1:${address.port}`;
}

function createShop(resource: string, given: TestIssuer): App {
  const app = createApp({ name: "store", version: "1", resource, issuer: given.issuer, clock: clock.now, fetch: given.fetch });
  app.tool("echo", { description: "echo", input: z.object({ text: z.string() }), auth: either() }, ({ text }) => answer({ text }));
  app.tool("orders", { description: "orders", input: z.object({}), auth: oauth2("orders:read") }, (_args, { subject }) =>
    answer({ subject: subject ?? null }),
  );
  return app;
}

/** Starts a server on a port of the system's choice; the app is made when the port, and so its resource, is known. */
async function start(mount: Mount): Promise<Running & { stop(): Promise<void> }> {
  let listener: RequestListener = () => undefined;
  const server = await listen((incoming, outgoing) => listener(incoming, outgoing));
  const origin = addressOf(server.address());
  const app = createShop(`${origin}${mount.path}`, issuer);
  listener = mount.listener(app);
  return { origin, app, stop: async () => await Promise.all([app.close(), new Promise((resolve) => server.close(resolve))]).then(() => undefined) };
}

async function useOfficialClient({ app, origin }: Running): Promise<void> {
  for (const mode of ["auto", "legacy"] as const) {
    let held: string | undefined;
    const asked: string[] = [];
    const client = new Client({ name: "official", version: "1" }, { versionNegotiation: { mode } });
    const authProvider = {
      token: () => Promise.resolve(held),
      onUnauthorized: async ({ response }: { response: Response }) => {
        asked.push(response.headers.get("www-authenticate") ?? "");
        held = await issuer.token({ aud: app.resource });
      },
    };
    await client.connect(new StreamableHTTPClientTransport(new URL(app.resource), { authProvider }));
    expect((await client.callTool({ name: "echo", arguments: { text: "Grüße, 👋" } })).structuredContent).toEqual({ text: "Grüße, 👋" });
    expect((await client.callTool({ name: "orders", arguments: {} })).structuredContent).toEqual({ subject: "usr_1" });
    const path = new URL(app.resource).pathname;
    expect(asked).toEqual([`Bearer scope="orders:read", resource_metadata="${origin}/.well-known/oauth-protected-resource${path}"`]);
    await client.close();
  }
}

async function isDeafToForwardedHeaders({ app, origin }: Running): Promise<void> {
  const lies = {
    "x-forwarded-host": "evil.test",
    "x-forwarded-proto": "https",
    forwarded: "host=evil.test;proto=https",
    "x-original-host": "evil.test",
  };
  for (const place of app.paths.slice(1)) {
    const metadata: unknown = await (await fetch(`${origin}${place}`, { headers: lies })).json();
    expect(metadata).toMatchObject({ resource: app.resource, authorization_servers: [issuer.issuer] });
  }
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "orders", arguments: {} } });
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  const challenged = await fetch(app.resource, { method: "POST", headers: { ...headers, ...lies }, body });
  expect(challenged.status).toBe(401);
  expect(challenged.headers.get("www-authenticate")).not.toContain("evil");
  const refused = [{ origin: "https://evil.test" }, { origin: "null" }];
  for (const bad of refused) expect((await fetch(app.resource, { method: "POST", headers: { ...headers, ...bad }, body })).status).toBe(403);
  for (const host of ["evil.test", "127.0.0.1.evil.test"]) expect(await statusWithHost(app.resource, host, body)).toBe(403);
}

/** `fetch` sets the Host header itself, so a lie about it takes the plain client. */
function statusWithHost(url: string, host: string, body: string, path?: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { host, "content-type": "application/json", accept: "application/json, text/event-stream" };
    const sent = sendRaw(url, { method: "POST", headers, agent: false, ...(path === undefined ? {} : { path }) }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

describe.each(Object.entries(mounts))("on %s", (_name, mount) => {
  let running: Awaited<ReturnType<typeof start>>;
  beforeEach(async () => {
    running = await start(mount);
    return () => running.stop();
  });

  test("the official client signs in and calls, in both revisions", async () => await useOfficialClient(running));

  test("M01 forwarded headers change nothing, and a foreign host or origin is refused", async () => await isDeafToForwardedHeaders(running));

  test("a body that is too large, broken or of another kind is refused, and the next one is served", async () => {
    const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
    const large = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping", params: { text: "x".repeat(300_000) } });
    const send = (body: string, more: Record<string, string> = {}) =>
      fetch(running.app.resource, { method: "POST", headers: { ...headers, ...more }, body });
    expect((await send(large)).status).toBe(413);
    for (const body of ["{", "{}", '"text"']) expect((await send(body)).status).toBe(400);
    expect((await send("a=1", { "content-type": "application/x-www-form-urlencoded" })).status).toBe(415);
    expect((await send('{"jsonrpc":"2.0","id":1,"method":"ping"}')).status).toBe(200);
  });
});

describe("on Node's own HTTP", () => {
  test("a request target that is no path, or a host that is no host, is refused before anything is made of it", async () => {
    const running = await start({ path: "/mcp", listener: toNodeHandler });
    const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
    const host = new URL(running.origin).host;
    expect(await statusWithHost(running.app.resource, host, body, "/mcp")).toBe(200);
    expect(await statusWithHost(running.app.resource, host, body, "http://evil.test/mcp")).toBe(400);
    expect(await statusWithHost(running.app.resource, host, body, "@evil.test/mcp")).toBe(400);
    for (const name of ["a b", `x@${host}`, `:x@${host}`]) expect(await statusWithHost(running.app.resource, name, body)).toBe(400);
    expect(await statusWithHost(running.app.resource, "a:99999", body)).toBe(400);
    await running.stop();
  });
});

describe("an answer on Node's own HTTP", () => {
  const startWith = async (fetch: (request: Request) => Promise<Response>): Promise<{ readonly url: string; readonly stop: () => void }> => {
    const server = await listen(toNodeHandler({ fetch }));
    const stop = (): void => {
      server.close();
      server.closeAllConnections();
    };
    return { url: `${addressOf(server.address())}/mcp`, stop };
  };

  test("goes out whole with its length where its text is known, and nobody makes a stream of it", async () => {
    const made: Response[] = [];
    const { url, stop } = await startWith(() => {
      const response = withKnownText(
        new Response("Grüße", {
          status: 201,
          headers: [
            ["set-cookie", "a=1"],
            ["set-cookie", "b=2"],
          ],
        }),
        "Grüße",
      );
      made.push(response);
      return Promise.resolve(response);
    });
    const answered = await fetch(url);
    expect(answered.status).toBe(201);
    expect(answered.headers.get("content-length")).toBe("7");
    expect(answered.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await answered.text()).toBe("Grüße");
    expect(made[0]?.bodyUsed).toBe(false);
    stop();
  });

  test("comes as it is made, and ends when its client leaves", async () => {
    const left = Promise.withResolvers<string>();
    const { url, stop } = await startWith((request) => {
      request.signal.addEventListener("abort", () => left.resolve("aborted"));
      const stream = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
        cancel: () => left.resolve("cancelled"),
      });
      return Promise.resolve(new Response(stream, { headers: { "content-type": "text/event-stream" } }));
    });
    const leaving = new AbortController();
    const { body } = await fetch(url, { signal: leaving.signal });
    const first = await body?.getReader().read();
    expect(new TextDecoder().decode(first?.value)).toBe("data: 1\n\n");
    leaving.abort();
    expect(["aborted", "cancelled"]).toContain(await left.promise);
    stop();
  });

  test("says 500 when the app fails, without its words, and the next one is served", async () => {
    let calls = 0;
    const { url, stop } = await startWith(() =>
      calls++ === 0 ? Promise.reject(new Error("password=hunter2")) : Promise.resolve(new Response("ok")),
    );
    const failed = await fetch(url);
    expect([failed.status, await failed.json()]).toEqual([500, { jsonrpc: "2.0", id: null, error: { code: -32603, message: "Internal error" } }]);
    expect(await (await fetch(url)).text()).toBe("ok");
    stop();
  });

  test("is broken off when it fails on its way", async () => {
    const { url, stop } = await startWith(() => {
      const parts = ["data: 1\n\n"];
      const stream = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          const part = parts.shift();
          if (part === undefined) controller.error(new Error("password=hunter2"));
          else controller.enqueue(new TextEncoder().encode(part));
        },
      });
      return Promise.resolve(new Response(stream));
    });
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow(TypeError);
    stop();
  });
});

describe("on Hono", () => {
  test("the official client signs in and calls, and forwarded headers change nothing", async () => {
    const hono = new Hono();
    const server = serveHono({ fetch: (request, env) => hono.fetch(request, env), port: 0, hostname: "127.0.0.1" });
    await new Promise<void>((resolve) => void server.once("listening", resolve));
    const origin = addressOf(server.address());
    const app = createShop(`${origin}/api/mcp`, issuer);
    for (const path of app.paths) hono.all(path, (context) => app.fetch(context.req.raw));
    await useOfficialClient({ origin, app });
    await isDeafToForwardedHeaders({ origin, app });
    await app.close();
    await new Promise((resolve) => server.close(resolve));
  });
});
