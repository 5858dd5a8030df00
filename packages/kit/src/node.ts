import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { knownText } from "@countersign/protocol/known-text";
import { toWebRequest } from "@modelcontextprotocol/node";
import { rpcErrorResponse } from "./http/responses.ts";
import { bodyBytesMax } from "./http/rpc-body.ts";

/** What Express adds to Node's own request: the URL before a router cut it, and the body that a parser read. */
interface MountedRequest extends IncomingMessage {
  readonly originalUrl?: string;
  readonly body?: unknown;
}

/** Answers a request by itself: there is nothing to wait for and nothing to catch. */
export type NodeHandler = (incoming: MountedRequest, outgoing: ServerResponse) => void;

type Fetch = (request: Request) => Promise<Response>;

/**
 * Serves an app over Node's own HTTP: `createServer(toNodeHandler(app))`, or in Express `server.all([...app.paths], toNodeHandler(app))`, below any
 * mount point and after `express.json()` or without it. The app's addresses come from its configuration alone, whatever a proxy or the caller says
 * in a header.
 */
export function toNodeHandler(app: { readonly fetch: Fetch }): NodeHandler {
  return (incoming, outgoing) => {
    // What fails here is a caller who left in the middle, or an answer that broke off: neither can be told anything any more.
    serve(app, incoming, outgoing).catch(() => outgoing.destroy());
  };
}

async function serve(app: { readonly fetch: Fetch }, incoming: MountedRequest, outgoing: ServerResponse): Promise<void> {
  const left = new AbortController();
  outgoing.once("close", () => {
    if (!outgoing.writableEnded) left.abort();
  });
  const response = await respond(app, incoming, left.signal);
  if (outgoing.destroyed) {
    await response.body?.cancel();
    return;
  }
  await write(response, outgoing);
}

async function respond(app: { readonly fetch: Fetch }, incoming: MountedRequest, signal: AbortSignal): Promise<Response> {
  const url = incoming.originalUrl ?? incoming.url ?? "";
  const address = URL.parse(`http://${incoming.headers.host ?? ""}${url}`);
  // A Request takes no credentials in its URL, and a Host header has none.
  if (address === null || address.username !== "" || address.password !== "") {
    return new Response(null, { status: 400, headers: { "cache-control": "no-store" } });
  }
  const asked = {
    method: incoming.method ?? "GET",
    url,
    headers: incoming.headers,
    [Symbol.asyncIterator]: () => incoming[Symbol.asyncIterator](),
  };
  let request: Request;
  try {
    request = await toWebRequest(asked, incoming.body, { signal, maxRequestBodySize: bodyBytesMax });
  } catch (error) {
    if (signal.aborted || !(error instanceof Error) || error.name !== "RequestBodyTooLargeError") throw error;
    const refusal = rpcErrorResponse(413, -32600, `Invalid request: the body is larger than ${bodyBytesMax} bytes`);
    // The rest of the body is not read, and must not be taken for a request.
    refusal.headers.set("connection", "close");
    return refusal;
  }
  try {
    return await app.fetch(request);
  } catch {
    return rpcErrorResponse(500, -32603, "Internal error");
  }
}

/** Writes an answer: at once where its text is known, else as it comes. */
async function write(response: Response, outgoing: ServerResponse): Promise<void> {
  const headers = [...response.headers].flat();
  const text = knownText(response);
  if (text !== undefined) {
    outgoing.writeHead(response.status, [...headers, "content-length", String(Buffer.byteLength(text))]).end(text);
    return;
  }
  outgoing.writeHead(response.status, headers);
  if (response.body === null) return void outgoing.end();
  outgoing.flushHeaders();
  await pipeline(response.body, outgoing);
}
