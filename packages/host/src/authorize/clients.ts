import { defaultProfile } from "@countersign/protocol/host-profile";
import type { HostProfile } from "@countersign/protocol/ladder";
import { registersBy } from "@countersign/protocol/profile-sign-in";
import type { Issuer } from "@countersign/protocol/brand";
import { chooseClientAuthMethod, type ClientAuthMethod, type ClientCredential } from "@countersign/protocol/client-authentication";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import type { AuthorizationServer } from "@countersign/protocol/metadata";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Secret } from "@countersign/protocol/secret";
import type { Connector } from "../connectors.ts";
import type { ConnectorSettings } from "../connectors/settings.ts";
import type { RegisteredClient } from "../options.ts";
import type { AssertionKey, AssertionKeys } from "./assertion-keys.ts";
import { callbackId } from "./callback-id.ts";
import type { ClientDocuments } from "./client-document.ts";
import type { Registrations } from "./registration.ts";

/** How a client proves itself at the token endpoint, with what it needs for that. */
export type ClientAuthentication =
  | { readonly method: "none" }
  | { readonly method: "client_secret_basic" | "client_secret_post"; readonly secret: Secret }
  | { readonly method: "private_key_jwt"; readonly key: AssertionKey };

/** Where a client came from: the connector's settings, the operator's configuration, this host's own document, or a registration by protocol. */
export type ClientSource = "connector" | "configured" | "metadata_document" | "registered";

/** Who said that a client is not known: the server itself, or a browser that came back from it. */
export type RefusalSource = "server" | "browser";

/** As whom this host asks an authorization server. */
export interface OAuthClient {
  readonly clientId: string;
  readonly authentication: ClientAuthentication;
  readonly source: ClientSource;
}

/** The part of a connector that decides about its client, and the host that is acted out in a new sign-in; unset, this one. */
export interface ClientOwner extends Pick<Connector, "resource" | "reach" | "settings"> {
  readonly profile?: HostProfile;
}

export interface ClientsOptions {
  /** Registered beforehand, by issuer. */
  readonly configured: Readonly<Record<string, RegisteredClient>>;
  readonly keys: AssertionKeys;
  readonly documents: ClientDocuments;
  readonly registrations: Registrations;
}

interface KnownClient {
  readonly clientId: string;
  readonly secret: Secret | undefined;
  /** How it was registered, where that is known. */
  readonly method: ClientAuthMethod | undefined;
  readonly source: ClientSource;
}

/**
 * The clients that this host is, at each authorization server. A client belongs to one issuer: credentials of one are never sent to another. Flows and tokens
 * note the id of the client that they were made with, and {@link Clients.find} gives exactly that one again, or none.
 */
export class Clients {
  readonly #options: ClientsOptions;

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  /** Whether there is a client with this issuer already: what decides between several authorization servers. */
  async knows(issuer: Issuer, owner: ClientOwner): Promise<boolean> {
    return this.#fixed(issuer, owner) !== undefined || (await this.#options.registrations.find(issuer, owner.resource)) !== undefined;
  }

  /** Whether a client could become known to this server without anybody's help. */
  couldRegister(server: AuthorizationServer, owner: ClientOwner): boolean {
    return registrationAt(server, owner) !== undefined || this.#documentAt(server, owner) !== undefined;
  }

