import type { IncomingMessage, ServerResponse } from "node:http";
import { toNodeHandler as adapt } from "@modelcontextprotocol/node";
import { bodyBytesMax } from "./http/rpc-body.ts";

/** What Express adds to Node's own request: the URL before a router cut it, and the body that a parser read. */
interface MountedRequest extends IncomingMessage {
  readonly originalUrl?: string;
  readonly body?: unknown;
}

export type NodeHandler = (incoming: MountedRequest, outgoing: ServerResponse) => Promise<void>;

/**
 * Serves an app over Node's own HTTP: `createServer(toNodeHandler(app))`, or in Express `server.all([...app.paths], toNodeHandler(app))`, below any
 * mount point and after `express.json()` or without it. The app's addresses come from its configuration alone, whatever a proxy or the caller says
 * in a header.
 */
export function toNodeHandler(app: { readonly fetch: (request: Request) => Promise<Response> }): NodeHandler {
  const handle = adapt({ fetch: (request) => app.fetch(request) }, { maxRequestBodySize: bodyBytesMax });
  return async (incoming, outgoing) => {
    const url = incoming.originalUrl ?? incoming.url ?? "";
    const address = URL.parse(`http://${incoming.headers.host ?? ""}${url}`);
    // A Request takes no credentials in its URL, and a Host header has none.
    if (address === null || address.username !== "" || address.password !== "") {
      outgoing.writeHead(400, { "cache-control": "no-store" }).end();
      return;
    }
    const request = {
      method: incoming.method ?? "GET",
      url,
      headers: incoming.headers,
      [Symbol.asyncIterator]: () => incoming[Symbol.asyncIterator](),
    };
    await handle(request, outgoing, incoming.body);
  };
}
