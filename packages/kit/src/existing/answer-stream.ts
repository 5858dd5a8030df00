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
  release(map: MapMessage): Response;
  cancel(): Promise<void>;
}

/**
 * Reads a response up to its first JSON-RPC message. A stream (WHATWG HTML section 9.2) is held back no longer than the server itself is silent:
 * a comment that keeps the connection alive releases it. An empty event, which only tells an event id, does not.
 */
export async function holdResponse(response: Response): Promise<HeldResponse> {
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("text/event-stream") && response.body !== null) return await holdStream(response, response.body);
  if (!type.startsWith("application/json")) {
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

async function holdStream(response: Response, body: ReadableStream<Uint8Array>): Promise<HeldResponse> {
  const events = readEvents(body);
  const held: StreamEvent[] = [];
  let first: JsonObject | undefined;
  for (;;) {
    const next = await events.next();
    if (next.done === true) break;
    held.push(next.value);
    first = next.value.message;
    if (first !== undefined || next.value.text.startsWith(":")) break;
  }
  const leave = async (): Promise<void> => void (await events.return(undefined));
  return {
    first,
    release: (map) => withBody(response, streamOf(held, events, map, leave)),
    cancel: leave,
  };
}

function streamOf(
  held: readonly StreamEvent[],
  rest: AsyncIterator<StreamEvent>,
  map: MapMessage,
  leave: () => Promise<void>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const waiting = [...held];
  return new ReadableStream({
    async pull(controller) {
      const event = waiting.shift() ?? (await nextOf(rest));
      if (event === undefined) return controller.close();
      const { message } = event;
      const mapped = message === undefined ? undefined : await map(message);
      controller.enqueue(encoder.encode(mapped === message || mapped === undefined ? event.text : rewriteEvent(event.text, mapped)));
    },
    cancel: leave,
  });
}

async function nextOf(events: AsyncIterator<StreamEvent>): Promise<StreamEvent | undefined> {
  const next = await events.next();
  return next.done === true ? undefined : next.value;
}

/** Cuts a stream into events, each with the blank line that ends it. What is left at the end without one is passed on as it is. */
async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    for (;;) {
      const end = /\r?\n\r?\n/.exec(rest);
      if (end === null) break;
      const text = rest.slice(0, end.index + end[0].length);
      rest = rest.slice(text.length);
      yield { text, message: parseMessage(dataOf(text)) };
    }
  }
  if (rest !== "") yield { text: rest, message: undefined };
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
