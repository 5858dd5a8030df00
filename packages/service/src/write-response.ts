import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { knownText } from "@countersign/protocol/known-text";

/**
 * Writes a Fetch response to Node's. A body that is complete at once goes out with its length; a longer one is streamed under back-pressure, and cancelled when the client
 * leaves. Rejects when the body fails; then the response is broken off, because its status may be sent already.
 */
export async function writeResponse(response: Response, outgoing: ServerResponse, isHead: boolean): Promise<void> {
  const headers = outgoingHeaders(response.headers);
  const text = isHead ? undefined : knownText(response);
  if (text !== undefined) {
    outgoing.writeHead(response.status, { "content-length": Buffer.byteLength(text), ...headers }).end(text);
    return;
  }
  if (response.body === null || isHead) {
    await response.body?.cancel();
    outgoing.writeHead(response.status, headers).end();
    return;
  }
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  // The client may be gone, then the writer below ends by itself and this rejection has nobody to tell.
  const leave = (): void => void reader.cancel().catch(() => undefined);
  outgoing.once("close", leave);
  try {
    await pump(reader, response.status, headers, outgoing);
  } catch (error) {
    leave();
    if (outgoing.headersSent) outgoing.destroy();
    throw error;
  } finally {
    outgoing.off("close", leave);
  }
}

async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  status: number,
  headers: OutgoingHttpHeaders,
  outgoing: ServerResponse,
): Promise<void> {
  const isStream = String(headers["content-type"]).startsWith("text/event-stream");
  if (isStream) {
    outgoing.writeHead(status, headers);
    outgoing.flushHeaders();
  } else {
    const first = await reader.read();
    const second = first.done ? first : await settledSoon(reader.read());
    if (second.done) {
      const body = first.value ?? new Uint8Array();
      outgoing.writeHead(status, { "content-length": body.byteLength, ...headers }).end(body);
      return;
    }
    outgoing.writeHead(status, headers);
    await writeChunk(outgoing, first.value);
    const next = await second.pending;
    if (next.done) return void outgoing.end();
    await writeChunk(outgoing, next.value);
  }
  for (;;) {
    const { done, value } = await reader.read();
    if (done || outgoing.destroyed || outgoing.writableEnded) break;
    await writeChunk(outgoing, value);
  }
  if (!outgoing.writableEnded) outgoing.end();
}

type Read = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>;

/** Tells the end of a body from a chunk that is still to come, within one turn of the event loop. */
async function settledSoon(pending: Promise<Read>): Promise<{ done: true } | { done: false; pending: Promise<Read> }> {
  const soon = new Promise<undefined>((resolve) => setImmediate(resolve, undefined));
  const settled = await Promise.race([pending, soon]);
  return settled?.done === true ? { done: true } : { done: false, pending };
}

async function writeChunk(outgoing: ServerResponse, chunk: Uint8Array | undefined): Promise<void> {
  if (chunk === undefined || outgoing.destroyed || outgoing.writableEnded || outgoing.write(chunk)) return;
  await new Promise<void>((resolve) => {
    const go = (): void => {
      outgoing.off("drain", go);
      outgoing.off("close", go);
      resolve();
    };
    outgoing.on("drain", go);
    outgoing.on("close", go);
  });
}

function outgoingHeaders(headers: Headers): OutgoingHttpHeaders {
  const outgoing: OutgoingHttpHeaders = Object.fromEntries(headers);
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) outgoing["set-cookie"] = cookies;
  return outgoing;
}
