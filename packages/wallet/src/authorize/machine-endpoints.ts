import type { IncomingMessage, ServerResponse } from "node:http";
import { refuse, toHttpError } from "@countersign/protocol/errors";

const paths: ReadonlySet<string> = new Set(["/device_authorization", "/introspect", "/par", "/revoke", "/token"]);

/** Says whether a path is for servers and devices, where no page of a browser has anything to do. */
export function isMachineEndpoint(path: string): boolean {
  return paths.has(path);
}

/**
 * Answers a request that a page sent to one of these endpoints, so that a view in an opaque origin (`Origin: null`), or any other site, reaches no token: 403
 * and no `Access-Control-Allow-Origin`, for the preflight too. Gives false when the request may go on; what is answered then is kept by no cache.
 */
export function refusePages(request: IncomingMessage, response: ServerResponse): boolean {
  response.setHeader("cache-control", "no-store");
  response.setHeader("referrer-policy", "no-referrer");
  response.setHeader("x-content-type-options", "nosniff");
  if (request.headers.origin === undefined) return false;
  const { status, body } = toHttpError(refuse("forbidden_origin"));
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  // The body is not read: the connection ends with the answer.
  request.resume();
  return true;
}
