import { createServer, type Server, type ServerResponse } from "node:http";
import { judgeServer } from "@countersign/protocol/server-matrix";
import { exitCodeOf } from "@countersign/protocol/server-verdict";
import type { ServerObservation } from "@countersign/protocol/server-observation";
import { DialError } from "@countersign/service/dial/dial";
import { afterEach, describe, expect, it } from "vitest";
import { examineServer } from "../../src/doctor/examine.ts";
import { dialTo, fixtureServer, goodPrm, protectedTool, rpc, serverUrl } from "./fixture.ts";

const running: Server[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A server on this machine, and how often it was asked. */
async function serve(answer: (response: ServerResponse, path: string) => void): Promise<{ readonly origin: string; readonly asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    // Whoever is asked reads first.
    request.resume();
    answer(response, request.url ?? "");
  });
  running.push(server);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP server");
  return { origin: `http://127.0.0.1:${address.port}`, asked: () => asked };
}

async function examine(address: string): Promise<ServerObservation> {
  const examined = await examineServer(address, { reach: "local", consent: "read_only" });
  if (!examined.ok) throw new Error(examined.error.code);
  return examined.value;
}

/** Writes for as long as somebody reads. */
function pour(response: ServerResponse, chunk: string): void {
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on("drain", more);
  more();
}

