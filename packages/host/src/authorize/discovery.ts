import { refuse, type ErrorCode, type Refusal } from "@countersign/protocol/errors";
import {
  authorizationServerMetadataUrls,
  judgeAuthorizationServer,
  judgeProtectedResource,
  protectedResourceMetadataUrls,
  type AuthorizationServer,
  type ProtectedResource,
} from "@countersign/protocol/metadata";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Reach } from "../dial/address.ts";
import { dial, DialError } from "../dial/dial.ts";
import type { Recorder } from "../trace.ts";
import type { ClientOwner, Clients } from "./clients.ts";

/** Who can authorize for a resource. */
export interface Discovery {
  readonly resource: ProtectedResource;
  readonly server: AuthorizationServer;
}

export interface DiscoveryRequest {
  readonly owner: ClientOwner;
  /** `resource_metadata` of the challenge, when it had one. */
  readonly resourceMetadata: string | undefined;
  readonly record: Recorder;
}

const documentBytesMax = 256 * 1024;

/** Finds out where a resource's users sign in: RFC 9728, then RFC 8414 or OpenID Connect discovery, then the registered client. */
export class Discoverer {
  readonly #clients: Clients;
  readonly #timeoutMs: number;
  readonly #running = new Map<string, Promise<Result<Discovery, Refusal>>>();

  constructor(clients: Clients, timeoutMs: number) {
    this.#clients = clients;
    this.#timeoutMs = timeoutMs;
  }

  /** Runs discovery; callers that ask for the same at the same time share one run. */
  discover(request: DiscoveryRequest): Promise<Result<Discovery, Refusal>> {
    const { resource, settings } = request.owner;
    const key = JSON.stringify([resource, request.resourceMetadata, settings?.authorizationServer, settings?.clientId]);
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const started = this.#discover(request).finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }

  async #discover(request: DiscoveryRequest): Promise<Result<Discovery, Refusal>> {
    const { record, owner } = request;
    const { reach } = owner;
    const urls = request.resourceMetadata === undefined ? protectedResourceMetadataUrls(owner.resource) : [request.resourceMetadata];
    const found = await this.#firstDocument(urls, reach, "server_unreachable", record);
    if (!found.ok) return found;
    const resource = judgeProtectedResource(found.value, owner.resource);
    if (!resource.ok) return note(record, resource.error);
    const { authorizationServers } = resource.value;
    record("discovery", "Protected resource metadata", { resource: resource.value.resource, authorizationServers });
    const issuer = authorizationServers.find((candidate) => this.#clients.knows(candidate, owner)) ?? authorizationServers[0];
    const document = await this.#firstDocument(authorizationServerMetadataUrls(issuer), reach, "authorization_server_unreachable", record);
    if (!document.ok) return document;
    const server = judgeAuthorizationServer(document.value, issuer);
    if (!server.ok) return note(record, server.error);
    const { authorizationEndpoint, tokenEndpoint } = server.value;
    record("discovery", "Authorization server metadata", { issuer, authorizationEndpoint, tokenEndpoint });
    return ok({ resource: resource.value, server: server.value });
  }

  async #firstDocument(urls: readonly string[], reach: Reach, unreachable: ErrorCode, record: Recorder): Promise<Result<unknown, Refusal>> {
    for (const url of urls) {
      const found = await this.#fetchDocument(url, reach, unreachable);
      if (!found.ok) return note(record, found.error, url);
      record("discovery", found.value === undefined ? "No document here" : "Document found", { url });
      if (found.value !== undefined) return found;
    }
    return note(record, refuse("metadata_not_found", `nothing at ${urls.join(", ")}`));
  }

  /** `undefined` when the address has no such document. */
  async #fetchDocument(url: string, reach: Reach, unreachable: ErrorCode): Promise<Result<unknown, Refusal>> {
    try {
      const headers = new Headers({ accept: "application/json" });
      const response = await dial(
        new URL(url),
        { method: "GET", headers },
        { reach, timeoutMs: this.#timeoutMs, responseBytesMax: documentBytesMax },
      );
      const text = await response.text();
      if (response.status >= 500) return err(refuse(unreachable, `${url} answered ${response.status}`));
      if (response.status !== 200) return ok(undefined);
      return ok(JSON.parse(text));
    } catch (error) {
      return err(refusalOfDocument(error, url, unreachable));
    }
  }
}

function refusalOfDocument(error: unknown, url: string, unreachable: ErrorCode): Refusal {
  if (!(error instanceof DialError)) return refuse("invalid_metadata", `${url} is not JSON`);
  switch (error.problem) {
    case "unsafe_address":
      return refuse("unsafe_url", `${url}: ${error.message}`);
    case "redirected":
    case "too_large":
      return refuse("invalid_metadata", `${url}: ${error.message}`);
    case "unreachable":
    case "timeout":
    case "aborted":
      return refuse(unreachable, `${url}: ${error.message}`);
  }
}

function note(record: Recorder, refusal: Refusal, url?: string): Result<never, Refusal> {
  record("error", "Discovery refused", {
    code: refusal.code,
    ...(refusal.detail === undefined ? {} : { reason: refusal.detail }),
    ...(url === undefined ? {} : { url }),
  });
  return err(refusal);
}
