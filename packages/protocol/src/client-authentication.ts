import type { AuthorizationServer } from "./metadata.ts";

/** How a client proves who it is at an authorization server (RFC 6749 section 2.3, RFC 7523 section 2.2; the names are those of the IANA registry). */
export type ClientAuthMethod = "none" | "client_secret_basic" | "client_secret_post" | "private_key_jwt";

export const clientAuthMethods: readonly [ClientAuthMethod, ...ClientAuthMethod[]] = [
  "none",
  "client_secret_basic",
  "client_secret_post",
  "private_key_jwt",
];

/** What a client could prove itself with. */
export type ClientCredential = "nothing" | "secret" | "key";

/** The signature algorithm of this host's assertions, RFC 7518 section 3.1. */
export const assertionAlgorithm = "ES256";

type Offer = Pick<AuthorizationServer, "tokenEndpointAuthMethodsSupported" | "tokenEndpointAuthSigningAlgValuesSupported">;

/**
 * Chooses the method for a client whose registration names none, from what the server offers (RFC 8414 section 2). A key before a public client, because a
 * code that leaked is then worth nothing to its finder; a secret goes by header before body. Undefined when the server takes nothing that
 * there is: a secret is never sent by a method that was not offered.
 */
export function chooseClientAuthMethod(server: Offer, credentials: readonly ClientCredential[]): ClientAuthMethod | undefined {
  const offered = server.tokenEndpointAuthMethodsSupported;
  const candidates: readonly (readonly [ClientCredential, ClientAuthMethod])[] = [
    ["key", "private_key_jwt"],
    ["secret", "client_secret_basic"],
    ["secret", "client_secret_post"],
    ["nothing", "none"],
  ];
  return candidates.find(([credential, method]) => {
    if (!credentials.includes(credential) || !offered.includes(method)) return false;
    return method !== "private_key_jwt" || takesOurSignature(server);
  })?.[1];
}

/** RFC 8414 section 2 demands the list beside `private_key_jwt`; a server without it leaves the algorithm open. */
function takesOurSignature(server: Offer): boolean {
  return server.tokenEndpointAuthSigningAlgValuesSupported?.includes(assertionAlgorithm) ?? true;
}
