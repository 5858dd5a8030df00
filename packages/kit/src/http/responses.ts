import { type BearerChallenge, formatWwwAuthenticate } from "@countersign/protocol/challenge";
import { type Refusal, toHttpError } from "@countersign/protocol/errors";

const noStore = { "cache-control": "no-store" };

/** A public document: any page may read it. */
export function publicJson(body: unknown): Response {
  return Response.json(body, { headers: { "access-control-allow-origin": "*", "cache-control": "public, max-age=60" } });
}

/** A refusal in the shape that OAuth clients read too. */
export function refusalResponse(refusal: Refusal, headers: Readonly<Record<string, string>> = {}): Response {
  const { status, body } = toHttpError(refusal);
  return Response.json(body, { status, headers: { ...noStore, ...headers } });
}

/** A refusal of the message itself, JSON-RPC 2.0 section 5.1; the id is null because it was not read or must not be trusted. */
export function rpcErrorResponse(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: "2.0", id: null, error: { code, message } }, { status, headers: noStore });
}

/** The HTTP form of a challenge, RFC 6750 section 3 and RFC 9728 section 5.1. */
export function challengeResponse(status: 401 | 403, refusal: Refusal, challenge: BearerChallenge): Response {
  const { body } = toHttpError(refusal);
  return Response.json(body, { status, headers: { ...noStore, "www-authenticate": formatWwwAuthenticate(challenge) } });
}

/** Lets an allowed browser origin read the answer and its challenge. */
export function withCors(response: Response, origin: string | undefined): Response {
  if (origin === undefined) return response;
  const headers = new Headers(response.headers);
  headers.set("access-control-allow-origin", origin);
  headers.set("access-control-expose-headers", "WWW-Authenticate, MCP-Protocol-Version, Retry-After");
  headers.append("vary", "Origin");
  return new Response(response.body, { status: response.status, headers });
}

/** Answers the preflight of an allowed browser origin. */
export function preflightResponse(methods: readonly string[]): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": methods.join(", "),
      "access-control-allow-headers": "Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Method, Mcp-Name",
      "access-control-max-age": "600",
    },
  });
}
