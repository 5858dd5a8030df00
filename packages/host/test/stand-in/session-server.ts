import { randomUUID } from "node:crypto";
import { z } from "zod";
import { listen } from "./http-server.ts";

const rpcShape = z.looseObject({
  id: z.union([z.string(), z.number()]).optional(),
  method: z.string().optional(),
  params: z.looseObject({ name: z.string().optional(), arguments: z.record(z.string(), z.unknown()).optional() }).optional(),
  result: z.unknown().optional(),
  error: z.unknown().optional(),
});

type Rpc = z.infer<typeof rpcShape>;

/** What a tool of this server may do while its call runs. */
export interface SessionTool {
  readonly annotations?: Readonly<Record<string, unknown>>;
  run(context: SessionContext): Promise<Record<string, unknown>> | Record<string, unknown>;
}

export interface SessionContext {
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly idempotencyKey: string | undefined;
  /** Asks the client: on the stream of this call, or on the session's standing one. Gives result or error of the answer. */
  readonly ask: (params: Record<string, unknown>, on?: "call" | "standing") => Promise<{ readonly result?: unknown; readonly error?: unknown }>;
  /** Sends the parameters of a progress notification on the stream of this call, where the client asked for them. */
  readonly tell: (progress: Record<string, unknown>) => Promise<void>;
  /** Takes the last question back. */
  readonly withdraw: () => void;
}

/** An MCP server of revision 2025-11-25 by hand: sessions, event streams, and requests of its own. */
export class SessionServer {
  readonly origin: string;
  readonly close: () => Promise<void>;
  readonly tools: Record<string, SessionTool>;
  readonly calls: { readonly tool: string; readonly id: string | number | undefined; readonly idempotencyKey: string | undefined }[] = [];
  /** The capabilities that the client announced. */
  capabilities: unknown;
  offersStandingStream = true;
  /** Answers a `tools/call` with a JSON-RPC error instead. */
  refuseCall: ((tool: string) => Record<string, unknown> | undefined) | undefined;
  readonly #waiting = new Map<string, (answer: Rpc) => void>();
  #standing: ReadableStreamDefaultController<Uint8Array> | undefined;
  #asked = 0;

  private constructor(origin: string, close: () => Promise<void>, tools: Record<string, SessionTool>) {
    this.origin = origin;
    this.close = close;
    this.tools = tools;
  }

  static async start(tools: Record<string, SessionTool>): Promise<SessionServer> {
    let self: SessionServer | undefined;
    const running = await listen((request) => self?.fetch(request) ?? new Response(null, { status: 503 }));
    self = new SessionServer(running.origin, running.close, tools);
    return self;
  }

  get url(): string {
    return `${this.origin}/mcp`;
  }

  get standing(): boolean {
    return this.#standing !== undefined;
  }

  /** Sends a notification on the standing stream. */
  notify(method: string, params: Record<string, unknown>): void {
    this.#standing?.enqueue(event({ jsonrpc: "2.0", method, params }));
  }

  async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname !== "/mcp") return new Response(null, { status: 404 });
    if (request.method === "GET") return this.#stand();
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const rpc = rpcShape.parse(await request.json());
    if (rpc.method === undefined) {
      this.#waiting.get(String(rpc.id))?.(rpc);
      return new Response(null, { status: 202 });
    }
    if (rpc.id === undefined) return new Response(null, { status: 202 });
    return this.#answer(rpc);
  }

  #answer(rpc: Rpc): Response {
    switch (rpc.method) {
      case "initialize":
        this.capabilities = rpc.params?.["capabilities"];
        return Response.json(
          {
            jsonrpc: "2.0",
            id: rpc.id,
            result: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "by hand", version: "1" } },
          },
          { headers: { "mcp-session-id": randomUUID() } },
        );
      case "tools/list": {
        const tools = Object.entries(this.tools).map(([name, { annotations }]) => ({
          name,
          inputSchema: { type: "object" },
          ...(annotations && { annotations }),
        }));
        return Response.json({ jsonrpc: "2.0", id: rpc.id, result: { tools } });
      }
      case "tools/call":
        return this.#call(rpc);
      case "ping":
        return Response.json({ jsonrpc: "2.0", id: rpc.id, result: {} });
      case undefined:
      default:
        return Response.json({ jsonrpc: "2.0", id: rpc.id, error: { code: -32601, message: "Method not found" } });
    }
  }

  #call(rpc: Rpc): Response {
    const name = rpc.params?.name ?? "";
    const key = z.object({ "countersign/idempotencyKey": z.string() }).safeParse(rpc.params?.["_meta"]).data?.["countersign/idempotencyKey"];
    this.calls.push({ tool: name, id: rpc.id, idempotencyKey: key });
    const error = this.refuseCall?.(name);
    if (error !== undefined) return Response.json({ jsonrpc: "2.0", id: rpc.id, error });
    const body = new ReadableStream<Uint8Array>({
      start: async (controller) => {
        const send = (message: unknown): void => {
          try {
            controller.enqueue(event(message));
          } catch {
            // The client has gone.
          }
        };
        const structured = await this.tools[name]?.run(this.#context(rpc, key, send));
        send({
          jsonrpc: "2.0",
          id: rpc.id,
          result: { content: [{ type: "text", text: JSON.stringify(structured) }], structuredContent: structured },
        });
        try {
          controller.close();
        } catch {
          // Likewise.
        }
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  #context(rpc: Rpc, idempotencyKey: string | undefined, send: (message: unknown) => void): SessionContext {
    const progressToken = z.object({ progressToken: z.union([z.string(), z.number()]) }).safeParse(rpc.params?.["_meta"]).data?.progressToken;
    return {
      arguments: rpc.params?.arguments ?? {},
      tell: async (progress) => {
        if (progressToken !== undefined) send({ jsonrpc: "2.0", method: "notifications/progress", params: { ...progress, progressToken } });
      },
      idempotencyKey,
      ask: async (params, on = "call") => {
        this.#asked += 1;
        const id = `ask-${this.#asked}`;
        const { promise, resolve } = Promise.withResolvers<Rpc>();
        this.#waiting.set(id, resolve);
        const message = { jsonrpc: "2.0", id, method: "elicitation/create", params };
        if (on === "call") send(message);
        else this.#standing?.enqueue(event(message));
        const { result, error } = await promise;
        return { ...(result === undefined ? {} : { result }), ...(error === undefined ? {} : { error }) };
      },
      withdraw: () => send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: `ask-${this.#asked}` } }),
    };
  }

  #stand(): Response {
    if (!this.offersStandingStream) return new Response(null, { status: 405 });
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#standing = controller;
        controller.enqueue(new TextEncoder().encode(": here\n\n"));
      },
      cancel: () => {
        this.#standing = undefined;
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }
}

function event(message: unknown): Uint8Array {
  return new TextEncoder().encode(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
}
