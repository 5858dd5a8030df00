import { type BearerChallenge, formatWwwAuthenticate } from "@countersign/protocol/challenge";
import { type Refusal, refuse, toHttpError } from "@countersign/protocol/errors";
import { formatScope } from "@countersign/protocol/scope";
import type { Bearer } from "../bearer/verify-token.ts";
import type { AccessDecision } from "../policy/decide-access.ts";
import { type BoundTokens, chooseScheme } from "../policy/choose-scheme.ts";
import type { ScopeHierarchy } from "../policy/scope-hierarchy.ts";
import type { Report } from "../report.ts";

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

/** A refusal of the message itself, JSON-RPC 2.0 section 5.1; the id is null where it was not read or must not be trusted. */
export function rpcErrorResponse(status: number, code: number, message: string, id: string | number | null = null): Response {
  return Response.json({ jsonrpc: "2.0", id, error: { code, message } }, { status, headers: noStore });
}

/** The HTTP form of a challenge, RFC 6750 section 3 and RFC 9728 section 5.1. */
export function challengeResponse(status: 401 | 403, refusal: Refusal, challenge: BearerChallenge): Response {
  const { body } = toHttpError(refusal);
  return Response.json(body, { status, headers: { ...noStore, "www-authenticate": formatWwwAuthenticate(challenge) } });
}

/** The HTTP form of a decision to challenge, reported. `tool` is what the client named, shortened for the log. */
export function challengeByHttp(
  decision: Extract<AccessDecision, { readonly action: "challenge" }>,
  tool: string | undefined,
  bearer: Bearer,
  options: {
    readonly scopes: ScopeHierarchy;
    readonly resourceMetadata: string | undefined;
    readonly boundTokens: BoundTokens | undefined;
    readonly report: Report;
  },
): Response {
  const { resourceMetadata, report } = options;
  const scope = options.scopes.least(decision.scope);
  report({ event: "challenged", status: decision.status, form: "http", tool: tool?.slice(0, 100), scope: formatScope(scope) });
  const cameWithKey = bearer.state === "invalid" ? bearer.scheme === "dpop" : bearer.state === "valid" && bearer.keyThumbprint !== undefined;
  const problem = bearer.state === "invalid" ? bearer.problem : undefined;
  const error = decision.code === "authorization_required" ? undefined : (problem ?? decision.code);
  return challengeResponse(decision.status, refuse(decision.code), {
    ...(error === undefined ? {} : { error }),
    ...chooseScheme(options.boundTokens, cameWithKey, error),
    scope,
    ...(resourceMetadata === undefined ? {} : { resourceMetadata }),
  });
}

/** A token is there, and nobody can say now whether it is good. */
export function issuerUnavailable(report: Report): Response {
  report({ event: "refused", status: 503, reason: "the issuer cannot vouch for the token now" });
  return refusalResponse(refuse("unavailable", "the issuer cannot vouch for the token now"), { "retry-after": "5" });
}

/** Gives a client that proves its key the nonce for its next proof (RFC 9449 section 8.2). */
export function withNonce(response: Response, nonce: string): Response {
  const headers = new Headers(response.headers);
  headers.set("dpop-nonce", nonce);
  return new Response(response.body, { status: response.status, headers });
}

/** Lets an allowed browser origin read the answer and its challenge. */
export function withCors(response: Response, origin: string | undefined): Response {
  if (origin === undefined) return response;
  const headers = new Headers(response.headers);
  headers.set("access-control-allow-origin", origin);
  headers.set("access-control-expose-headers", "WWW-Authenticate, DPoP-Nonce, MCP-Protocol-Version, Mcp-Session-Id, Retry-After");
  headers.append("vary", "Origin");
  return new Response(response.body, { status: response.status, headers });
}

/** Answers the preflight of an allowed browser origin. */
export function preflightResponse(methods: readonly string[]): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": methods.join(", "),
      "access-control-allow-headers":
        "Authorization, DPoP, Content-Type, Accept, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, Last-Event-ID",
      "access-control-max-age": "600",
    },
  });
}
