import { DialError, type dial } from "@countersign/service/dial/dial";
import { Asker } from "../../src/doctor/ask.ts";

export type Handler = (request: Request) => Response | Promise<Response>;

export const serverUrl = "https://shop.example/mcp";

/** Stands in for the network: a function from Request to Response, with `dial`'s own way of not following redirects. */
export function dialTo(handler: Handler, seen: Request[] = []): typeof dial {
  return async (url, request) => {
    const body = request.body === undefined ? {} : { body: typeof request.body === "string" ? request.body : new Uint8Array(request.body) };
    const sent = new Request(url, { method: request.method, headers: request.headers, ...body });
    seen.push(sent.clone());
    const response = await handler(sent);
    if (response.status < 300 || response.status >= 400) return response;
    throw new DialError("redirected", "a redirect", true, response.headers.get("location") ?? undefined);
  };
}

export function askerOf(handler: Handler, seen: Request[] = [], questionsMax = 100): Asker {
  return new Asker({ dial: dialTo(handler, seen), reach: "public", timeoutMs: 60_000, questionsMax });
}

export interface RpcMessage {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly [name: string]: unknown };
}

/** What a test varies of a server; every member that is left out is as a good server has it. */
export interface FixtureOptions {
  readonly eras?: readonly string[];
  readonly session?: string;
  readonly events?: boolean;
  readonly tools?: readonly object[];
  /** Instead of a result. */
  readonly onCall?: (message: RpcMessage, request: Request) => Response;
  readonly onList?: (message: RpcMessage, request: Request) => Response | undefined;
  readonly content?: object;
  readonly prm?: object | Response;
  readonly issuer?: object | Response;
  /** Answers the registration of a client that comes back there. */
  readonly register?: (redirectUri: string) => Response;
  /** Before everything else. */
  readonly intercept?: (request: Request) => Response | undefined;
}

export const issuer = "https://id.example";
export const prmUrl = "https://shop.example/.well-known/oauth-protected-resource/mcp";

export const goodPrm: object = { resource: serverUrl, authorization_servers: [issuer], scopes_supported: ["orders:read"] };
export const goodIssuer: object = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  code_challenge_methods_supported: ["S256"],
  client_id_metadata_document_supported: true,
  authorization_response_iss_parameter_supported: true,
  token_endpoint_auth_methods_supported: ["none"],
};

export const publicTool: object = { name: "search", inputSchema: { type: "object" }, securitySchemes: [{ type: "noauth" }] };
export const protectedTool: object = {
  name: "orders",
  inputSchema: { type: "object" },
  annotations: { readOnlyHint: true },
  securitySchemes: [{ type: "oauth2", scopes: ["orders:read"] }],
  _meta: { securitySchemes: [{ type: "oauth2", scopes: ["orders:read"] }], ui: { resourceUri: "ui://shop/orders" } },
};

const goodChallenge = `Bearer resource_metadata="${prmUrl}", scope="orders:read"`;

export function challenge(status: 401 | 403, header: string = goodChallenge): Response {
  return new Response(null, { status, headers: { "www-authenticate": header } });
}

export function rpc(message: RpcMessage, result: object, headers: Record<string, string> = {}): Response {
  return Response.json({ jsonrpc: "2.0", id: message.id, result }, { headers });
}

export function rpcError(message: RpcMessage, status: number, code: number, data?: object): Response {
  return Response.json({ jsonrpc: "2.0", id: message.id, error: { code, message: "no", data } }, { status });
}

/** A small shop with mixed sign-in, that speaks all eras but the old transport. */
export function fixtureServer(options: FixtureOptions = {}): Handler {
  return async (request) => {
    const url = new URL(request.url);
    const intercepted = options.intercept?.(request);
    if (intercepted !== undefined) return intercepted;
    if (url.href === prmUrl) return documentOf(options.prm ?? goodPrm);
    if (url.origin === issuer && url.pathname === "/.well-known/oauth-authorization-server") return documentOf(options.issuer ?? goodIssuer);
    if (url.href === `${issuer}/register`) return register(await request.text(), options);
    if (url.href === clientUrl && request.method === "DELETE") return new Response(null, { status: 204 });
    if (url.href !== serverUrl) return new Response(null, { status: 404 });
    if (request.method === "OPTIONS") return preflight();
    if (request.method === "DELETE") return new Response(null, { status: 204 });
    if (request.method !== "POST") return new Response(null, { status: 405 });
    if (request.headers.has("authorization")) return challenge(401, `Bearer error="invalid_token", resource_metadata="${prmUrl}"`);
    const message: unknown = JSON.parse(await request.text());
    if (!isMessage(message)) return new Response(null, { status: 400 });
    const response = answer(message, request, options);
    return options.events === true && response.status === 200 ? asEvents(response) : response;
  };
}

