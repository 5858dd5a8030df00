import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { McpServer as OldMcpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import type { ServerObservation } from "@countersign/protocol/server-observation";
import { judgeServer } from "@countersign/protocol/server-matrix";
import { describe, expect, it } from "vitest";
import { examineServer } from "../../src/doctor/examine.ts";
import { listen } from "../stand-in/http-server.ts";
import { SseServer } from "../stand-in/sse-server.ts";
import { challenge, dialTo, fixtureServer, goodIssuer, type Handler, serverUrl } from "./fixture.ts";

async function examine(server: Handler): Promise<ServerObservation> {
  const handler: Handler = (request) => (request.url === serverUrl ? server(request) : new Response(null, { status: 404 }));
  const examined = await examineServer(serverUrl, { reach: "public", consent: "read_only", dial: dialTo(handler) });
  if (!examined.ok) throw new Error(examined.error.code);
  return examined.value;
}

describe("a server on the official SDK", () => {
  it("is seen over the guarded network too: on this machine only when that is allowed", async () => {
    const handler = createMcpHandler(() => new McpServer({ name: "plain", version: "1.0.0" }));
    const running = await listen((request) =>
      new URL(request.url).pathname === "/mcp" ? handler.fetch(request) : new Response(null, { status: 404 }),
    );
    const address = `${running.origin}/mcp`;
    const near = await examineServer(address, { reach: "local", consent: "read_only" });
    const far = await examineServer(address, { reach: "public", consent: "read_only" });
    await running.close();
    await handler.close();
    expect(near).toMatchObject({
      ok: true,
      value: { scheme: "http", loopback: true, eras: { "2026-07-28": { seen: "spoken" }, "2025-11-25": { seen: "spoken" } } },
    });
    expect(far).toMatchObject({
      ok: true,
      value: { eras: { "2026-07-28": { seen: "nothing", problem: "unsafe_address" } }, tools: { seen: "nothing" } },
    });
  });

  it("of the second generation is seen in all eras, without a session", async () => {
    const handler = createMcpHandler(() => {
      const server = new McpServer({ name: "plain", version: "1.0.0" });
      server.registerTool("hello", { annotations: { readOnlyHint: true } }, () => ({ content: [] }));
      return server;
    });
    const seen = await examine((request) => handler.fetch(request));
    expect(seen.eras["2026-07-28"]).toMatchObject({ seen: "spoken", session: false });
    expect(seen.eras["2025-11-25"]).toMatchObject({ seen: "spoken", session: false });
    expect(seen.eras["2024-11-05"].seen).toBe("spoken");
    expect(seen.tools).toMatchObject({ seen: "listed", tools: [{ name: "hello", scheme: "undeclared", readOnly: true }] });
    expect(seen.protectedCall).toEqual({ seen: "not_called", reason: "none_declared" });
    expect(seen.badToken).toEqual({ seen: "unasked" });
    await handler.close();
  });

  it("of the first generation is seen in its eras, with the session that it demands", async () => {
    const transports = new Map<string, WebStandardStreamableHTTPServerTransport>();
    const handler: Handler = async (request) => {
      const known = transports.get(request.headers.get("mcp-session-id") ?? "");
      if (known !== undefined) return known.handleRequest(request);
      const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: () => `session-${transports.size}`,
        onsessioninitialized: (id) => void transports.set(id, transport),
        onsessionclosed: (id) => void transports.delete(id),
      });
      const server = new OldMcpServer({ name: "old", version: "1.0.0" });
      server.registerTool("hello", {}, () => ({ content: [] }));
      await server.connect(transport);
      return transport.handleRequest(request);
    };
    const seen = await examine(handler);
    expect(seen.eras["2026-07-28"].seen).toBe("refused");
    expect(seen.eras["2025-11-25"]).toMatchObject({ seen: "spoken", session: true, body: "events" });
    expect(seen.eras["HTTP+SSE"].seen).toBe("refused");
    expect(seen.tools).toMatchObject({ seen: "listed", tools: [{ name: "hello" }] });
    expect(seen.transport).toMatchObject({ stream: "offered", sessionDemanded: true });
    expect(transports.size).toBe(0);
  });
});

describe("a server of the first transport", () => {
  it("is recognized, not spoken with, and dead only where nobody speaks that revision", async () => {
    const server = await new SseServer().start();
    const examined = await examineServer(server.url.href, { reach: "local", consent: "read_only" });
    await server.close();
    if (!examined.ok) throw new Error(examined.error.code);
    expect(examined.value).toMatchObject({ eras: { "HTTP+SSE": { seen: "spoken" } }, tools: { seen: "nothing", problem: "not_spoken" } });
    const { hosts, notes } = judgeServer(examined.value);
    const standing = hosts.map(({ host, verdicts }) => [host, verdicts.connect.standing, verdicts.list.standing]);
    expect(standing).toContainEqual(["countersign", "works", "unknown"]);
    expect(standing).toContainEqual(["claude", "dead", "dead"]);
    expect(notes.map(({ finding }) => finding)).toContain("old_transport_only");
  });
});

describe("a server that answers nobody without sign-in", () => {
  it("is dead nowhere, and shows its tools to nobody before", async () => {
    const closed = fixtureServer({
      issuer: { ...goodIssuer, registration_endpoint: "https://id.example/register" },
      intercept: (request) => (request.url === serverUrl && request.method !== "OPTIONS" ? challenge(401) : undefined),
    });
    const examined = await examineServer(serverUrl, { reach: "public", consent: "read_only", dial: dialTo(closed) });
    if (!examined.ok) throw new Error(examined.error.code);
    const { hosts } = judgeServer(examined.value);
    const cells = hosts.flatMap(({ host, verdicts }) => Object.values(verdicts).map(({ standing, finding }) => ({ host, standing, finding })));
    expect(cells.filter(({ standing }) => standing === "dead")).toEqual([]);
    expect(hosts.map(({ host, verdicts }) => [host, verdicts.connect.standing, verdicts.model_call.standing, verdicts.list.standing])).toEqual(
      hosts.map(({ host }) => [host, host === "copilot" ? "falls_back" : "works", "works", "unknown"]),
    );
  });
});
