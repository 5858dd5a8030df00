import type { EpochMs, Issuer, ResourceUri } from "@countersign/protocol/brand";
import { refuse } from "@countersign/protocol/errors";
import { protectedResourceMetadataUrls } from "@countersign/protocol/metadata";
import { parseIssuer, parseResourceUri } from "@countersign/protocol/resource";
import { formatScope, unionScopes } from "@countersign/protocol/scope";
import type { z } from "zod";
import { anonymous, oauth2 } from "./auth.ts";
import { createKeySource } from "./bearer/key-source.ts";
import { createBearerVerifier } from "./bearer/verify-token.ts";
import { createEndpoint, type Endpoint } from "./endpoint.ts";
import type { Fetch } from "./http/fetch-json.ts";
import { createCallerPolicy, judgeCaller } from "./http/judge-caller.ts";
import { preflightResponse, publicJson, refusalResponse, withCors } from "./http/responses.ts";
import type { Payee } from "./payment/payee.ts";
import type { ChallengeForm } from "./policy/choose-form.ts";
import type { Report } from "./report.ts";
import { prepareTool, type Tool, type ToolDefinition, type ToolHandler } from "./tool.ts";
import { prepareView, type UiDefinition, type View } from "./view.ts";

export interface AppOptions {
  readonly name: string;
  readonly version: string;
  readonly title?: string;
  readonly instructions?: string;
  /** Canonical URL of the MCP endpoint, audience of every token, and the only source of the metadata's address. */
  readonly resource: string;
  /** The authorization server. Without it no tool can demand sign-in. */
  readonly issuer?: string;
  /** Further Host values; the resource's own host is always allowed. */
  readonly allowedHosts?: readonly string[];
  /** Browser origins that may call; the resource's own origin is always allowed. */
  readonly allowedOrigins?: readonly string[];
  readonly challengeForm?: "auto" | ChallengeForm;
  /** Enables `requirePayment`, and publishes the payee's keys at `/.well-known/jwks.json`. */
  readonly payee?: Payee;
  readonly clock?: () => EpochMs;
  readonly fetch?: Fetch;
  readonly report?: Report;
}

export interface App {
  readonly resource: ResourceUri;
  /** Adds a tool. Throws on a programmer error: a name taken, an unknown view, sign-in demanded without an issuer. */
  tool<Input extends z.ZodObject>(name: string, definition: ToolDefinition<Input>, handler: ToolHandler<Input>): void;
  /** Adds a view and returns its `ui://` URI. */
  ui(name: string, definition: UiDefinition): string;
  /** Serves the MCP endpoint, the metadata and the payee's keys; 404 for any other path. */
  readonly fetch: (request: Request) => Promise<Response>;
  close(): Promise<void>;
}

const namePattern = /^[A-Za-z0-9_.-]{1,64}$/;

