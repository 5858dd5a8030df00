import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { Secret } from "@countersign/protocol/secret";
import { McpServer as McpServer1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { McpConnection } from "../../src/connections/connection.ts";
import type { CallOutcome } from "../../src/connections/outcome.ts";
import { EraServer, type HandshakeEra } from "../stand-in/era-server.ts";
import { listen } from "../stand-in/http-server.ts";
import { SseServer } from "../stand-in/sse-server.ts";

const closes: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closes.toReversed()) await close();
  closes.length = 0;
});

let protocol: string | undefined;
function connect(url: URL, requestTimeoutMs = 60_000): McpConnection {
  const access = {
    bearer: async () => ({ ok: true as const, value: undefined }),
    renewed: async () => undefined,
    listed: async (outcome: { ok: boolean; protocol?: string | undefined }) => {
      protocol = outcome.protocol;
    },
  };
  const connection = new McpConnection({ url, reach: "local", access, requestTimeoutMs, resultBytesMax: 100_000, clock: Date.now });
  closes.push(() => connection.close());
  return connection;
}

async function call(connection: McpConnection, args: Record<string, unknown> = {}, bearer?: Secret): Promise<CallOutcome> {
  const tools = await connection.tools(60_000);
  const tool = tools.ok ? tools.value.get("echo") : undefined;
  if (tool === undefined) throw new Error(`no tool: ${JSON.stringify(tools)}`);
  const { signal } = new AbortController();
  return connection.callTool({ tool, arguments: args, idempotencyKey: "call_1", signal, ...(bearer === undefined ? {} : { bearer }) });
}

const echoed = { kind: "result", result: { content: [{ type: "text", text: "echo" }] } };

async function startEra(era: HandshakeEra): Promise<EraServer> {
  const server = await new EraServer(era).start();
  closes.push(() => server.close());
  return server;
}

async function startSse(): Promise<SseServer> {
  const server = await new SseServer().start();
  closes.push(() => server.close());
  return server;
}

const eras: readonly HandshakeEra[] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

