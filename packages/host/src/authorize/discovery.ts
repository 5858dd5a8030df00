import type { EpochMs, Issuer } from "@countersign/protocol/brand";
import { refuse, type ErrorCode, type Refusal } from "@countersign/protocol/errors";
import {
  assumeAuthorizationServer,
  authorizationServerMetadataUrls,
  judgeAuthorizationServer,
  judgeProtectedResource,
  protectedResourceMetadataUrls,
  resourcesDescribedAt,
  type AuthorizationServer,
  type ProtectedResource,
} from "@countersign/protocol/metadata";
import { defaultProfile } from "@countersign/protocol/host-profile";
import { issuersUnder } from "@countersign/protocol/profile-sign-in";
import { parseIssuer } from "@countersign/protocol/resource";
import { err, ok, type Result } from "@countersign/protocol/result";
import { isJsonObject } from "@countersign/protocol/shape";
import { maskUrl } from "@countersign/protocol/trace-mask";
import { showRequest, showResponse } from "@countersign/protocol/trace-message";
import type { WireMessage } from "@countersign/protocol/trace-step";
import type { Recorder } from "../trace.ts";
import type { ClientOwner, Clients } from "./clients.ts";
import { fetchDocument } from "./metadata-document.ts";

/** Who can authorize for a resource. `assumed` when no document says so, and only the paths of MCP 2025-03-26 are left to try. */
export interface Discovery {
  readonly resource: ProtectedResource;
  readonly server: AuthorizationServer;
  readonly assumed: boolean;
}

export interface DiscoveryRequest {
  readonly owner: ClientOwner;
  /** `resource_metadata` of the challenge, when it had one. */
  readonly resourceMetadata: string | undefined;
  readonly record: Recorder;
}

export interface DiscovererOptions {
  readonly clients: Clients;
  readonly timeoutMs: number;
  readonly clock: () => EpochMs;
}

interface FoundDocument {
  readonly url: string;
  readonly document: unknown;
}

/** How long an authorization server's metadata is believed. What the resource itself says is asked for anew each time. */
const believedMs = 60_000;
const believedMax = 200;

/** Finds out where a resource's users sign in: RFC 9728, then RFC 8414 or OpenID Connect discovery, else as MCP 2025-03-26 had it. */
export class Discoverer {
  readonly #options: DiscovererOptions;
  readonly #running = new Map<string, Promise<Result<Discovery, Refusal>>>();
  readonly #believed = new Map<string, { readonly server: AuthorizationServer; readonly until: EpochMs }>();

  constructor(options: DiscovererOptions) {
    this.#options = options;
  }

  /** Runs discovery; callers that ask for the same at the same time share one run. */
  discover(request: DiscoveryRequest): Promise<Result<Discovery, Refusal>> {
    const { resource, settings, profile } = request.owner;
    const key = JSON.stringify([
      profile,
      resource,
      request.resourceMetadata,
      settings?.authorizationServer,
      settings?.clientId,
      settings?.allowUnadvertisedPkce,
    ]);
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const started = this.#discover(request).finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }

  /** A sign-in at this server came to nothing: what it said of itself may be out of date. */
  forget(issuer: Issuer): void {
    for (const [key, { server }] of this.#believed) if (server.issuer === issuer) this.#believed.delete(key);
  }

  async #discover(request: DiscoveryRequest): Promise<Result<Discovery, Refusal>> {
    const resource = await this.#resource(request);
    if (!resource.ok) return resource.error.code === "metadata_not_found" ? this.#withoutMetadata(request, resource.error) : resource;
    const { authorizationServers } = resource.value;
    request.record("discovery", "Protected resource metadata", { resource: resource.value.resource, authorizationServers });
    const server = await this.#choose(issuersUnder(request.owner.profile ?? defaultProfile, authorizationServers), request);
    return server.ok ? ok({ resource: resource.value, server: server.value, assumed: false }) : server;
  }

  /** The resource's own words (RFC 9728). An authorization server that the user fixed takes the place of those that it names. */
  async #resource({ owner, resourceMetadata, record }: DiscoveryRequest): Promise<Result<ProtectedResource, Refusal>> {
    const fixed = owner.settings?.authorizationServer;
    const wellKnown = protectedResourceMetadataUrls(owner.resource);
    const urls = resourceMetadata === undefined ? wellKnown : [resourceMetadata, ...wellKnown.filter((url) => url !== resourceMetadata)];
    const found = await this.#firstDocument(urls, owner, "server_unreachable", record);
    if (!found.ok) return found;
    if (found.value === undefined && fixed !== undefined) return ok(describedBy(fixed, owner));
    if (found.value === undefined) return err(refuse("metadata_not_found", `nothing at ${urls.map(maskUrl).join(", ")}`));
    const { url, document } = found.value;
    const read = fixed !== undefined && isJsonObject(document) ? { ...document, authorization_servers: [fixed] } : document;
    const judged = judgeProtectedResource(read, resourcesDescribedAt(url, owner.resource));
    return judged.ok ? judged : note(record, judged.error);
  }

