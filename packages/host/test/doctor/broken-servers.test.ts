import { judgeServer } from "@countersign/protocol/server-matrix";
import { findingsOf } from "@countersign/protocol/server-verdict";
import { describe, expect, it } from "vitest";
import { examineServer } from "../../src/doctor/examine.ts";
import {
  challenge,
  dialTo,
  type FixtureOptions,
  fixtureServer,
  goodIssuer,
  goodPrm,
  protectedTool,
  publicTool,
  rpc,
  rpcError,
  type RpcMessage,
  isPlain,
  registered,
  serverUrl,
} from "./fixture.ts";

const errorResult = { isError: true, content: [] };
const described = {
  ...errorResult,
  _meta: { "mcp/www_authenticate": ['Bearer error="invalid_token", error_description="Sign in.", scope="orders:read"'] },
};
const linkTools = ["link_account", "await_link", "call_linked"].map((name) => ({ ...publicTool, name, _meta: { ui: { visibility: ["app"] } } }));

/** Answers each host in the form that it understands, as the kit does. */
function byHost(message: RpcMessage, request: Request): Response {
  return /openai/.test(request.headers.get("user-agent") ?? "") ? rpc(message, described) : challenge(401);
}

const exposing = (request: Request): Response | undefined =>
  request.method === "POST" && request.headers.get("origin") !== null && request.headers.get("mcp-method") === null
    ? new Response(null, { status: 400, headers: { "access-control-expose-headers": "www-authenticate" } })
    : undefined;
const registering = {
  ...goodIssuer,
  registration_endpoint: "https://id.example/register",
  grant_types_supported: ["authorization_code", "refresh_token"],
  protected_resources: [serverUrl],
};

/** A shop that does right by every host that can be done right by. */
const healthy: FixtureOptions = {
  eras: ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"],
  tools: [
    { ...publicTool, _meta: { securitySchemes: [{ type: "noauth" }] } },
    protectedTool,
    ...linkTools.map((tool) => ({ ...tool, securitySchemes: undefined })),
  ],
  onCall: byHost,
  issuer: registering,
  intercept: exposing,
};

async function findingsAt(options: FixtureOptions): Promise<ReadonlyMap<string, readonly string[]>> {
  const dial = dialTo(fixtureServer(options));
  const examined = await examineServer(serverUrl, { reach: "public", consent: "read_only", register: true, dial });
  if (!examined.ok) throw new Error(examined.error.code);
  const matrix = judgeServer(examined.value);
  const findings = findingsOf(matrix).map(({ finding, frees }) => [finding, frees] as const);
  return new Map([...findings, ...matrix.notes.map(({ finding }) => [finding, []] as const)]);
}

const all = ["countersign", "chatgpt", "claude", "vscode", "cursor", "goose", "copilot", "generic"];
/** Who reads what is published about a sign-in. */
const lookingUp = all.filter((host) => host !== "copilot");
const old = (request: Request): Response | undefined =>
  request.method === "GET" && request.url === serverUrl
    ? new Response("event: endpoint\ndata: /messages\n\n", { headers: { "content-type": "text/event-stream" } })
    : request.url === serverUrl
      ? new Response(null, { status: 405 })
      : undefined;
const at =
  (path: string, response: () => Response): NonNullable<FixtureOptions["intercept"]> =>
  (request) =>
    new URL(request.url).pathname === path ? response() : exposing(request);
const astray = 'Bearer resource_metadata="https://shop.example/prm", scope="orders:read"';
const ofTools = (more: object): readonly object[] => [publicTool, { ...protectedTool, ...more }];

const badRedirect = (): Response => Response.json({ error: "invalid_redirect_uri" }, { status: 400 });
const byRegistrationOnly = { ...registering, client_id_metadata_document_supported: false };