const clientUrl = `${issuer}/register/client-1`;

/** Takes the client, as RFC 7591 and 7592 have it. */
export function registered(
  redirectUri: string,
  management: object = { registration_client_uri: clientUrl, registration_access_token: "key-of-the-client" },
): Response {
  return Response.json({ client_id: "client-1", redirect_uris: [redirectUri], ...management }, { status: 201 });
}

/** Neither https nor of this machine. */
export function isPlain(redirectUri: string): boolean {
  return redirectUri.startsWith("http:") && !redirectUri.includes("127.0.0.1");
}

function register(text: string, options: FixtureOptions): Response {
  const client: unknown = JSON.parse(text);
  const redirectUris: unknown = typeof client === "object" && client !== null && "redirect_uris" in client ? client.redirect_uris : [];
  const redirectUri: unknown = Array.isArray(redirectUris) ? redirectUris[0] : undefined;
  if (typeof redirectUri !== "string") return Response.json({ error: "invalid_client_metadata" }, { status: 400 });
  if (options.register !== undefined) return options.register(redirectUri);
  return isPlain(redirectUri) ? Response.json({ error: "invalid_redirect_uri" }, { status: 400 }) : registered(redirectUri);
}

function isMessage(value: unknown): value is RpcMessage {
  return typeof value === "object" && value !== null && "method" in value;
}

function answer(message: RpcMessage, request: Request, options: FixtureOptions): Response {
  const eras = options.eras ?? ["2026-07-28", "2025-11-25", "2025-06-18"];
  const modern = request.headers.get("mcp-method") !== null;
  if (modern && !eras.includes("2026-07-28")) return rpcError(message, 400, -32022, { supported: eras });
  if (message.id === undefined) return new Response(null, { status: 202 });
  const { session } = options;
  if (!modern && session !== undefined && message.method !== "initialize" && request.headers.get("mcp-session-id") !== session) {
    return rpcError(message, 400, -32000);
  }
  switch (message.method) {
    case "server/discover":
      return rpc(message, { supportedVersions: eras, capabilities: { tools: {}, resources: {} }, resultType: "complete" });
    case "initialize": {
      const wanted = String(message.params?.["protocolVersion"]);
      const protocolVersion = eras.includes(wanted) ? wanted : eras.at(-1);
      return rpc(message, { protocolVersion, capabilities: { tools: {} } }, session === undefined ? {} : { "mcp-session-id": session });
    }
    case "tools/list":
      return options.onList?.(message, request) ?? rpc(message, { tools: options.tools ?? [publicTool, protectedTool] });
    case "tools/call":
      return options.onCall?.(message, request) ?? challenge(401);
    case "resources/read":
      return rpc(message, {
        contents: [{ uri: message.params?.["uri"], mimeType: "text/html;profile=mcp-app", text: "<p>orders</p>", ...options.content }],
      });
    default:
      return rpcError(message, 404, -32601);
  }
}

function documentOf(document: object | Response): Response {
  return document instanceof Response ? document.clone() : Response.json(document);
}

function preflight(): Response {
  return new Response(null, {
    status: 204,
    headers: { "access-control-allow-origin": "*", "access-control-allow-headers": "authorization, content-type, mcp-protocol-version" },
  });
}

/** The answer after a notification, as one who streams does. */
function asEvents(response: Response): Response {
  const encoder = new TextEncoder();
  const headers = new Headers(response.headers);
  headers.set("content-type", "text/event-stream");
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(encoder.encode('event: message\r\ndata: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\r\n\r'));
      controller.enqueue(encoder.encode(`\nevent: message\ndata: ${await response.text()}\n\n`));
      // Stays open: whoever waits for the end waits for ever.
    },
  });
  return new Response(body, { status: 200, headers });
}
