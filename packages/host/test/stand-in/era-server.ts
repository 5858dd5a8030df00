import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { z } from "zod";
import { listen, type RunningServer } from "./http-server.ts";

export type HandshakeEra = "2024-11-05" | "2025-03-26" | "2025-06-18" | "2025-11-25";

/** What arrived, in order. */
export interface Seen {
  readonly method: string;
  readonly http: string;
  readonly version: string | null;
  readonly session: string | null;
  readonly authorization: string | null;
}

export interface EraBehaviour {
  /** `stream`: the answer comes as an event of the POST's own stream; `batch` and `stream_batch`: in a list (2025-03-26). */
  answers: "json" | "stream" | "batch" | "stream_batch";
  sessions: boolean;
  tools: readonly JsonObject[];
  /** Answers the HTTP request in place of the server. */
  intercept: ((request: Request, rpc: JsonObject | undefined) => Promise<Response | undefined> | Response | undefined) | undefined;
  /** Runs a tool; `ask` sends a request of the server's own on the call's stream and gives the client's answer. */
  run: (name: string, ask: (method: string, params: JsonObject) => Promise<JsonObject>, notify: (method: string) => void) => Promise<JsonObject>;
}

const rpcShape = z.looseObject({ id: z.union([z.string(), z.number()]).optional(), method: z.string().optional(), params: z.unknown().optional() });

const echoTool = { name: "echo", description: "Says it back", inputSchema: { type: "object", properties: { text: { type: "string" } } } };

/** A server of one revision, written by hand from its text: Streamable HTTP with the `initialize` handshake, or HTTP+SSE in {@link EraServer.sse}. */
export class EraServer {
  readonly era: HandshakeEra;
  readonly seen: Seen[] = [];
  readonly behaviour: EraBehaviour = {
    answers: "json",
    sessions: true,
    tools: [echoTool],
    intercept: undefined,
    run: async (name) => ({ content: [{ type: "text", text: name }] }),
  };
  readonly sessions: Set<string> = new Set();
  /** The standing GET streams that are open. */
  readonly standing: Set<(message: JsonObject) => void> = new Set();
  readonly #pending = new Map<string, (answer: JsonObject) => void>();
  #running: RunningServer | undefined;
  #counter = 0;

  constructor(era: HandshakeEra) {
    this.era = era;
  }

  async start(): Promise<this> {
    this.#running = await listen((request) => this.fetch(request));
    return this;
  }

  get url(): URL {
    return new URL(`${this.#running?.origin ?? ""}/mcp`);
  }

  async close(): Promise<void> {
    await this.#running?.close();
  }

  async fetch(request: Request): Promise<Response> {
    const body: unknown = request.method === "POST" ? await request.clone().json() : undefined;
    const rpc = isJsonObject(body) ? body : undefined;
    this.#note(request, rpc);
    const special = await this.behaviour.intercept?.(request, rpc);
    if (special !== undefined) return special;
    if (request.method === "GET") return this.#stand();
    if (request.method !== "POST" || rpc === undefined) return new Response(null, { status: 405 });
    const session = request.headers.get("mcp-session-id");
    const { id, method, params } = rpcShape.parse(rpc);
    if (method !== "initialize" && this.behaviour.sessions && (session === null || !this.sessions.has(session))) {
      return new Response(null, { status: session === null ? 400 : 404 });
    }
    if (method === undefined) {
      this.#pending.get(String(id))?.(rpc);
      return new Response(null, { status: 202 });
    }
    if (id === undefined) return new Response(null, { status: 202 });
    return this.#answer(id, method, params);
  }

  #note(request: Request, rpc: JsonObject | undefined): void {
    const method = rpc?.["method"];
    this.seen.push({
      method: typeof method === "string" ? method : "",
      http: request.method,
      version: request.headers.get("mcp-protocol-version"),
      session: request.headers.get("mcp-session-id"),
      authorization: request.headers.get("authorization"),
    });
  }

  async #answer(id: string | number, method: string, params: unknown): Promise<Response> {
    const headers: Record<string, string> = {};
    if (method === "initialize" && this.behaviour.sessions) {
      this.#counter += 1;
      const session = `session-${this.#counter}`;
      this.sessions.add(session);
      headers["mcp-session-id"] = session;
    }
    const { answers } = this.behaviour;
    if (method === "initialize" || answers === "json" || answers === "batch") {
      const answer = await this.respond(id, method, params, () => {});
      const batched = answers === "batch" && method !== "initialize";
      return Response.json(batched ? [{ jsonrpc: "2.0", method: "notifications/message", params: {} }, answer] : answer, { headers });
    }
    return this.#streamed(async (send) => {
      const answer = await this.respond(id, method, params, send);
      send(answers === "stream_batch" ? [{ jsonrpc: "2.0", method: "notifications/message", params: {} }, answer] : answer);
    });
  }

  /** The JSON-RPC answer to one request. */
  async respond(id: string | number, method: string, params: unknown, send: (message: JsonObject) => void): Promise<JsonObject> {
    const result = await this.#resultOf(method, params, send);
    if (result !== undefined) return { jsonrpc: "2.0", id, result };
    return { jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } };
  }

  /** Takes the client's answer to a request of the server's own. */
  take(answer: JsonObject): void {
    this.#pending.get(String(answer["id"]))?.(answer);
  }

  async #resultOf(method: string, params: unknown, send: (message: JsonObject) => void): Promise<JsonObject | undefined> {
    if (method === "initialize") {
      return { protocolVersion: this.era, capabilities: { tools: { listChanged: true } }, serverInfo: { name: "era", version: "1" } };
    }
    if (method === "tools/list") return { tools: this.behaviour.tools };
    if (method !== "tools/call" || !isJsonObject(params)) return undefined;
    const ask = (asked: string, questions: JsonObject): Promise<JsonObject> => {
      this.#counter += 1;
      const id = `ask-${this.#counter}`;
      const { promise, resolve } = Promise.withResolvers<JsonObject>();
      this.#pending.set(id, resolve);
      send({ jsonrpc: "2.0", id, method: asked, params: questions });
      return promise;
    };
    return this.behaviour.run(String(params["name"]), ask, (notice) => send({ jsonrpc: "2.0", method: notice, params: {} }));
  }

  #stand(): Response {
    return this.#streamed(() => new Promise(() => {}), this.standing);
  }

  #streamed(work: (send: (message: unknown) => void) => Promise<void>, among?: Set<(message: JsonObject) => void>): Response {
    const encoder = new TextEncoder();
    let send = (_message: unknown): void => {};
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        send = (message) => controller.enqueue(encoder.encode(`event: message\ndata: ${JSON.stringify(message)}\n\n`));
        controller.enqueue(encoder.encode(": open\n\n"));
        among?.add(send);
        void work(send).then(() => controller.close());
      },
      cancel: () => void among?.delete(send),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }
}
