import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, get, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret } from "@countersign/protocol/secret";
import { createLogger } from "@countersign/service/log";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { start, startFromEnvironment, type StoreStartOptions } from "../src/main.ts";

const logger = createLogger("store", { level: "silent" });
const stops: (() => Promise<unknown>)[] = [];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "store-"));
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  rmSync(folder, { recursive: true, force: true });
});

async function listening(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => new Promise((resolve) => server.close(resolve)));
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Asks with a Host header of its own, as a proxy does. */
function statusFor(port: number, host: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ port, host: "127.0.0.1", path, headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).on("error", reject);
  });
}

async function options(): Promise<StoreStartOptions> {
  return {
    listen: await listening(),
    wallet: "http://localhost:4200",
    bank: "http://127.0.0.1:4400",
    clientId: "store",
    name: "Harbour Goods",
    databaseUrl: `file:${folder}/store.sqlite`,
    sealingKey: new Secret(Buffer.alloc(32, 5).toString("base64url")),
    widgetHtml: "<!doctype html>",
    logger,
  };
}

async function keys(url: string): Promise<string> {
  return (await fetch(`${url}/.well-known/jwks.json`)).text();
}

describe("a started store", () => {
  test("is healthy and ready, names its wallet, and keeps its key over a restart", async () => {
    const first = await start(await options());
    for (const path of ["/healthz", "/readyz"]) expect((await fetch(first.url + path)).status).toBe(200);
    const metadata = await (await fetch(`${first.url}/.well-known/oauth-protected-resource/mcp`)).json();
    expect(metadata).toMatchObject({
      resource: `${first.url}/mcp`,
      authorization_servers: ["http://localhost:4200"],
      scopes_supported: ["orders:read", "orders:write"],
    });
    const before = await keys(first.url);
    await first.stop();
    const second = await start(await options());
    stops.push(() => second.stop());
    expect(await keys(second.url)).toBe(before);
    expect(before).toContain('"kty":"EC"');
  });

  test("a second one on the same port says so in one sentence, with the variable to change", async () => {
    const taken = portOf(await listening());
    const attempt = start({ ...(await options()), listen: taken });
    await expect(attempt).rejects.toThrow(/Port \d+ on 127\.0\.0\.1 is already in use; .*COUNTERSIGN_STORE_PORT/);
  });
});

describe("from the environment", () => {
  test("without its view it says how to build it", async () => {
    const env = { COUNTERSIGN_DATA: folder, COUNTERSIGN_STORE_WIDGET: join(folder, "missing.html") };
    await expect(startFromEnvironment(env)).rejects.toThrow(/view is not built; run `npx vite build apps\/store\/widget`/);
  });

  test("it names every variable that is wrong, without its value", async () => {
    const env = { COUNTERSIGN_STORE_PORT: "many", COUNTERSIGN_BANK_URL: "http://shop.example/secret" };
    const attempt = startFromEnvironment(env);
    await expect(attempt).rejects.toThrow(/COUNTERSIGN_STORE_PORT .*COUNTERSIGN_BANK_URL /);
    await expect(attempt).rejects.not.toThrow(/secret/);
  });

  test("it starts with defaults but for port, address and folder", async () => {
    const free = await listening();
    const port = portOf(free);
    await stops.pop()?.();
    writeFileSync(join(folder, "shop.html"), "<!doctype html>");
    const store = await startFromEnvironment({
      COUNTERSIGN_DATA: folder,
      COUNTERSIGN_STORE_PORT: String(port),
      COUNTERSIGN_STORE_WIDGET: join(folder, "shop.html"),
    });
    stops.push(() => store.stop());
    expect(store.url).toBe(`http://127.0.0.1:${port}`);
    expect((await fetch(`${store.url}/readyz`)).status).toBe(200);
  });

  test("a public origin alone says which host is served", async () => {
    const free = await listening();
    const port = portOf(free);
    await stops.pop()?.();
    writeFileSync(join(folder, "shop.html"), "<!doctype html>");
    const store = await startFromEnvironment({
      COUNTERSIGN_DATA: folder,
      COUNTERSIGN_STORE_PORT: String(port),
      COUNTERSIGN_STORE_URL: "https://shop.example",
      COUNTERSIGN_STORE_WIDGET: join(folder, "shop.html"),
    });
    stops.push(() => store.stop());
    expect(await statusFor(port, "shop.example", "/.well-known/jwks.json")).toBe(200);
    expect(await statusFor(port, "evil.example", "/.well-known/jwks.json")).toBe(421);
    expect(await statusFor(port, `127.0.0.1:${port}`, "/.well-known/jwks.json")).toBe(421);
  });
});
