import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";

/** One event of a stream, as it was sent. `message` is the JSON-RPC message in it, if there is one. */
interface StreamEvent {
  readonly text: string;
  readonly message: JsonObject | undefined;
}

export type MapMessage = (message: JsonObject) => JsonObject | Promise<JsonObject>;

/** A response of which nothing has been sent yet. */
export interface HeldResponse {
  /** The first message, when the server gave one before it said anything else or ended. */
  readonly first: JsonObject | undefined;
  /** The response with each of its messages mapped. */
  readonly release: (map: MapMessage) => Response;
  readonly cancel: () => Promise<void>;
}

/**
 * Reads a response up to its first JSON-RPC message. A stream (WHATWG HTML section 9.2) is held back no longer than the server itself is silent:
 * a comment that keeps the connection alive releases it. An empty event, which only tells an event id, does not.
 */
export async function holdResponse(response: Response): Promise<HeldResponse> {
  if (isStream(response) && response.body !== null) return await holdStream(response, response.body);
  if (!isOfType(response, "application/json")) {
    return { first: undefined, release: () => response, cancel: async () => await response.body?.cancel() };
  }
  const text = await response.text();
  const first = parseMessage(text);
  return {
    first,
    release: (map) => (first === undefined ? withBody(response, text) : withBody(response, mappedJson(first, map))),
    cancel: () => Promise.resolve(),
  };
}

/** Maps each message of a response. A stream is open at once, whenever its first message comes. */
export async function mapResponse(response: Response, map: MapMessage): Promise<Response> {
  if (!isStream(response) || response.body === null) return (await holdResponse(response)).release(map);
  return withBody(response, streamOf([], openEvents(response.body), map));
}

/** The events of a stream, which somebody may leave while the next one is awaited. */
interface EventSource {
  readonly next: () => Promise<StreamEvent | undefined>;
  readonly leave: () => Promise<void>;
}

function isStream(response: Response): boolean {
  return isOfType(response, "text/event-stream");
}

/** Media types know no case (RFC 9110 section 8.3.1). */
function isOfType(response: Response, type: string): boolean {
  return response.headers.get("content-type")?.toLowerCase().startsWith(type) === true;
}

async function holdStream(response: Response, body: ReadableStream<Uint8Array>): Promise<HeldResponse> {
  const source = openEvents(body);
  const held: StreamEvent[] = [];
  let event = await source.next();
  while (event !== undefined) {
    held.push(event);
    if (event.message !== undefined || event.text.startsWith(":")) break;
    event = await source.next();
  }
  return { first: event?.message, release: (map) => withBody(response, streamOf(held, source, map)), cancel: source.leave };
}

function streamOf(held: readonly StreamEvent[], source: EventSource, map: MapMessage): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const waiting = [...held];
  return new ReadableStream({
    async pull(controller) {
      const event = waiting.shift() ?? (await source.next());
      if (event === undefined) return controller.close();
      const { message } = event;
      const mapped = message === undefined ? undefined : await map(message);
      controller.enqueue(encoder.encode(mapped === message || mapped === undefined ? event.text : rewriteEvent(event.text, mapped)));
    },
    cancel: source.leave,
  });
}

function openEvents(body: ReadableStream<Uint8Array>): EventSource {
  const reader = body.getReader();
  const events = readEvents(reader);
  return {
    next: async () => {
      const { done, value } = await events.next();
      return done === true ? undefined : value;
    },
    leave: async () => await reader.cancel(),
  };
}

/** Cuts a stream into events, each with the blank line that ends it. What is left at the end without one is an event to lenient readers, so to this one too. */
async function* readEvents(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<StreamEvent, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    rest += decoder.decode(read.value, { stream: true });
    for (;;) {
      const end = /\r?\n\r?\n/.exec(rest);
      if (end === null) break;
      const text = rest.slice(0, end.index + end[0].length);
      rest = rest.slice(text.length);
      yield { text, message: parseMessage(dataOf(text)) };
    }
  }
  if (rest !== "") yield { text: rest, message: parseMessage(dataOf(rest)) };
  return undefined;
}

function dataOf(event: string): string {
  const lines = event.split(/\r?\n/).filter((line) => line.startsWith("data:"));
  return lines.map((line) => line.slice(5)).join("\n");
}

function rewriteEvent(event: string, message: JsonObject): string {
  const others = event.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("data:"));
  return [...others, `data: ${JSON.stringify(message)}`, "", ""].join("\n");
}

function parseMessage(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function mappedJson(message: JsonObject, map: MapMessage): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      controller.enqueue(new TextEncoder().encode(JSON.stringify(await map(message))));
      controller.close();
    },
  });
}

/** The length and the coding were of another body. */
function withBody(response: Response, body: string | ReadableStream<Uint8Array>): Response {
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  headers.delete("content-encoding");
  return new Response(body, { status: response.status, headers });
}
