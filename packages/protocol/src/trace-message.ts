import { cutJson, cutText } from "./cut-secrets.ts";
import { isJsonObject } from "./shape.ts";
import { maskJson, maskUrl, type Shown } from "./trace-mask.ts";
import type { WireMessage } from "./trace-step.ts";
import { parseChallengeList } from "./www-authenticate.ts";

/** What a message's body is, and so what is shown of it. `none`: nothing. */
export type BodyKind = "rpc" | "resource_metadata" | "server_metadata" | "token_request" | "token_answer" | "none";

/** A message as it went over the wire, with everything in it. Header names are compared without case. */
export interface RawMessage {
  readonly headers: Iterable<readonly [string, string]>;
  readonly kind: BodyKind;
  readonly body?: unknown;
  /** Secrets that are known to have gone over this wire: a peer that repeats one, anywhere, does not get it shown. They are cut out before anything is shortened. */
  readonly secrets?: readonly string[];
}

const plain = (...names: readonly string[]): Readonly<Record<string, Shown>> => Object.fromEntries(names.map((name) => [name, "shown" as const]));
const addresses = (...names: readonly string[]): Readonly<Record<string, Shown>> =>
  Object.fromEntries(names.map((name) => [name, "address" as const]));
const object = (members: Readonly<Record<string, Shown>>): Shown => ({ members });

/**
 * THE list of what is shown of a message. Arguments, results, tokens, codes, states, answers of users and whatever nobody thought of are not on it.
 * JSON-RPC as MCP has it; RFC 9728 section 2; RFC 8414 section 2; RFC 6749 sections 4.1.3, 5.1, 5.2 and 6, RFC 8707, RFC 8628 section 3.4.
 */
const shownOf: Readonly<Record<Exclude<BodyKind, "none">, Shown>> = {
  rpc: object({
    ...plain("jsonrpc", "id", "method"),
    params: object({
      ...plain("name", "protocolVersion"),
      ...addresses("uri"),
      arguments: object({}),
      clientInfo: object(plain("name", "title", "version")),
    }),
    result: object({
      ...plain("isError", "resultType"),
      content: { each: object(plain("type", "mimeType")) },
      structuredContent: object({}),
      inputRequests: { each: object(plain("type", "mode")) },
    }),
    error: object(plain("code", "message")),
  }),
  resource_metadata: object({
    ...addresses("resource", "authorization_servers"),
    ...plain("scopes_supported", "bearer_methods_supported", "resource_name", "dpop_bound_access_tokens_required"),
  }),
  server_metadata: object({
    ...addresses(
      "issuer",
      "authorization_endpoint",
      "token_endpoint",
      "registration_endpoint",
      "revocation_endpoint",
      "device_authorization_endpoint",
      "pushed_authorization_request_endpoint",
      "jwks_uri",
    ),
    ...plain(
      "scopes_supported",
      "response_types_supported",
      "response_modes_supported",
      "grant_types_supported",
      "code_challenge_methods_supported",
      "token_endpoint_auth_methods_supported",
      "client_id_metadata_document_supported",
      "authorization_response_iss_parameter_supported",
      "dpop_signing_alg_values_supported",
      "authorization_details_types_supported",
    ),
  }),
  token_request: object({
    ...plain("grant_type", "client_id", "audience", "scope", "client_assertion_type"),
    ...addresses("redirect_uri", "resource"),
  }),
  token_answer: object(plain("token_type", "expires_in", "scope", "error", "interval")),
};

