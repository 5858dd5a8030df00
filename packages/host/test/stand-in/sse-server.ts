import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { EraServer } from "./era-server.ts";
import { listen, type RunningServer } from "./http-server.ts";

/** A server of the old HTTP+SSE transport, by hand: GET opens the stream and names the endpoint, POST to it is answered on the stream. */
export class SseServer {
  readonly core: EraServer = new EraServer("2024-11-05");
  /** Every request: method, path and token. */
  readonly requests: string[] = [];
  readonly streams: Map<string, ReadableStreamDefaultController<Uint8Array>> = new Map();
  /** What the `endpoint` event says; undefined says nothing at all. */
  endpoint: (session: string) => string | undefined = (session) => `/messages?session=${session}`;
  /** The answer to a POST at the address of the stream itself. */
  wrongPost: () => Response = () => new Response("Cannot POST /sse", { status: 404 });
  intercept: ((request: Request, message: JsonObject | undefined) => Response | undefined) | undefined;
  #running: RunningServer | undefined;
  #count = 0;

  async start(): Promise<this> {
    this.#running = await listen((request) => this.fetch(request));
    return this;
  }

  get url(): URL {
    return new URL(`${this.#running?.origin ?? ""}/sse`);
  }

  /** Sends a message, or any event, to every client. */
  say(message: JsonObject): void {
    for (const stream of this.streams.values()) stream.enqueue(eventOf("message", JSON.stringify(message)));
  }

  /** Ends every stream, as a restart does. */
  drop(): void {
    for (const stream of this.streams.values()) stream.close();
    this.streams.clear();
  }

  async close(): Promise<void> {
    await this.#running?.close();
  }

  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    this.requests.push(`${request.method} ${url.pathname} ${request.headers.get("authorization") ?? "anonymous"}`);
    const body: unknown = request.method === "POST" ? await request.clone().json() : undefined;
    const message = isJsonObject(body) ? body : undefined;
    const special = this.intercept?.(request, message);
    if (special !== undefined) return special;
    if (url.pathname === "/sse") return request.method === "GET" ? this.#open() : this.wrongPost();
    const stream = this.streams.get(url.searchParams.get("session") ?? "");
    if (message === undefined || stream === undefined) return new Response("no such session", { status: 404 });
    void this.#serve(message, stream);
    return new Response("Accepted", { status: 202 });
  }

  async #serve(message: JsonObject, stream: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const { id, method, params } = message;
    if (typeof method !== "string") return this.core.take(message);
    if (typeof id !== "number" && typeof id !== "string") return;
    const send = (sent: JsonObject): void => stream.enqueue(eventOf("message", JSON.stringify(sent)));
    const answer = await this.core.respond(id, method, params, send);
    if ([...this.streams.values()].includes(stream)) send(answer);
  }

  #open(): Response {
    this.#count += 1;
    const session = String(this.#count);
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.streams.set(session, controller);
        const endpoint = this.endpoint(session);
        controller.enqueue(endpoint === undefined ? new TextEncoder().encode(": hello\n\n") : eventOf("endpoint", endpoint));
      },
      cancel: () => void this.streams.delete(session),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }
}

function eventOf(event: string, data: string): Uint8Array {
  return new TextEncoder().encode(`event: ${event}\ndata: ${data}\n\n`);
}