/** Makes an MCP app. `tool` and `ui` are for start-up: the first request freezes what is offered. */
export function createApp(options: AppOptions): App {
  const { resource, issuer } = readIdentity(options);
  const tools = new Map<string, Tool>();
  const views = new Map<string, View>();
  const serveDocument = createDocuments(options, resource, issuer, tools);
  const callers = createCallerPolicy(resource, options.allowedHosts ?? [], options.allowedOrigins ?? []);
  const endpointPath = new URL(resource).pathname;
  const report: Report = options.report ?? (() => undefined);
  let endpoint: Endpoint | undefined;

  const register = (name: string, taken: ReadonlyMap<string, unknown>): void => {
    if (endpoint !== undefined) throw new TypeError(`"${name}" comes too late: the app already serves`);
    if (!namePattern.test(name)) throw new TypeError(`not a name: ${JSON.stringify(name)}`);
    if (taken.has(name)) throw new TypeError(`"${name}" is taken`);
  };
  const endpointOf = (): Endpoint => {
    endpoint ??= createEndpoint({
      offer: { name: options.name, version: options.version, title: options.title, instructions: options.instructions, tools, views },
      verifier: issuer && createVerifier(options, resource, issuer),
      resourceMetadata: issuer && protectedResourceMetadataUrls(resource)[0],
      challengeForm: options.challengeForm ?? "auto",
      payee: options.payee,
      report,
    });
    return endpoint;
  };

  return {
    resource,
    tool(name, definition, handler) {
      register(name, tools);
      const auth = definition.auth ?? (issuer === undefined ? anonymous() : oauth2());
      if (issuer === undefined && auth.mode !== "anonymous") throw new TypeError(`"${name}" demands sign-in, but the app has no issuer`);
      const view = definition.ui === undefined ? undefined : views.get(definition.ui);
      if (definition.ui !== undefined && view === undefined) throw new TypeError(`"${name}" names an unknown view: "${definition.ui}"`);
      tools.set(name, prepareTool(name, definition, auth, view?.uri, handler));
    },
    ui(name, definition) {
      register(name, views);
      const view = prepareView(options.name, name, definition);
      views.set(name, view);
      return view.uri;
    },
    async fetch(request) {
      const verdict = judgeCaller(callers, request);
      if (!verdict.allowed) {
        report({ event: "refused", status: 403, reason: `${verdict.reason} not allowed` });
        return refusalResponse(refuse("forbidden_origin", `this ${verdict.reason} is not allowed`));
      }
      const path = new URL(request.url).pathname;
      const document = serveDocument(request.method, path);
      if (document !== undefined) return document;
      if (path !== endpointPath) return refusalResponse(refuse("not_found"));
      const preflight = request.method === "OPTIONS" && verdict.origin !== undefined;
      return withCors(preflight ? preflightResponse() : await endpointOf().serve(request), verdict.origin);
    },
    async close() {
      await endpoint?.close();
    },
  };
}

function readIdentity(options: AppOptions): { readonly resource: ResourceUri; readonly issuer: Issuer | undefined } {
  if (!namePattern.test(options.name)) throw new TypeError(`not a name: ${JSON.stringify(options.name)}`);
  const resource = parseResourceUri(options.resource);
  if (!resource.ok || resource.value !== options.resource) throw new TypeError(`not a canonical resource: ${options.resource}`);
  const issuer = options.issuer === undefined ? undefined : parseIssuer(options.issuer);
  if (issuer?.ok === false) throw new TypeError(`not an issuer: ${options.issuer}`);
  return { resource: resource.value, issuer: issuer?.value };
}

function createVerifier(options: AppOptions, resource: ResourceUri, issuer: Issuer): ReturnType<typeof createBearerVerifier> {
  const clock = options.clock ?? Date.now;
  return createBearerVerifier({ issuer, resource, clock, keys: createKeySource({ issuer, clock, fetch: options.fetch ?? fetch }) });
}

/** The public documents by path: protected resource metadata (RFC 9728 section 3) and the payee's verification keys. */
function createDocuments(
  options: AppOptions,
  resource: ResourceUri,
  issuer: Issuer | undefined,
  tools: ReadonlyMap<string, Tool>,
): (method: string, path: string) => Response | undefined {
  const metadata = (): unknown => ({
    resource,
    authorization_servers: [issuer],
    scopes_supported: formatScope(unionScopes(...[...tools.values()].map((tool) => tool.auth.scope)))
      .split(" ")
      .filter((scope) => scope !== ""),
    bearer_methods_supported: ["header"],
    resource_name: options.title ?? options.name,
  });
  const documents = new Map<string, () => unknown>();
  if (issuer !== undefined) for (const url of protectedResourceMetadataUrls(resource)) documents.set(new URL(url).pathname, metadata);
  const payee = options.payee;
  if (payee !== undefined) documents.set("/.well-known/jwks.json", () => payee.publicKeys());
  return (method, path) => {
    const document = documents.get(path);
    return document !== undefined && (method === "GET" || method === "HEAD") ? publicJson(document()) : undefined;
  };
}
