import { randomBytes } from "node:crypto";
import { createServer, request, type Server } from "node:http";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Secret } from "@countersign/protocol/secret";
import { readConfig } from "@countersign/service/config";
import { createLogger } from "@countersign/service/log";
import { startupSentence } from "@countersign/service/run-main";
import { hostConfig } from "../src/config.ts";
import { start, type HostStartOptions } from "../src/main.ts";

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function bound(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  stops.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP server");
  return { server, port: address.port };
}

function optionsFor(port: number, widgetPort: number): Omit<HostStartOptions, "listen" | "widgetListen"> {
  return {
    publicUrl: `http://127.0.0.1:${port}`,
    widgetOrigin: `http://{app}.localhost:${widgetPort}`,
    databaseUrl: "memory:",
    sealingKey: new Secret(randomBytes(32).toString("base64url")),
    connectors: [],
    clients: {},
    consoleFolder: "/nonexistent",
    logger: createLogger("host", { level: "silent" }),
  };
}

describe("the host as a process", () => {
  it("serves console and widgets on two listeners, with health and readiness, and stops", async () => {
    const [main, widgets] = [await bound(), await bound()];
    const host = await start({ ...optionsFor(main.port, widgets.port), listen: main.server, widgetListen: widgets.server });
    stops.push(() => host.stop());
    expect(host.url).toBe(`http://127.0.0.1:${main.port}`);
    for (const path of ["/healthz", "/readyz"]) {
      expect((await fetch(`${host.url}${path}`)).status).toBe(200);
      expect((await fetch(`http://127.0.0.1:${widgets.port}${path}`)).status).toBe(200);
    }
    expect((await fetch(`${host.url}/api/session`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${widgets.port}/frame/x`)).status).toBe(421);
    await host.stop();
    await expect(fetch(`${host.url}/healthz`)).rejects.toThrow();
  });

  it("M01 X10 is reached under its own names and by its own pages only, and by no odd method", async () => {
    const [main, widgets] = [await bound(), await bound()];
    const host = await start({ ...optionsFor(main.port, widgets.port), listen: main.server, widgetListen: widgets.server });
    stops.push(() => host.stop());
    const ask = (port: number, path: string, headers: Record<string, string>, method = "GET"): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const asked = request({ host: "127.0.0.1", port, path, method, headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        asked.on("error", reject).end();
      });
    const own = `127.0.0.1:${main.port}`;
    expect(await ask(main.port, "/api/session", { host: own })).toBe(200);
    for (const other of ["evil.example", `evil.example:${main.port}`, `127.0.0.1.evil.example:${main.port}`, `localhost:${main.port}`, "null"]) {
      expect([other, await ask(main.port, "/api/session", { host: other })]).toEqual([other, 421]);
      expect([other, await ask(widgets.port, "/frame/x", { host: other })]).toEqual([other, 421]);
    }
    expect(await ask(widgets.port, "/frame/x", { host: `app-1.localhost:${widgets.port}` })).toBe(404);
    expect(await ask(widgets.port, "/frame/x", { host: `a.app-1.localhost:${widgets.port}` })).toBe(421);
    for (const origin of ["null", "http://evil.example", `http://127.0.0.1.evil.example:${main.port}`, `https://${own}`, `http://${own}.`]) {
      expect([origin, await ask(main.port, "/api/calls", { host: own, origin }, "POST")]).toEqual([origin, 403]);
      expect([origin, await ask(main.port, "/api/connectors", { host: own, origin })]).toEqual([origin, 403]);
    }
    for (const method of ["TRACE", "PROPFIND", "M-SEARCH"])
      expect([method, await ask(main.port, "/api/calls", { host: own }, method)]).toEqual([method, 405]);
    expect(await ask(main.port, "/api/calls", { host: own, origin: "http://evil.example" }, "OPTIONS")).toBe(405);
  });

  it("X04 counts sessions by the address of the connection, whatever a client says of itself", async () => {
    const [main, widgets] = [await bound(), await bound()];
    const options = { ...optionsFor(main.port, widgets.port), limits: { rateFactor: 0.1 } };
    vi.useFakeTimers({ toFake: ["Date"] });
    const host = await start({ ...options, listen: main.server, widgetListen: widgets.server });
    stops.push(() => host.stop());
    const statuses = new Set<number>();
    for (let count = 0; count < 20; count += 1) {
      const headers = { "countersign-client-address": `192.0.2.${count}`, "x-forwarded-for": `192.0.2.${count}` };
      statuses.add((await fetch(`${host.url}/api/session`, { headers })).status);
    }
    expect([...statuses].toSorted((a, b) => a - b)).toEqual([200, 429]);
  });

  it("X04 behind its proxy counts them by the address that the proxy names", async () => {
    const [main, widgets] = [await bound(), await bound()];
    const options = { ...optionsFor(main.port, widgets.port), limits: { rateFactor: 0.1 }, behindProxy: true };
    vi.useFakeTimers({ toFake: ["Date"] });
    const host = await start({ ...options, listen: main.server, widgetListen: widgets.server });
    stops.push(() => host.stop());
    const from = async (address: string): Promise<number> =>
      (await fetch(`${host.url}/api/session`, { headers: { "x-forwarded-for": address } })).status;
    for (let count = 0; count < 12; count += 1) await from(`192.0.2.${count}, 198.51.100.7`);
    expect(await from("192.0.2.99, 198.51.100.7")).toBe(429);
    expect(await from("192.0.2.99, 198.51.100.8")).toBe(200);
  });

  it("an event stream ends when the host stops", async () => {
    const [main, widgets] = [await bound(), await bound()];
    const host = await start({ ...optionsFor(main.port, widgets.port), listen: main.server, widgetListen: widgets.server });
    stops.push(() => host.stop());
    const session = await fetch(`${host.url}/api/session`);
    const cookie = session.headers.get("set-cookie")?.split(";")[0] ?? "";
    const stream = await fetch(`${host.url}/api/events`, { headers: { cookie } });
    expect(stream.headers.get("content-type")).toBe("text/event-stream");
    const reading = stream.text();
    await host.stop();
    expect(await reading).toContain("retry:");
  });

  it("says in one sentence that a port is taken, and leaves nothing open", async () => {
    const [main, widgets] = [await bound(), await bound()];
    const failure: unknown = await start({ ...optionsFor(main.port, widgets.port), listen: main.port, widgetListen: widgets.server }).catch(
      (error: unknown) => error,
    );
    expect(startupSentence(failure)).toMatch(/^Port \d+ on 127\.0\.0\.1 is already in use; .*COUNTERSIGN_HOST_PORT/);
  });

  it("reads its environment by one schema, with defaults for one machine", () => {
    const config = readConfig(hostConfig, {});
    expect(config).toMatchObject({ ok: true, value: { publicUrl: "http://127.0.0.1:4100", port: 4100, widgetPort: 4101, modelUrl: undefined } });
    const bad = readConfig(hostConfig, {
      COUNTERSIGN_HOST_PORT: "x",
      COUNTERSIGN_HOST_CLIENTS: '[{"issuer":"https://a","client_id":"1"},{"issuer":"https://a","client_id":"2"}]',
    });
    expect(bad.ok ? [] : bad.error.map((problem) => problem.env)).toEqual(["COUNTERSIGN_HOST_PORT", "COUNTERSIGN_HOST_CLIENTS"]);
  });
});
