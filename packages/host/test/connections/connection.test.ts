import { randomUUID } from "node:crypto";
import { createMcpHandler, McpServer, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { McpConnection } from "../../src/connections/connection.ts";
import type { CallOutcome } from "../../src/connections/outcome.ts";
import { readToolDefinition } from "../../src/connections/tool-definition.ts";
import { listen, type RunningServer } from "../stand-in/http-server.ts";

let running: RunningServer;
let connection: McpConnection;
afterEach(async () => {
  await connection.close();
  await running.close();
});

function buildServer(): McpServer {
  const server = new McpServer({ name: "stand-in", version: "1.0.0" });
  server.registerTool("echo", { description: "Says it back", inputSchema: z.object({ text: z.string() }) }, ({ text }) => ({
    content: [{ type: "text", text }],
    structuredContent: { text },
  }));
  return server;
}

async function connect(handler: (request: Request) => Promise<Response> | Response, requestTimeoutMs = 60_000): Promise<void> {
  running = await listen(handler);
  connection = new McpConnection({
    url: new URL(`${running.origin}/mcp`),
    reach: "local",
    requestTimeoutMs,
    resultBytesMax: 100_000,
    clock: Date.now,
  });
}

async function callEcho(args: Record<string, unknown> = { text: "hi" }): Promise<CallOutcome> {
  const tools = await connection.tools(60_000);
  const tool = tools.ok ? tools.value.get("echo") : undefined;
  if (tool === undefined) throw new Error("no tool");
  return connection.callTool({ tool, arguments: args, idempotencyKey: "call_1", signal: new AbortController().signal });
}

describe("a connection", () => {
  it("speaks revision 2026-07-28, stateless, and announces MCP Apps", async () => {
    const handler = createMcpHandler(buildServer);
    const seen: { method: string | null; body: string }[] = [];
    await connect(async (request) => {
      seen.push({ method: request.headers.get("mcp-method"), body: await request.clone().text() });
      return handler.fetch(request);
    });
    expect(await callEcho()).toMatchObject({ kind: "result", result: { structuredContent: { text: "hi" } } });
    expect(seen.map((each) => each.method)).toEqual(["server/discover", "tools/list", "tools/call"]);
    expect(seen[2]?.body).toContain('"io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"]}');
    expect(seen[2]?.body).toContain('"countersign/idempotencyKey":"call_1"');
    await handler.close();
  });

  it("speaks 2025-11-25 with a session, and begins a new one when the server has forgotten it", async () => {
    const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
    const open = async (): Promise<WebStandardStreamableHTTPServerTransport> => {
      const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: () => randomUUID(),
        onsessioninitialized: (id) => void sessions.set(id, transport),
      });
      await buildServer().connect(transport);
      return transport;
    };
    let calls = 0;
    await connect(async (request) => {
      const body = await request.clone().text();
      if (body.includes('"server/discover"')) return new Response("no", { status: 400 });
      const id = request.headers.get("mcp-session-id");
      if (id !== null && !sessions.has(id)) return new Response("no such session", { status: 404 });
      if (body.includes('"tools/call"')) calls += 1;
      return (sessions.get(id ?? "") ?? (await open())).handleRequest(request);
    });
    expect(await callEcho()).toMatchObject({ kind: "result" });
    expect(sessions.size).toBe(1);
    sessions.clear();
    expect(await callEcho({ text: "again" })).toMatchObject({ kind: "result", result: { structuredContent: { text: "again" } } });
    expect(calls).toBe(2);
  });

  it("connects again after the server was away", async () => {
    const handler = createMcpHandler(buildServer);
    let up = false;
    await connect((request) => (up ? handler.fetch(request) : new Response("starting", { status: 503 })));
    expect(await connection.tools(60_000)).toMatchObject({ ok: false, error: { code: "server_unreachable" } });
    up = true;
    expect(await callEcho()).toMatchObject({ kind: "result" });
    await handler.close();
  });

  it.each([
    ["not JSON", () => new Response("<html>", { headers: { "content-type": "text/html" } }), "unreadable"],
    ["broken JSON", () => new Response("{", { headers: { "content-type": "application/json" } }), "unreadable"],
    ["an unknown error", (id: unknown) => Response.json({ jsonrpc: "2.0", id, error: { code: -1, message: "no" } }), "failed"],
    ["no result type", (id: unknown) => Response.json({ jsonrpc: "2.0", id, result: {} }), "unreadable"],
    ["a broken stream", () => new Response("event: message\ndata: {\n\n", { headers: { "content-type": "text/event-stream" } }), "lost"],
    ["too much", () => new Response(JSON.stringify({ a: "x".repeat(200_000) }), { headers: { "content-type": "application/json" } }), "unreadable"],
    ["too much beside a refusal", () => new Response("x".repeat(200_000), { status: 400 }), "failed"],
    ["a plain 403", () => new Response(null, { status: 403 }), "failed"],
    ["a 500", () => new Response(null, { status: 500 }), "lost"],
  ])("tells what an answer with %s means", async (_, answer, kind) => {
    const handler = createMcpHandler(buildServer);
    await connect(async (request) => {
      const rpc = z.looseObject({ method: z.string(), id: z.unknown() }).parse(await request.clone().json());
      return rpc.method === "tools/call" ? answer(rpc.id) : handler.fetch(request);
    });
    expect((await callEcho()).kind).toBe(kind);
    await handler.close();
  });

  it("gives up on a silent server", async () => {
    const handler = createMcpHandler(buildServer);
    const silence = Promise.withResolvers<Response>();
    await connect(async (request) => ((await request.clone().text()).includes('"tools/call"') ? silence.promise : handler.fetch(request)), 2000);
    expect(await callEcho()).toMatchObject({ kind: "lost", sent: true });
    silence.resolve(new Response(null));
    await handler.close();
  });

  it("refuses arguments that the server refuses, in a typed way", async () => {
    const handler = createMcpHandler(buildServer);
    await connect((request) => handler.fetch(request));
    const outcome = await callEcho({ text: 5 });
    expect(outcome.kind === "failed" ? outcome.refusal.code : outcome.kind).toMatch(/invalid_arguments|result/);
    await handler.close();
  });
});