  /**
   * The client for a new sign-in, in the order of MCP authorization: the connector's own, the operator's, this host's metadata document, a registration made
   * now. Refuses with `registration_unavailable`, saying what the user or the operator can do, or as registering does.
   */
  async resolve(server: AuthorizationServer, owner: ClientOwner): Promise<Result<OAuthClient, Refusal>> {
    const fixed = this.#fixed(server.issuer, owner);
    if (fixed !== undefined) return this.#authenticated(server, fixed);
    const { registrations } = this.#options;
    const published = this.#documentAt(server, owner);
    if (published !== undefined) return this.#authenticated(server, { ...published, secret: undefined, source: "metadata_document" });
    if (registrationAt(server, owner) === undefined) return err(refuse("registration_unavailable", this.#adviceFor(server.issuer, owner)));
    const registered = await registrations.register(server, owner.resource, owner.reach);
    return registered.ok ? this.#authenticated(server, { ...registered.value, source: "registered" }) : registered;
  }

  /** The client of this id, if this host still is it; undefined when it was replaced since, so that nothing is sent in another's name. */
  async find(server: AuthorizationServer, owner: ClientOwner, clientId: string): Promise<OAuthClient | undefined> {
    const { documents, registrations } = this.#options;
    const { issuer } = server;
    const fixed = this.#fixed(issuer, owner);
    if (fixed?.clientId === clientId) return valueOf(await this.#authenticated(server, fixed));
    const method = documents.methodOf(clientId, owner.resource, issuer);
    if (method !== undefined) return valueOf(await this.#authenticated(server, { clientId, method, secret: undefined, source: "metadata_document" }));
    const registered = await registrations.findClient(issuer, owner.resource, clientId);
    if (registered === undefined) return undefined;
    return valueOf(await this.#authenticated(server, { ...registered, source: "registered" }));
  }

  /**
   * The server said that it does not know this client. What it registered itself is forgotten, or only used for no new sign-in when nobody but a browser says
   * so; what somebody entered stays, for them to correct.
   */
  async refused(server: AuthorizationServer, owner: ClientOwner, clientId: string, saidBy: RefusalSource): Promise<void> {
    const { registrations } = this.#options;
    if (saidBy === "server") await registrations.forget(server.issuer, owner.resource, clientId);
    else await registrations.supersede(server.issuer, owner.resource, clientId);
  }

  #adviceFor(issuer: Issuer, owner: ClientOwner): string {
    const redirectUri = this.#options.documents.redirectUri(callbackId(owner.resource, issuer));
    return `no client is known at ${issuer}: make one there with the redirect URI ${redirectUri} and enter it in the connector's settings, or in COUNTERSIGN_HOST_CLIENTS`;
  }

  #documentAt(server: AuthorizationServer, { profile = defaultProfile, resource }: ClientOwner): ReturnType<ClientDocuments["choose"]> {
    return registersBy(profile, "cimd", server) ? this.#options.documents.choose(server, resource) : undefined;
  }

  #fixed(issuer: Issuer, owner: ClientOwner): KnownClient | undefined {
    const { settings } = owner;
    if (settings?.clientId !== undefined && isMeantFor(settings, issuer)) {
      return { clientId: settings.clientId, secret: settings.clientSecret, method: settings.tokenEndpointAuthMethod, source: "connector" };
    }
    const configured = Object.hasOwn(this.#options.configured, issuer) ? this.#options.configured[issuer] : undefined;
    if (configured === undefined) return undefined;
    const { clientId, clientSecret, tokenEndpointAuthMethod } = configured;
    return { clientId, secret: clientSecret, method: tokenEndpointAuthMethod, source: "configured" };
  }

  async #authenticated(server: AuthorizationServer, known: KnownClient): Promise<Result<OAuthClient, Refusal>> {
    const { clientId, secret, source } = known;
    const credentials: readonly ClientCredential[] = [secret === undefined ? "nothing" : "secret"];
    const method = known.method ?? (secret === undefined ? "none" : chooseClientAuthMethod(server, credentials));
    switch (method) {
      case "none":
        return ok({ clientId, source, authentication: { method } });
      case "private_key_jwt":
        return ok({ clientId, source, authentication: { method, key: await this.#options.keys.current() } });
      case "client_secret_basic":
      case "client_secret_post":
        if (secret !== undefined) return ok({ clientId, source, authentication: { method, secret } });
        return err(refuse("registration_unavailable", `the client ${clientId} has no secret, which ${method} needs`));
      case undefined:
        return err(refuse("registration_unavailable", `${server.issuer} takes no client secret: set tokenEndpointAuthMethod for ${clientId}`));
    }
  }
}

/** Where a client is registered by protocol (RFC 7591), if it may be. */
function registrationAt(server: AuthorizationServer, { profile = defaultProfile }: ClientOwner): string | undefined {
  return registersBy(profile, "dcr", server) ? server.registrationEndpoint : undefined;
}

function valueOf<T>(result: Result<T, Refusal>): T | undefined {
  return result.ok ? result.value : undefined;
}

/** A secret is for the one service that was named with it, whatever the server says later; a mere client id is no credential. */
function isMeantFor(settings: ConnectorSettings, issuer: Issuer): boolean {
  return settings.authorizationServer === undefined ? settings.clientSecret === undefined : settings.authorizationServer === issuer;
}
