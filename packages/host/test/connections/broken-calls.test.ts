import { setTimeout as delay } from "node:timers/promises";
import { Secret } from "@countersign/protocol/secret";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { McpConnection, type ToolRequest } from "../../src/connections/connection.ts";
import type { CallOutcome } from "../../src/connections/outcome.ts";
import { EraServer } from "../stand-in/era-server.ts";

let server: EraServer;
let connection: McpConnection;
beforeEach(async () => {
  server = await new EraServer("2025-11-25").start();
  server.behaviour.answers = "stream";
  connection = connect();
});
afterEach(async () => {
  await connection.close();
  await server.close();
});

function connect(requestTimeoutMs = 60_000): McpConnection {
  return new McpConnection({ url: server.url, reach: "local", requestTimeoutMs, resultBytesMax: 100_000, clock: Date.now });
}

async function call(more: Partial<ToolRequest> = {}): Promise<CallOutcome> {
  const tools = await connection.tools(60_000);
  const tool = tools.ok ? tools.value.get("echo") : undefined;
  if (tool === undefined) throw new Error(`no tool: ${JSON.stringify(tools)}`);
  return connection.callTool({ tool, arguments: {}, idempotencyKey: "call_1", signal: new AbortController().signal, ...more });
}

function callsSeen(): number {
  return server.seen.filter(({ method }) => method === "tools/call").length;
}

/** An event stream that says `text` and ends. */
function streamed(text: string): Response {
  return new Response(text, { headers: { "content-type": "text/event-stream" } });
}

/** The call's stream ends early; what answers the request that resumes it is given. */
function cutThen(resumed: (request: Request) => Response | Promise<Response>, retry = ""): void {
  server.behaviour.intercept = (request, rpc) => {
    if (rpc?.["method"] === "tools/call") return streamed(`${retry}id: e1\ndata:\n\n`);
    return request.headers.has("last-event-id") ? resumed(request) : undefined;
  };
}

describe("a call whose stream ended early", () => {
  it("is resumed by the id of the last event", async () => {
    cutThen(() => streamed('data: {"jsonrpc":"2.0","id":2,"result":{"content":[]}}\n\n'));
    expect(await call()).toMatchObject({ kind: "result" });
    expect(callsSeen()).toBe(1);
  });

  it.each([
    ["a session that is forgotten", () => new Response(null, { status: 404 })],
    ["a demand for sign-in", () => new Response(null, { status: 401 })],
    ["a redirect", () => new Response(null, { status: 302, headers: { location: "https://elsewhere.test/" } })],
  ])("P15 may have run, whatever answers the resumption: %s", async (_, answer) => {
    cutThen(answer);
    expect(await call()).toMatchObject({ kind: "lost", sent: true });
    await connection.close();
    connection = connect();
    await connection.tools(0);
    await connection.tools(0);
    expect(callsSeen()).toBe(1);
  });

  it("P15 may have run when the server is gone by the time of the resumption", async () => {
    cutThen(() => Response.error());
    server.behaviour.intercept = (_, rpc) => {
      if (rpc?.["method"] !== "tools/call") return undefined;
      void server.close();
      return streamed("id: e1\ndata:\n\n");
    };
    expect(await call()).toMatchObject({ kind: "lost", sent: true });
  });

  it("is given up when nothing comes any more: the server is told, and an answer that comes later is nobody's", async () => {
    cutThen(() => new Response(null, { status: 404 }));
    expect(await call()).toMatchObject({ kind: "lost", sent: true });
    await vi.waitUntil(() => server.seen.some(({ method }) => method === "notifications/cancelled"), 15_000);
  });

  it("ends as what the resumed stream says, also when the first one broke off", async () => {
    server.behaviour.intercept = (request, rpc) => {
      if (request.headers.has("last-event-id")) return streamed('data: {"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"no"}}\n\n');
      if (rpc?.["method"] !== "tools/call") return undefined;
      let pulls = 0;
      const pull = async (stream: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
        pulls += 1;
        if (pulls === 1) return stream.enqueue(new TextEncoder().encode("id: e1\ndata:\n\n"));
        // What was written is on its way before the connection breaks.
        await delay(500);
        stream.error(new Error("cut"));
      };
      return new Response(new ReadableStream({ pull }), { headers: { "content-type": "text/event-stream" } });
    };
    expect(await call()).toMatchObject({ kind: "failed", refusal: { code: "invalid_arguments" } });
  });

  it("is waited for as long as the server asks (SEP-1699)", async () => {
    cutThen(() => streamed('data: {"jsonrpc":"2.0","id":2,"result":{"content":[]}}\n\n'), "retry: 2000\n");
    expect(await call()).toMatchObject({ kind: "result" });
  });

  it("I6 is not asked for more often than twice a second, however little the server asks to wait", async () => {
    cutThen(() => streamed("id: e1\ndata:\n\n"), "retry: 0\n");
    await connection.close();
    connection = connect(1200);
    await call();
    expect(server.seen.filter(({ http }) => http === "GET").length).toBeLessThanOrEqual(3);
  });
});