describe("a tool's definition", () => {
  const raw = { name: "t", description: "d", inputSchema: { type: "object" }, _meta: { securitySchemes: [{ type: "noauth" }] } };

  it("M13 has a digest that any change changes, and that the order of members does not", () => {
    const digest = readToolDefinition(raw)?.digest;
    expect(readToolDefinition({ inputSchema: { type: "object" }, _meta: raw._meta, description: "d", name: "t" })?.digest).toBe(digest);
    for (const changed of [
      { ...raw, name: "u" },
      { ...raw, description: "e" },
      { ...raw, inputSchema: { type: "object", properties: {} } },
      { ...raw, annotations: { readOnlyHint: true } },
      { ...raw, _meta: { securitySchemes: [{ type: "oauth2", scopes: [] }] } },
      { ...raw, _meta: { ...raw._meta, ui: { resourceUri: "ui://x" } } },
    ]) {
      expect(readToolDefinition(changed)?.digest).not.toBe(digest);
    }
  });

  it("M12 shows no character that only a model can see, and is bounded", () => {
    const hidden = "Adds\u200b two\u202e num\u2066bers\u001b[31m\ufeff\u{e0041}";
    const definition = readToolDefinition({ ...raw, title: hidden, description: hidden + "x".repeat(9000) });
    expect(definition?.title).toBe("Adds two numbers[31m");
    expect(definition?.description.length).toBeLessThanOrEqual(4000);
  });

  it("reads top-level schemes as well as the mirror, and drops what cannot be understood", () => {
    expect(readToolDefinition({ ...raw, securitySchemes: [{ type: "oauth2", scopes: ["a"] }] })?.schemes).toEqual([
      { type: "oauth2", scopes: new Set(["a"]) },
    ]);
    for (const bad of [{}, { name: "" }, { name: "x".repeat(129) }, { name: 1 }, { ...raw, securitySchemes: "none" }, null, []]) {
      expect(readToolDefinition(bad)).toBeUndefined();
    }
  });
});