/** What is broken, the finding, and the hosts that are dead by it. */
const rows: readonly (readonly [name: string, broken: FixtureOptions, finding: string, frees: readonly string[]])[] = [
  [
    "an address that redirects",
    { intercept: at("/mcp", () => new Response(null, { status: 308, headers: { location: "https://shop.example/v2" } })) },
    "redirected",
    ["countersign"],
  ],
  [
    "metadata that redirects",
    { prm: new Response(null, { status: 302, headers: { location: "https://id.example/prm" } }) },
    "metadata_redirected",
    ["countersign"],
  ],
  ["a server that is down", { intercept: at("/mcp", () => new Response(null, { status: 503 })) }, "server_fails", []],
  [
    "a website",
    { intercept: at("/mcp", () => new Response("<!doctype html><title>Shop</title>", { headers: { "content-type": "text/html" } })) },
    "not_mcp",
    all,
  ],
  ["a server of the newest revision only", { eras: ["2026-07-28"] }, "other_revision", []],
  ["a server of the old transport only", { intercept: old }, "old_transport_only", []],
  [
    "a session that is demanded again",
    { eras: ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"], session: "s-1" },
    "session_demanded",
    ["chatgpt"],
  ],
  [
    "tools in pages",
    { onList: (message) => rpc(message, message.params?.["cursor"] === "2" ? { tools: [protectedTool] } : { tools: [publicTool], nextCursor: "2" }) },
    "pages",
    [],
  ],
  ["two tools of one name", { tools: [publicTool, publicTool] }, "names_repeat", []],
  ["a list of tools that fails", { onList: (message) => rpcError(message, 200, -32603) }, "list_refused", all],
  [
    "metadata of another resource",
    { prm: { ...goodPrm, resource: "https://shop.example/other" } },
    "resource_mismatch",
    ["countersign", "claude", "generic"],
  ],
  ["no protected resource metadata", { prm: new Response(null, { status: 404 }) }, "no_resource_metadata", lookingUp],
  [
    "no protected resource metadata, and nothing that points to some",
    {
      prm: new Response(null, { status: 404 }),
      onCall: () => challenge(401, "Bearer"),
      intercept: (request) => (request.headers.has("authorization") ? challenge(401, 'Bearer error="invalid_token"') : exposing(request)),
    },
    "no_resource_metadata",
    lookingUp.filter((host) => host !== "countersign"),
  ],
  [
    "a pointer to metadata of another resource, beside good ones",
    {
      onCall: () => challenge(401, astray),
      intercept: (request) => {
        if (request.url === "https://shop.example/prm") return Response.json({ ...goodPrm, resource: "https://shop.example/other" });
        return request.headers.has("authorization") ? challenge(401, astray) : exposing(request);
      },
    },
    "resource_mismatch",
    ["countersign", "claude", "generic"],
  ],
  ["no authorization server metadata", { issuer: new Response(null, { status: 404 }) }, "no_server_metadata", lookingUp],
  ["another issuer in the metadata", { issuer: { ...registering, issuer: "https://other.example" } }, "issuer_mismatch", lookingUp],
  ["no PKCE", { issuer: { ...registering, code_challenge_methods_supported: ["plain"] } }, "pkce_unsupported", lookingUp],
  ["no way to become a client", { issuer: { ...goodIssuer, client_id_metadata_document_supported: false } }, "registration", []],
  [
    "a token of nobody's that is taken",
    { intercept: (request) => (request.headers.has("authorization") ? rpc({ id: 1, method: "tools/call" }, { content: [] }) : exposing(request)) },
    "bad_token_taken",
    [],
  ],
  ["HTTP challenges for everybody", { onCall: () => challenge(401) }, "wants_result", ["chatgpt"]],
  ["challenges in results for everybody", { onCall: (message) => rpc(message, described) }, "wants_http_401", ["claude", "vscode", "generic"]],
  [
    "a challenge in the result without its words",
    { onCall: (message) => rpc(message, { ...errorResult, _meta: { "mcp/www_authenticate": ["Bearer"] } }) },
    "result_lacks",
    ["chatgpt"],
  ],
  [
    "an error that is no challenge",
    { onCall: (message) => rpcError(message, 500, -32603) },
    "no_challenge",
    ["chatgpt", "claude", "vscode", "goose", "copilot", "generic"],
  ],
  [
    "a challenge that cannot be read",
    { onCall: () => challenge(401, 'Bearer scope="') },
    "challenge_unreadable",
    ["chatgpt", "claude", "vscode", "goose", "copilot", "generic"],
  ],
  [
    "a protected tool that runs for anybody",
    { onCall: (message) => rpc(message, { content: [] }) },
    "protected_tool_ran",
    ["chatgpt", "claude", "vscode", "goose", "copilot", "generic"],
  ],
  ["views that nobody can sign in from", { tools: [publicTool, protectedTool] }, "view_sign_in", ["copilot"]],
  [
    "scopes that the first sign-in lacks",
    {
      tools: [...(healthy.tools ?? []), { ...protectedTool, name: "cancel", securitySchemes: [{ type: "oauth2", scopes: ["orders:write"] }] }],
      onCall: () => challenge(401),
    },
    "step_up_ignored",
    ["chatgpt"],
  ],
  [
    "a view that is not there",
    { intercept: (request) => (request.headers.get("mcp-method") === "resources/read" ? new Response(null, { status: 404 }) : exposing(request)) },
    "view_missing",
    all,
  ],
  ["a view of another type", { content: { mimeType: "text/html" } }, "view_type", all],
  ["a view for window.openai only", { content: { mimeType: "text/html+skybridge" } }, "view_type_legacy", ["claude", "vscode", "goose"]],
  [
    "a policy for window.openai only",
    { content: { _meta: { "openai/widgetCSP": { connect_domains: ["https://api.example"] } } } },
    "view_policy_legacy",
    [],
  ],
  ["a view with frames", { content: { _meta: { ui: { csp: { frameDomains: ["https://pay.example"] } } } } }, "view_frames", []],
  ["schemes in one place", { tools: ofTools({ _meta: {} }) }, "schemes_in_one_place", []],
  [
    "tools that say nothing of sign-in, beside its metadata",
    { tools: [{ name: "orders", inputSchema: { type: "object" } }] },
    "demand_undeclared",
    [],
  ],
  ["schemes that cannot be read", { tools: ofTools({ securitySchemes: "oauth2", _meta: {} }) }, "schemes_unreadable", []],
  ["a challenge that pages cannot read", { intercept: () => undefined }, "cors_hides_challenge", []],
  ["scopes that the metadata lack", { prm: { ...goodPrm, scopes_supported: ["other"] } }, "scope_unlisted", []],
  [
    "a tool kept from the model in one host's words",
    { tools: [...(healthy.tools ?? []), { ...publicTool, name: "hidden", _meta: { "openai/visibility": "private" } }] },
    "visibility_legacy",
    [],
  ],
  ["a challenge that points to no metadata", { onCall: () => challenge(401, astray) }, "pointer_unusable", []],
  [
    "a challenge that points to the metadata of another resource",
    {
      onCall: () => challenge(401, astray),
      intercept: at("/prm", () => Response.json({ ...goodPrm, resource: "https://shop.example/other" })),
    },
    "pointer_unusable",
    [],
  ],
  [
    "metadata that name another authorization server elsewhere",
    {
      onCall: () => challenge(401, astray),
      intercept: at("/prm", () => Response.json({ ...goodPrm, authorization_servers: ["https://old-id.example"] })),
    },
    "metadata_disagree",
    [],
  ],
  [
    "metadata of the whole origin",
    {
      prm: new Response(null, { status: 404 }),
      intercept: at("/.well-known/oauth-protected-resource", () => Response.json({ ...goodPrm, resource: "https://shop.example" })),
    },
    "resource_differs",
    [],
  ],
  ["a resource in another spelling", { prm: { ...goodPrm, resource: "https://SHOP.example/mcp" } }, "resource_differs", []],
  [
    "an issuer that lists other resources",
    { issuer: { ...registering, protected_resources: ["https://shop.example/other"] } },
    "resource_unlisted",
    [],
  ],
  ["an issuer without refresh tokens", { issuer: { ...registering, grant_types_supported: ["authorization_code"] } }, "grant_unlisted", []],
  ["tokens that must be bound to a key", { prm: { ...goodPrm, dpop_bound_access_tokens_required: true } }, "dpop_required", []],
  [
    "a registration that knows no address of one host",
    { issuer: byRegistrationOnly, register: (uri) => (uri.includes("chatgpt") ? badRedirect() : registered(uri)) },
    "redirect_refused",
    [],
  ],
  [
    "a registration that knows one address of two",
    { issuer: byRegistrationOnly, register: (uri) => (uri.includes("claude.com") ? badRedirect() : registered(uri)) },
    "redirect_partly",
    [],
  ],
  [
    "a registration for those with a credential",
    { issuer: byRegistrationOnly, register: () => Response.json({ error: "invalid_token" }, { status: 401 }) },
    "registration_closed",
    [],
  ],
  [
    "a registration without this machine",
    { register: (uri) => (uri.includes("127.0.0.1") ? badRedirect() : registered(uri)) },
    "loopback_refused",
    [],
  ],
  ["a registration by plain http", { register: registered }, "plain_redirect_taken", []],
  ["clients that stay", { register: (uri) => (isPlain(uri) ? badRedirect() : registered(uri, {})) }, "clients_left", []],
  ["an issuer without a name", { issuer: { ...registering, authorization_response_iss_parameter_supported: false } }, "iss_missing", []],
];

describe("a fault", () => {
  it.each(rows)("of %s is found, and not found in its healthy twin", async (_name, broken, finding, frees) => {
    expect([...(await findingsAt(healthy)).keys()]).not.toContain(finding);
    const found = await findingsAt({ ...healthy, ...broken });
    expect(Object.fromEntries(found)).toHaveProperty(finding);
    expect([finding, found.get(finding)]).toEqual([finding, frees]);
  });

  it("of no kind is left on the healthy twin but those that only hosts can mend", async () => {
    expect([...(await findingsAt(healthy)).keys()].toSorted()).toEqual([
      "by_link",
      "no_view_calls",
      "registered_by_hand",
      "signs_in_at_connect",
      "visibility_ignored",
    ]);
  });
});