describe("a call that is given up", () => {
  it("tells the server with the call's token, and holds no connection to it any more", async () => {
    const cancelled = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    server.behaviour.intercept = (_, rpc) => {
      if (rpc?.["method"] !== "tools/call") return undefined;
      began.resolve();
      const body = new ReadableStream({
        start: (stream) => stream.enqueue(new TextEncoder().encode(": open\n\n")),
        cancel: () => cancelled.resolve(),
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    };
    const abort = new AbortController();
    const outcome = call({ bearer: new Secret("call-token"), signal: abort.signal });
    await began.promise;
    abort.abort();
    expect(await outcome).toMatchObject({ kind: "lost", sent: true });
    await cancelled.promise;
    await vi.waitUntil(() => server.seen.some(({ method }) => method === "notifications/cancelled"), 15_000);
    expect(server.seen.find(({ method }) => method === "notifications/cancelled")).toMatchObject({ authorization: "Bearer call-token" });
  });

  it("before the server was connected to was not sent, and is not sent later", async () => {
    await connection.tools(0);
    const opened = Promise.withResolvers<void>();
    server.behaviour.intercept = async (_, rpc) => {
      if (rpc?.["method"] === "initialize") await opened.promise;
      return undefined;
    };
    const tools = await connection.tools(60_000);
    const tool = tools.ok ? tools.value.get("echo") : undefined;
    if (tool === undefined) throw new Error("no tool");
    connection.reset();
    const abort = new AbortController();
    const outcome = connection.callTool({ tool, arguments: {}, idempotencyKey: "call_1", signal: abort.signal });
    abort.abort();
    opened.resolve();
    expect(await outcome).toMatchObject({ kind: "lost", sent: false });
    expect(callsSeen()).toBe(0);
  });
});

describe("the connection that a call makes first", () => {
  it("carries no idempotency key: the key is the call's alone", async () => {
    const keys: string[] = [];
    server.behaviour.intercept = (request, rpc) => {
      keys.push(`${String(rpc?.["method"])} ${request.headers.get("idempotency-key")}`);
      return undefined;
    };
    server.behaviour.run = async (_, ask) => ({ content: [], structuredContent: { said: await ask("elicitation/create", {}) } });
    await connection.tools(60_000);
    connection.reset();
    keys.length = 0;
    const tool = await connection.tools(60_000);
    expect(tool.ok).toBe(true);
    connection.reset();
    await call({ listener: { onServerRequest: async () => ({ action: "accept" }) } });
    expect(keys.filter((key) => !key.endsWith(" null"))).toEqual(["tools/call call_1"]);
  });

  it("that the server does not answer leaves the call certainly unsent", async () => {
    const tools = await connection.tools(60_000);
    const tool = tools.ok ? tools.value.get("echo") : undefined;
    if (tool === undefined) throw new Error("no tool");
    await connection.close();
    connection = connect(300);
    server.behaviour.intercept = () => new Promise(() => {});
    const outcome = await connection.callTool({ tool, arguments: {}, idempotencyKey: "call_1", signal: new AbortController().signal });
    expect(outcome).toMatchObject({ kind: "lost", sent: false });
  });

  it("again, because the session was forgotten, and fails, leaves the call certainly unsent", async () => {
    await call();
    server.sessions.clear();
    server.behaviour.intercept = (_, rpc) => (rpc?.["method"] === "initialize" ? new Response(null, { status: 503 }) : undefined);
    expect(await call()).toMatchObject({ kind: "lost", sent: false });
  });

  it("may take its time when the server has forgotten the session", async () => {
    await call();
    server.sessions.clear();
    server.behaviour.intercept = async (_, rpc) => {
      if (rpc?.["method"] === "initialize") await delay(1800);
      return undefined;
    };
    expect(await call()).toMatchObject({ kind: "result" });
    expect(callsSeen()).toBe(3);
  });
});
