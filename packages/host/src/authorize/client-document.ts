import type { Issuer, ResourceUri } from "@countersign/protocol/brand";
import { chooseClientAuthMethod } from "@countersign/protocol/client-authentication";
import type { ClientMetadata } from "@countersign/protocol/client-registration";
import type { AuthorizationServer } from "@countersign/protocol/metadata";
import { isLoopbackUrl } from "@countersign/protocol/resource";
import { callbackId } from "./callback-id.ts";

/** How the client of a document proves itself; a shared secret cannot be, since the document is public. */
type DocumentMethod = "none" | "private_key_jwt";

/** What a client may ask for. A server that does not offer the device grant may refuse a client that names it, so those are two clients (RFC 7591 section 2). */
type DocumentGrants = "code" | "code_and_device";

const fileGrammar = /^([A-Za-z0-9_-]{22})(\.key)?(\.device)?\.json$/;
const grantTypes: Readonly<Record<DocumentGrants, readonly string[]>> = {
  code: ["authorization_code", "refresh_token"],
  code_and_device: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
};
const documentMethods: readonly DocumentMethod[] = ["none", "private_key_jwt"];
const documentGrants: readonly DocumentGrants[] = ["code", "code_and_device"];

/**
 * What this host says about itself: in client id metadata documents (draft-ietf-oauth-client-id-metadata-document), whose address is the client's id, and in
 * registrations. Each callback has a client of its own, because it has one redirect URI and belongs to one authorization server.
 */
export class ClientDocuments {
  readonly #publicUrl: string;
  readonly #fixedUrl: string | undefined;

  /** `fixedUrl` is the address of a document that the operator publishes elsewhere, for all callbacks. */
  constructor(publicUrl: string, fixedUrl: string | undefined) {
    this.#publicUrl = publicUrl;
    this.#fixedUrl = fixedUrl;
  }

  /** The client id to use at a server that takes such documents, and its method. Undefined when nobody could fetch the document: it must be https. */
  choose(server: AuthorizationServer, resource: ResourceUri): { readonly clientId: string; readonly method: DocumentMethod } | undefined {
    if (!server.clientIdMetadataDocumentSupported) return undefined;
    if (this.#fixedUrl !== undefined) return { clientId: this.#fixedUrl, method: "none" };
    if (!this.published) return undefined;
    const method = chooseClientAuthMethod(server, ["key", "nothing"]) === "private_key_jwt" ? "private_key_jwt" : "none";
    return { clientId: this.#url(callbackId(resource, server.issuer), method, grantsAt(server)), method };
  }

  /** How the client with this id proves itself, when it is one of ours for (resource, issuer). */
  methodOf(clientId: string, resource: ResourceUri, issuer: Issuer): DocumentMethod | undefined {
    if (clientId === this.#fixedUrl) return "none";
    const id = callbackId(resource, issuer);
    if (!this.published) return undefined;
    return documentMethods.find((method) => documentGrants.some((grants) => clientId === this.#url(id, method, grants)));
  }

  /** Whether this host's documents and keys can be fetched: from a public https address. */
  get published(): boolean {
    const url = new URL(this.#publicUrl);
    return url.protocol === "https:" && !isLoopbackUrl(url);
  }

  /** `GET /oauth/clients/<file>`. It needs no row: the redirect URI leads back here, and a callback that no sign-in waits for is refused. */
  document(file: string): (ClientMetadata & { readonly client_id: string }) | undefined {
    const [, id, key, device] = fileGrammar.exec(file) ?? [];
    if (id === undefined || !this.published) return undefined;
    const method = key === undefined ? "none" : "private_key_jwt";
    const grants = device === undefined ? "code" : "code_and_device";
    return { client_id: this.#url(id, method, grants), ...this.metadata(id, method, grants) };
  }

  /** Where one callback's answers come back to. */
  redirectUri(id: string): string {
    return `${this.#publicUrl}/callback/${id}`;
  }

  /** The metadata of the client for one callback. */
  metadata(id: string, method: ClientMetadata["token_endpoint_auth_method"], grants: DocumentGrants): ClientMetadata {
    const local = isLoopbackUrl(new URL(this.#publicUrl));
    return {
      client_name: "Countersign",
      ...(local ? {} : { client_uri: this.#publicUrl }),
      redirect_uris: [this.redirectUri(id)],
      grant_types: grantTypes[grants],
      response_types: ["code"],
      token_endpoint_auth_method: method,
      application_type: local ? "native" : "web",
      ...(method === "private_key_jwt" ? { jwks_uri: `${this.#publicUrl}/.well-known/jwks.json` } : {}),
    };
  }

  #url(id: string, method: DocumentMethod, grants: DocumentGrants): string {
    return `${this.#publicUrl}/oauth/clients/${id}${method === "none" ? "" : ".key"}${grants === "code" ? "" : ".device"}.json`;
  }
}

/** The grants to be registered for at this server. */
export function grantsAt(server: AuthorizationServer): DocumentGrants {
  return server.deviceAuthorizationEndpoint === undefined ? "code" : "code_and_device";
}