  /** Of several authorization servers, the one where a client is known; else the first that is usable and lets this host be a client. */
  async #choose(issuers: readonly Issuer[], request: DiscoveryRequest): Promise<Result<AuthorizationServer, Refusal>> {
    const { clients } = this.#options;
    const known = await Promise.all(issuers.map(async (issuer) => ({ issuer, known: await clients.knows(issuer, request.owner) })));
    const ordered = known.toSorted((a, b) => Number(b.known) - Number(a.known));
    let first: Result<AuthorizationServer, Refusal> | undefined;
    for (const { issuer, known: isKnown } of ordered) {
      const server = await this.#server(issuer, request);
      if (server.ok && (isKnown || ordered.length === 1 || clients.couldRegister(server.value, request.owner))) return server;
      if (first === undefined || (!first.ok && server.ok)) first = server;
    }
    return first ?? note(request.record, refuse("invalid_metadata", "no authorization server is named"));
  }

  async #server(issuer: Issuer, { owner, record }: DiscoveryRequest): Promise<Result<AuthorizationServer, Refusal>> {
    const pkce = owner.settings?.allowUnadvertisedPkce === true ? "assumed" : "advertised";
    const key = JSON.stringify([issuer, owner.reach, pkce]);
    const believed = this.#believed.get(key);
    if (believed !== undefined && believed.until > this.#options.clock()) {
      record("discovery", "Authorization server metadata of a moment ago", { issuer });
      return ok(believed.server);
    }
    const urls = authorizationServerMetadataUrls(issuer);
    const document = await this.#firstDocument(urls, owner, "authorization_server_unreachable", record);
    if (!document.ok) return document;
    if (document.value === undefined) return note(record, refuse("metadata_not_found", `nothing at ${urls.map(maskUrl).join(", ")}`));
    const server = judgeAuthorizationServer(document.value.document, issuer, pkce);
    if (!server.ok) return note(record, server.error);
    const { authorizationEndpoint, tokenEndpoint } = server.value;
    record("discovery", "Authorization server metadata", { issuer, authorizationEndpoint, tokenEndpoint });
    this.#believe(key, server.value);
    return server;
  }

  /** MCP 2025-03-26, section 2.3: the server is its own authorization server, with metadata at its root or else fixed paths. */
  async #withoutMetadata({ owner, record, resourceMetadata }: DiscoveryRequest, refusal: Refusal): Promise<Result<Discovery, Refusal>> {
    const issuer = parseIssuer(new URL(owner.resource).origin);
    if (!issuer.ok || resourceMetadata !== undefined) return note(record, refusal);
    const url = authorizationServerMetadataUrls(issuer.value).slice(0, 1);
    const document = await this.#firstDocument(url, owner, "authorization_server_unreachable", record);
    if (!document.ok) return document;
    const resource = describedBy(issuer.value, owner);
    if (document.value === undefined) {
      record("discovery", "No metadata: the paths of MCP 2025-03-26 are tried", { issuer: issuer.value });
      return ok({ resource, server: assumeAuthorizationServer(issuer.value), assumed: true });
    }
    const server = judgeAuthorizationServer(document.value.document, issuer.value);
    return server.ok ? ok({ resource, server: server.value, assumed: false }) : note(record, server.error);
  }

  /** The first document that is there; undefined when there is none at all. */
  async #firstDocument(
    urls: readonly string[],
    owner: ClientOwner,
    unreachable: ErrorCode,
    record: Recorder,
  ): Promise<Result<FoundDocument | undefined, Refusal>> {
    for (const url of urls) {
      const answers: WireMessage[] = [showRequest("GET", url, { headers: [["accept", "application/json"]], kind: "none" })];
      const onAnswer = (status: number, headers: Headers): void => void answers.push(showResponse(status, { headers, kind: "none" }));
      const found = await fetchDocument(url, { reach: owner.reach, timeoutMs: this.#options.timeoutMs, unreachable, onAnswer });
      if (!found.ok) return note(record, found.error, url, answers);
      const messages = answers.map((message) => (message.way === "received" ? withDocument(message, unreachable, found.value) : message));
      record("discovery", found.value === undefined ? "No document here" : "Document found", { url }, messages);
      if (found.value !== undefined) return ok({ url, document: found.value });
    }
    return ok(undefined);
  }

  #believe(key: string, server: AuthorizationServer): void {
    this.#believed.delete(key);
    this.#believed.set(key, { server, until: this.#options.clock() + believedMs });
    const [oldest] = this.#believed.keys();
    if (this.#believed.size > believedMax && oldest !== undefined) this.#believed.delete(oldest);
  }
}

/** A resource that says nothing of itself. */
function describedBy(issuer: Issuer, owner: ClientOwner): ProtectedResource {
  return { resource: owner.resource, indicator: owner.resource, authorizationServers: [issuer], dpopBoundAccessTokensRequired: false };
}

/** The answer with what may be shown of the document: a resource's own when the resource would be to blame for none, else an authorization server's. */
function withDocument(message: WireMessage, unreachable: ErrorCode, document: unknown): WireMessage {
  if (document === undefined) return message;
  const kind = unreachable === "server_unreachable" ? "resource_metadata" : "server_metadata";
  return { ...message, body: showResponse(0, { headers: [], kind, body: document }).body };
}

function note(record: Recorder, refusal: Refusal, url?: string, messages: readonly WireMessage[] = []): Result<never, Refusal> {
  const detail = {
    code: refusal.code,
    ...(refusal.detail === undefined ? {} : { reason: refusal.detail }),
    ...(url === undefined ? {} : { url }),
  };
  record("error", "Discovery refused", detail, messages);
  return err(refusal);
}