describe("the examination of a hostile server", () => {
  it.each([
    ["a body", "application/json", " ".repeat(65_536)],
    ["an event", "text/event-stream", `data: ${"x".repeat(65_536)}`],
    ["events that answer nothing", "text/event-stream", `data: ${"x".repeat(65_000)}\n\n`],
  ])("comes to an end where %s has none", async (_name, type, chunk) => {
    const { origin, asked } = await serve((response) => {
      response.writeHead(200, { "content-type": type });
      pour(response, chunk);
    });
    const seen = await examine(`${origin}/mcp`);
    expect(seen.eras["2025-11-25"]).toEqual({ seen: "nothing", problem: "too_large" });
    expect(asked()).toBeLessThan(12);
    expect(exitCodeOf(seen, judgeServer(seen))).toBe(0);
  });

  it("comes to an end where nothing is ever answered", async () => {
    let asked = 0;
    const examined = await examineServer(serverUrl, {
      reach: "public",
      consent: "read_only",
      dial: () => {
        asked += 1;
        return Promise.reject(new DialError("timeout", "no answer in time", true));
      },
    });
    expect(asked).toBe(4);
    expect(examined).toMatchObject({ ok: true, value: { tools: { seen: "nothing" }, crossOrigin: { problem: "over_budget" } } });
  });

  it("ends when its caller goes", async () => {
    const leave = new AbortController();
    let asked = 0;
    const dial = dialTo((request) => {
      asked += 1;
      leave.abort();
      return fixtureServer()(request);
    });
    const examined = await examineServer(serverUrl, {
      reach: "public",
      consent: "read_only",
      signal: leave.signal,
      dial: (url, request, bounds) =>
        request.signal?.aborted === true ? Promise.reject(new DialError("aborted", "cancelled", false)) : dial(url, request, bounds),
    });
    expect(asked).toBe(1);
    expect(examined).toMatchObject({ ok: true, value: { tools: { seen: "nothing", problem: "aborted" } } });
  });

  it("M09 follows no redirect, to a private address or elsewhere", async () => {
    const sink = await serve((response) => void response.end("{}"));
    const { origin } = await serve((response) => void response.writeHead(307, { location: `${sink.origin}/secret` }).end());
    const seen = await examine(`${origin}/mcp`);
    expect(seen.eras["2025-11-25"]).toMatchObject({ problem: "redirected", location: `${sink.origin}/secret` });
    expect(sink.asked()).toBe(0);
  });

  it("M09 asks at most three authorization servers, and none by plain http elsewhere", async () => {
    const servers = Array.from({ length: 8 }, (_, index) => `https://id-${index}.example`);
    const requests: Request[] = [];
    const dial = dialTo(fixtureServer({ prm: { ...goodPrm, authorization_servers: servers } }), requests);
    await examineServer(serverUrl, { reach: "public", consent: "read_only", dial });
    const origins = new Set(requests.map(({ url }) => new URL(url).origin));
    expect(origins).toEqual(new Set(["https://shop.example", ...servers.slice(0, 3)]));
  });

  it.each([
    ["deep", `{"jsonrpc":"2.0","id":1,"result":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
    ["cut off", '{"jsonrpc":"2.0","id":1,"result":{'],
    ["of another call", '{"jsonrpc":"2.0","id":2,"result":{}}'],
    ["no object", "null"],
  ])("takes JSON that is %s for unreadable", async (_name, text) => {
    const { origin } = await serve((response) => void response.writeHead(200, { "content-type": "application/json" }).end(text));
    const seen = await examine(`${origin}/mcp`);
    expect(seen.eras["2025-11-25"].seen).toBe("unreadable");
    expect(judgeServer(seen).hosts[0]?.verdicts.connect.finding).toBe("not_mcp");
  });

  it.each(["заказы", "tool ☃", " orders ", "=?base64?b3JkZXJz?="])("sends a name that fits into no header in base64: %s", async (name) => {
    const requests: Request[] = [];
    const uri = `ui://shop/${name}`;
    const tools = [{ ...protectedTool, name, _meta: { ui: { resourceUri: uri } } }];
    const examined = await examineServer(serverUrl, {
      reach: "public",
      consent: "read_only",
      dial: dialTo(fixtureServer({ tools }), requests),
    });
    expect(examined).toMatchObject({ ok: true, value: { protectedCall: { seen: "http" }, views: [{ seen: "document", uri }] } });
    const encoded = `=?base64?${Buffer.from(name).toString("base64")}?=`;
    const calls = requests.filter(({ headers }) => headers.get("mcp-method") === "tools/call");
    expect(new Set(calls.map(({ headers }) => headers.get("mcp-name")))).toEqual(new Set([encoded]));
  });

  it("ends a session of a revision that fits into no header", async () => {
    const requests: Request[] = [];
    const odd = (request: Request): Response | undefined =>
      request.method === "POST" && !request.headers.has("mcp-method")
        ? rpc({ id: 1, method: "initialize" }, { protocolVersion: "2025 ☃", capabilities: {} }, { "mcp-session-id": "s-1" })
        : undefined;
    const dial = dialTo(fixtureServer({ intercept: (request) => (request.url === serverUrl ? odd(request) : undefined) }), requests);
    const examined = await examineServer(serverUrl, { reach: "public", consent: "never", dial });
    expect(examined).toMatchObject({ ok: true, value: { eras: { "2025-11-25": { seen: "other_version", version: "2025 ☃" } } } });
    const ends = requests.filter(({ method }) => method === "DELETE").map(({ headers }) => headers.get("mcp-protocol-version"));
    expect(ends).toEqual(["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]);
  });

  it("reads 500 of ten thousand tools, and keeps no document", async () => {
    const tools = Array.from({ length: 10_000 }, (_, index) => ({ ...protectedTool, name: `tool-${index}`, description: "x".repeat(50) }));
    const dial = dialTo(fixtureServer({ onList: (message) => rpc(message, { tools }), content: { text: "<p>SECRET</p>" } }));
    const examined = await examineServer(serverUrl, { reach: "public", consent: "read_only", dial });
    if (!examined.ok) throw new Error(examined.error.code);
    const { tools: listed } = examined.value;
    expect(listed).toMatchObject({ seen: "listed", complete: false });
    expect(listed.seen === "listed" && listed.tools.length).toBe(500);
    expect(judgeServer(examined.value).notes.map(({ finding }) => finding)).toContain("too_many_tools");
    expect(JSON.stringify(examined.value)).not.toContain("SECRET");
  });
});