/** The names that a step's `detail` may use. */
const detailShown: Readonly<Record<string, Shown>> = {
  ...plain(
    "action",
    "authentication",
    "certainty",
    "clientId",
    "connector",
    "contentBlocks",
    "description",
    "error",
    "expiresAt",
    "expiresInSeconds",
    "flowId",
    "form",
    "forms",
    "host",
    "hosts",
    "idempotencyKey",
    "isError",
    "masked",
    "method",
    "origin",
    "reason",
    "round",
    "scope",
    "source",
    "status",
    "structured",
    "style",
    "tool",
  ),
  ...addresses(
    "authorizationEndpoint",
    "authorizationServers",
    "endpoint",
    "issuer",
    "resource",
    "resourceMetadata",
    "tokenEndpoint",
    "url",
    "verificationUri",
  ),
  // Of these names a wrong value would be a secret.
  authorization: { matches: /^(none|(Bearer|DPoP) \[masked\])$/ },
  // What a host answers that answers nothing.
  body: { matches: /^\{\}$/ },
  code: { matches: /^(\[masked\]|[a-z_]{1,60})$/ },
  state: { matches: /^\[masked\]$/ },
  token: { matches: /^(attach|omit|refresh|\[masked\])$/ },
  userCode: { matches: /^\[masked\]$/ },
  parameters: object({ ...plain("client_id", "response_type", "scope", "code_challenge_method"), ...addresses("redirect_uri", "resource") }),
};

const headersShown: ReadonlySet<string> = new Set([
  "accept",
  "access-control-allow-headers",
  "access-control-allow-methods",
  "access-control-allow-origin",
  "access-control-expose-headers",
  "allow",
  "cache-control",
  "content-length",
  "content-type",
  "date",
  "idempotency-key",
  "mcp-method",
  "mcp-name",
  "mcp-protocol-version",
  "retry-after",
  "user-agent",
]);
const headersMax = 40;
const headerTextMax = 500;
const bodyCharsMax = 16_384;
const headerName = /^[a-z][a-z0-9-]{0,63}$/;
const challengeParameters: ReadonlySet<string> = new Set(["realm", "scope", "error", "error_description", "resource_metadata", "algs"]);

/** A request as it may be shown. */
export function showRequest(method: string, url: string, message: RawMessage): WireMessage {
  return { way: "sent", line: `${method} ${maskUrl(url)}`, ...showParts(message) };
}

/** A response as it may be shown. */
export function showResponse(status: number, message: RawMessage): WireMessage {
  return { way: "received", line: `HTTP ${status}`, ...showParts(message) };
}

/** A step's `detail` as it may be shown: what has a name that is not on the list is masked. */
export function showDetail(detail: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const shown = maskJson(detail, object(detailShown));
  return isJsonObject(shown) ? shown : {};
}

function showParts({ headers, kind, body, secrets = [] }: RawMessage): Pick<WireMessage, "headers" | "body"> {
  const shown = [...headers]
    .slice(0, headersMax)
    .map(([name, value]): readonly [string, string] => [cutText(name.toLowerCase(), secrets), cutText(value, secrets)])
    .filter(([name]) => headerName.test(name))
    .map(([name, value]): readonly [string, string] => [name, showHeader(name, value)]);
  const rest = kind === "none" || body === undefined ? {} : { body: bounded(maskJson(cutJson(body, secrets), shownOf[kind])) };
  return { headers: Object.fromEntries(shown), ...rest };
}

function bounded(body: unknown): unknown {
  return JSON.stringify(body).length <= bodyCharsMax ? body : "[masked: too large]";
}

function showHeader(name: string, value: string): string {
  if (headersShown.has(name)) return value.slice(0, headerTextMax);
  if (name === "www-authenticate") return showChallenges(value);
  const scheme = name === "authorization" ? /^(Bearer|DPoP|Basic) /i.exec(value)?.[1] : undefined;
  return scheme === undefined ? "[masked]" : `${scheme} [masked]`;
}

/** A challenge with the parameters that say what is wanted (RFC 6750 section 3, RFC 9728 section 5.1, RFC 9449 section 7.1). */
function showChallenges(text: string): string {
  const challenges = text.length > 8192 ? undefined : parseChallengeList(text, 20);
  if (challenges === undefined) return "[masked: leaves the grammar]";
  return challenges
    .map(({ scheme, token68, parameters }) => {
      const shown = [...parameters].map(([name, value]) => `${name}="${showParameter(name, value)}"`);
      return [scheme, ...(token68 === undefined ? [] : ["[masked]"]), shown.join(", ")].filter((part) => part !== "").join(" ");
    })
    .join(", ");
}

function showParameter(name: string, value: string): string {
  if (!challengeParameters.has(name)) return "[masked]";
  return name === "resource_metadata" ? maskUrl(value) : value.slice(0, headerTextMax);
}