describe("Streamable HTTP with the handshake", () => {
  it.each(eras.flatMap((era) => (["json", "stream"] as const).map((answers) => [era, answers] as const)))(
    "speaks %s with a hand-written server that answers by %s, with its session and version in every request",
    async (era, answers) => {
      const server = await startEra(era);
      server.behaviour.answers = answers;
      const connection = connect(server.url);
      expect(await call(connection)).toMatchObject(echoed);
      expect(protocol).toBe(era);
      const later = server.seen.slice(server.seen.findIndex((each) => each.method === "initialize") + 1);
      expect(later.map((each) => each.method)).toEqual(["notifications/initialized", "tools/list", "tools/call"]);
      expect(later.every((each) => each.version === era && each.session === "session-1")).toBe(true);
    },
  );

  it.each(["batch", "stream_batch"] as const)("reads answers in a list (%s), which 2025-03-26 allows", async (answers) => {
    const server = await startEra("2025-03-26");
    server.behaviour.answers = answers;
    expect(await call(connect(server.url))).toMatchObject(echoed);
  });

  it.each(eras)("begins a new session of %s when the server has forgotten the old one, without running anything twice", async (era) => {
    const server = await startEra(era);
    let runs = 0;
    server.behaviour.run = async (name) => {
      runs += 1;
      return { content: [{ type: "text", text: name }] };
    };
    const connection = connect(server.url);
    await call(connection);
    server.sessions.clear();
    expect(await Promise.all([call(connection), call(connection), call(connection)])).toMatchObject([echoed, echoed, echoed]);
    expect(runs).toBe(4);
    expect(server.sessions.size).toBe(1);
  });

  it.each(eras)("drops the list of tools when a server of %s says that it changed", async (era) => {
    const server = await startEra(era);
    server.behaviour.answers = "stream";
    const connection = connect(server.url);
    server.behaviour.run = async (name, _, notify) => {
      notify("notifications/tools/list_changed");
      return { content: [{ type: "text", text: name }] };
    };
    await call(connection);
    server.behaviour.tools = [{ name: "other", inputSchema: { type: "object" } }];
    const tools = await connection.tools(60_000);
    expect(tools.ok && [...tools.value.keys()]).toEqual(["other"]);
  });

  it("waits for a person's answer to the server for longer than a stream may be silent", async () => {
    const server = await startEra("2025-11-25");
    server.behaviour.answers = "stream";
    const slow = Promise.withResolvers<void>();
    server.behaviour.run = async (_, ask) => {
      const answer = await ask("elicitation/create", {});
      await slow.promise;
      return { content: [], structuredContent: { answer: answer["result"] } };
    };
    const connection = connect(server.url);
    const tools = await connection.tools(60_000);
    const tool = tools.ok ? tools.value.get("echo") : undefined;
    if (tool === undefined) throw new Error("no tool");
    const listener = { onServerRequest: async () => ({ action: "accept" }) };
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const outcome = connection.callTool({ tool, arguments: {}, idempotencyKey: "k", signal: new AbortController().signal, listener });
      await vi.waitUntil(() => server.seen.filter((each) => each.method === "").length === 1, { timeout: 15_000 });
      await vi.advanceTimersByTimeAsync(3000);
      slow.resolve();
      expect(await outcome).toMatchObject({ kind: "result", result: { structuredContent: { answer: { action: "accept" } } } });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("2026-07-28", () => {
  it("is spoken with a hand-written server that only knows this revision", async () => {
    const seen: { method: string; version: string | null }[] = [];
    const running = await listen(async (request) => {
      const rpc = z
        .looseObject({ id: z.unknown(), method: z.string(), params: z.looseObject({ _meta: z.looseObject({}) }) })
        .parse(await request.json());
      seen.push({ method: rpc.method, version: request.headers.get("mcp-protocol-version") });
      expect(rpc.params._meta["io.modelcontextprotocol/protocolVersion"]).toBe("2026-07-28");
      const results: Record<string, unknown> = {
        "server/discover": { supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, serverInfo: { name: "new", version: "1" } },
        "tools/list": { tools: [{ name: "echo", inputSchema: { type: "object" } }], ttlMs: 0, cacheScope: "private" },
        "tools/call": { content: [{ type: "text", text: "echo" }] },
      };
      const result = results[rpc.method];
      if (result === undefined) return Response.json({ jsonrpc: "2.0", id: rpc.id, error: { code: -32601, message: "no" } }, { status: 404 });
      return Response.json({ jsonrpc: "2.0", id: rpc.id, result: { resultType: "complete", ttlMs: 0, cacheScope: "private", ...result } });
    });
    closes.push(running.close);
    expect(await call(connect(new URL(`${running.origin}/mcp`)))).toMatchObject(echoed);
    expect(protocol).toBe("2026-07-28");
    expect(seen.map((each) => each.method)).toEqual(["server/discover", "tools/list", "tools/call"]);
    expect(new Set(seen.map((each) => each.version))).toEqual(new Set(["2026-07-28"]));
  });
});

describe("HTTP+SSE", () => {
  it.each([400, 404, 405, 415])("is found when a POST is answered with %i, and spoken with a hand-written server", async (status) => {
    const server = await startSse();
    server.wrongPost = () => new Response(null, { status });
    const connection = connect(server.url);
    expect(await call(connection)).toMatchObject(echoed);
    expect(protocol).toBe("2024-11-05 over HTTP+SSE");
    expect(await call(connection)).toMatchObject(echoed);
    expect(server.requests.filter((each) => each.startsWith("GET"))).toHaveLength(1);
  });

  it("sends the token in the header of the call that has it, and of no other", async () => {
    const server = await startSse();
    const connection = connect(server.url);
    await call(connection);
    server.requests.length = 0;
    await call(connection, {}, new Secret("token-1"));
    await call(connection);
    expect(server.requests).toEqual(["POST /messages Bearer token-1", "POST /messages anonymous"]);
  });

  it("ends what runs as lost when the stream is lost, and connects again for the next call", async () => {
    const server = await startSse();
    const connection = connect(server.url);
    await call(connection);
    const started = Promise.withResolvers<void>();
    server.core.behaviour.run = () => {
      started.resolve();
      return new Promise(() => {});
    };
    const running = call(connection);
    await started.promise;
    server.drop();
    expect(await running).toMatchObject({ kind: "lost", sent: true });
    server.core.behaviour.run = async (name) => ({ content: [{ type: "text", text: name }] });
    expect(await call(connection)).toMatchObject(echoed);
    expect(server.requests.filter((each) => each.startsWith("GET"))).toHaveLength(2);
  });

  it("connects again, once, when the endpoint does not know the session any more", async () => {
    const server = await startSse();
    const connection = connect(server.url);
    await call(connection);
    let forgotten = true;
    server.intercept = (_, message) => {
      if (message?.["method"] !== "tools/call" || !forgotten) return undefined;
      forgotten = false;
      return new Response("no such session", { status: 404 });
    };
    expect(await call(connection)).toMatchObject(echoed);
    expect(server.requests.filter((each) => each.startsWith("GET"))).toHaveLength(2);
  });

  const header = 'Bearer scope="a", resource_metadata="https://x.example/prm"';
  const refused = (): Response => new Response(null, { status: 401, headers: { "www-authenticate": header } });

  it("takes a 401 to the stream's GET for the challenge that it is", async () => {
    const server = await startSse();
    server.intercept = (request) => (request.method === "GET" ? refused() : undefined);
    expect(await connect(server.url).tools(0)).toMatchObject({ ok: false, error: { code: "authorization_required" } });
  });

  it("takes a 401 to a POST for the challenge that it is", async () => {
    const server = await startSse();
    server.intercept = (_, message) => (message?.["method"] === "tools/call" ? refused() : undefined);
    const challenge = { form: "http", status: 401, scope: new Set(["a"]) };
    expect(await call(connect(server.url))).toMatchObject({ kind: "challenge", challenge });
  });

  it("O15 sends nothing to an endpoint of another origin", async () => {
    const server = await startSse();
    const sink: string[] = [];
    const other = await listen((request) => {
      sink.push(request.url);
      return new Response(null, { status: 202 });
    });
    closes.push(other.close);
    server.endpoint = () => `${other.origin}/messages`;
    expect(await connect(server.url).tools(0)).toMatchObject({ ok: false, error: { code: "protocol_error" } });
    expect(sink).toEqual([]);
  });

  it("gives up on a stream that names no endpoint", async () => {
    const server = await startSse();
    server.endpoint = () => undefined;
    expect(await connect(server.url, 300).tools(0)).toMatchObject({ ok: false, error: { code: "protocol_error" } });
    await vi.waitUntil(() => server.streams.size === 0, 15_000);
  });

  it("says what the POST said when there is no such stream either", async () => {
    const running = await listen(() => new Response("<html>", { status: 405, headers: { "content-type": "text/html" } }));
    closes.push(running.close);
    expect(await connect(new URL(`${running.origin}/mcp`)).tools(0)).toMatchObject({
      ok: false,
      error: { code: "protocol_error", detail: "the server answered 405" },
    });
  });

  it("V14 bounds each event, not the life of the stream", async () => {
    const server = await startSse();
    const connection = connect(server.url);
    for (let count = 0; count < 4; count += 1) {
      server.core.behaviour.run = async () => ({ content: [{ type: "text", text: "x".repeat(60_000) }] });
      expect(await call(connection)).toMatchObject({ kind: "result" });
    }
    server.core.behaviour.run = async () => ({ content: [{ type: "text", text: "x".repeat(150_000) }] });
    expect((await call(connection)).kind).not.toBe("result");
  });

  it("hears that the tools changed", async () => {
    const server = await startSse();
    const connection = connect(server.url);
    await call(connection);
    server.core.behaviour.tools = [{ name: "other", inputSchema: { type: "object" } }];
    server.say({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
    await vi.waitUntil(async () => {
      const tools = await connection.tools(60_000);
      return tools.ok && tools.value.has("other");
    }, 15_000);
  });
});

function officialServer1(): McpServer1 {
  const server = new McpServer1({ name: "v1", version: "1.0.0" });
  server.registerTool("echo", { description: "Says its name" }, () => ({ content: [{ type: "text", text: "echo" }] }));
  return server;
}

describe("the official SDK, version 1", () => {
  it("is spoken to over Streamable HTTP with sessions", async () => {
    const sessions = new Map<string, StreamableHTTPServerTransport>();
    const server = createServer((request, response) => {
      const serve = async (): Promise<void> => {
        const id = request.headers["mcp-session-id"];
        const known = typeof id === "string" ? sessions.get(id) : undefined;
        if (known !== undefined) return known.handleRequest(request, response);
        const transport = new StreamableHTTPServerTransport({
          sessionIdGenerator: () => randomUUID(),
          onsessioninitialized: (session) => void sessions.set(session, transport),
        });
        await officialServer1().connect(transport);
        return transport.handleRequest(request, response);
      };
      void serve();
    });
    expect(await call(connect(await portOf(server)))).toMatchObject(echoed);
    expect(protocol).toBe("2025-11-25");
    expect(sessions.size).toBe(1);
  });

  it("is spoken to over HTTP+SSE", async () => {
    const transports = new Map<string, SSEServerTransport>();
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? "/", "http://localhost");
      const serve = async (): Promise<void> => {
        if (request.method === "GET") {
          const transport = new SSEServerTransport("/messages", response);
          transports.set(transport.sessionId, transport);
          return officialServer1().connect(transport);
        }
        const transport = transports.get(url.searchParams.get("sessionId") ?? "");
        if (url.pathname === "/messages" && transport !== undefined) return transport.handlePostMessage(request, response);
        response.writeHead(404).end();
      };
      void serve();
    });
    expect(await call(connect(await portOf(server)))).toMatchObject(echoed);
    expect(protocol).toBe("2025-11-25 over HTTP+SSE");
  });
});

async function portOf(server: ReturnType<typeof createServer>): Promise<URL> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  closes.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP server");
  return new URL(`http://127.0.0.1:${address.port}/mcp`);
}
