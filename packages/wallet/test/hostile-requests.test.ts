import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startWorld, type World } from "./peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** Every address that takes a body, of the wallet's own and of oidc-provider. */
const endpoints = ["/token", "/introspect", "/revoke", "/par", "/payment-requests", "/interaction/unknown/login", "/account/name"];

function post(path: string, body: string | Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>>): Promise<Response> {
  return fetch(`${world.url}${path}`, { method: "POST", body, headers: { origin: world.url, ...headers } });
}

const form = { "content-type": "application/x-www-form-urlencoded" };
const json = { "content-type": "application/json" };

/** Whether the wallet still does its work. */
async function isWell(): Promise<boolean> {
  return (await fetch(`${world.url}/jwks`)).status === 200 && (await world.payee.token()).length > 0;
}

/** Sends bytes as they are; gives the status line's number, or 0 when the connection is closed without one. */
function sendRaw(bytes: string): Promise<number> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(Number(new URL(world.url).port), "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)));
    socket.setTimeout(30_000, () => socket.destroy());
  });
}

/** Sends a body without a length until the wallet has had enough; gives how much went out and what came back. */
function pour(path: string, bytesMax: number): Promise<{ readonly sent: number; readonly status: number }> {
  return new Promise((resolve) => {
    let sent = 0;
    let status = 0;
    const outgoing = httpRequest(`${world.url}${path}`, { method: "POST", headers: { ...form, origin: world.url } }, (answer) => {
      status = answer.statusCode ?? 0;
      answer.resume();
    });
    const piece = Buffer.alloc(65_536, 0x61);
    const more = (): void => {
      if (sent >= bytesMax || outgoing.destroyed || status !== 0) return void outgoing.end();
      sent += piece.length;
      outgoing.write(piece, () => setImmediate(more));
    };
    outgoing.on("error", () => undefined);
    outgoing.on("close", () => resolve({ sent, status }));
    more();
  });
}

describe.each(endpoints)("a body for %s", (path) => {
  test("X06 of 4 MB is refused, as one piece and as a million names", async () => {
    expect((await post(path, "a".repeat(4_000_000), form).catch(() => ({ status: 413 }))).status).toBeGreaterThanOrEqual(400);
    const names = Array.from({ length: 400_000 }, (_, index) => `a${index}=`).join("&");
    expect((await post(path, names, form).catch(() => ({ status: 413 }))).status).toBeGreaterThanOrEqual(400);
    expect(await isWell()).toBe(true);
  });

  test("X06 of JSON that is deep is refused by a value", async () => {
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    const { status } = await post(path, deep, json);
    expect([status >= 400, status < 500]).toEqual([true, true]);
  });

  test("X08 that is compressed is refused, not inflated", async () => {
    const bomb = Uint8Array.from(gzipSync(Buffer.alloc(20_000_000)));
    const { status } = await post(path, bomb, { ...form, "content-encoding": "gzip" });
    expect([status >= 400, status < 500]).toEqual([true, true]);
  });

  test("X06 without an end is cut off", async () => {
    const before = process.memoryUsage().rss;
    const { sent, status } = await pour(path, 60_000_000);
    expect(sent).toBeLessThan(60_000_000);
    expect(status === 0 || status >= 400).toBe(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
    expect(await isWell()).toBe(true);
  });
});

describe("a head", () => {
  const host = (): string => new URL(world.url).host;

  test.each(["/token", "/authorize", "/", "/payment-requests"])("X10 for %s that is odd is refused: methods, lengths, hosts, size", async (path) => {
    const start = `POST ${path} HTTP/1.1\r\nHost: ${host()}\r\nConnection: close\r\n`;
    expect(await sendRaw(`TRACE ${path} HTTP/1.1\r\nHost: ${host()}\r\nConnection: close\r\n\r\n`)).toBe(405);
    expect(await sendRaw(`${start}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`)).toBe(400);
    expect(await sendRaw(`${start}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`)).toBe(400);
    expect(await sendRaw(`GET ${path} HTTP/1.1\r\nHost: ${host()}\r\nX-Long: ${"a".repeat(65_536)}\r\n\r\n`)).toBe(431);
    expect(await sendRaw(`GET ${path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`)).toBe(421);
    expect(await sendRaw(`GET ${path} HTTP/1.1\r\nHost: ${host()}\r\nHost: evil.example\r\nConnection: close\r\n\r\n`)).toBe(400);
    expect(await isWell()).toBe(true);
  });
});

describe("a text that makes a pattern slow", () => {
  test("X07 costs no time at any address", async () => {
    const texts = [`${"a".repeat(3_000)}!`, `${" ".repeat(3_000)}x`, "/".repeat(3_000), "%20".repeat(1_000), "=".repeat(3_000)];
    for (const text of texts) {
      const encoded = encodeURIComponent(text).slice(0, 6_000);
      const startedAt = performance.now();
      await fetch(`${world.url}/authorize?scope=${encoded}&resource=${encoded}&redirect_uri=${encoded}&client_id=${encoded}`, { redirect: "manual" });
      await fetch(`${world.url}/approve/${encoded}`, { redirect: "manual" });
      await post("/token", new URLSearchParams({ client_id: text, code_verifier: text, scope: text }).toString(), form);
      // A pattern that is slow on such a text takes minutes.
      expect(performance.now() - startedAt).toBeLessThan(20_000);
    }
  });
});
