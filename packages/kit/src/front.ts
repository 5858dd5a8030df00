import type { ResourceUri } from "@countersign/protocol/brand";
import { refuse } from "@countersign/protocol/errors";
import { protectedResourceMetadataUrls } from "@countersign/protocol/metadata";
import { formatScope, type ScopeSet } from "@countersign/protocol/scope";
import { createCallerPolicy, judgeCaller } from "./http/judge-caller.ts";
import { preflightResponse, publicJson, refusalResponse, withCors, withNonce } from "./http/responses.ts";
import { proofAlgorithms } from "./policy/choose-scheme.ts";
import type { Identity, SecurityOptions } from "./options.ts";

/** What stands between the network and the MCP endpoint, and is mounted on a server. */
export interface Front {
  readonly resource: ResourceUri;
  /** The paths that are served, for a router that wants them one by one: the endpoint, its metadata, the payee's keys. */
  readonly paths: readonly string[];
  /** Serves these paths; 404 for any other. */
  readonly fetch: (request: Request) => Promise<Response>;
}

export interface FrontOptions extends SecurityOptions {
  /** The name that the metadata gives. */
  readonly label: string;
  /** Every scope that may be demanded. */
  readonly demandedScopes: () => ScopeSet;
  /** HTTP methods of the endpoint that a browser page may use. */
  readonly methods: readonly string[];
  /** Gives the newest nonce for proofs (RFC 9449 section 8.2); undefined where proofs need none. */
  readonly nonce: (() => string) | undefined;
  /** Serves a request to the endpoint itself. */
  readonly serve: (request: Request) => Promise<Response>;
}

/** Judges Host and Origin from configuration alone, serves the public documents, and gives the rest to the endpoint. */
export function createFront(options: FrontOptions, identity: Identity): Front {
  const { resource } = identity;
  const documents = createDocuments(options, identity);
  const callers = createCallerPolicy(resource, options.allowedHosts ?? [], options.allowedOrigins ?? []);
  const endpointPath = new URL(resource).pathname;
  const serve = async (request: Request): Promise<Response> => {
    const response = await options.serve(request);
    const came = options.nonce === undefined ? undefined : request.headers.get("authorization");
    return options.nonce !== undefined && came?.toLowerCase().startsWith("dpop ") === true ? withNonce(response, options.nonce()) : response;
  };
  return {
    resource,
    paths: [endpointPath, ...documents.keys()],
    async fetch(request) {
      const verdict = judgeCaller(callers, request);
      if (!verdict.allowed) {
        options.report?.({ event: "refused", status: 403, reason: `${verdict.reason} not allowed` });
        return refusalResponse(refuse("forbidden_origin", `this ${verdict.reason} is not allowed`));
      }
      const path = new URL(request.url).pathname;
      const document = request.method === "GET" || request.method === "HEAD" ? documents.get(path) : undefined;
      if (document !== undefined) return publicJson(document());
      if (path !== endpointPath) return refusalResponse(refuse("not_found"));
      const preflight = request.method === "OPTIONS" && verdict.origin !== undefined;
      return withCors(preflight ? preflightResponse(options.methods) : await serve(request), verdict.origin);
    },
  };
}

/** The public documents by path: protected resource metadata (RFC 9728 section 3) and the payee's verification keys. */
function createDocuments(options: FrontOptions, { resource, issuer, trusted }: Identity): ReadonlyMap<string, () => unknown> {
  const metadata = (): unknown => ({
    resource,
    authorization_servers: [issuer],
    scopes_supported: formatScope(options.demandedScopes())
      .split(" ")
      .filter((scope) => scope !== ""),
    bearer_methods_supported: ["header"],
    ...(trusted?.dpop === undefined
      ? {}
      : { dpop_signing_alg_values_supported: proofAlgorithms, dpop_bound_access_tokens_required: trusted.dpop.tokens === "required" }),
    resource_name: options.label,
  });
  const documents = new Map<string, () => unknown>();
  if (issuer !== undefined) for (const url of protectedResourceMetadataUrls(resource)) documents.set(new URL(url).pathname, metadata);
  const payee = options.payee;
  if (payee !== undefined) documents.set("/.well-known/jwks.json", () => payee.publicKeys());
  return documents;
}
