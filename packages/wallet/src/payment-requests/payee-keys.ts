import { createLocalJWKSet, createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from "jose";
import { readBounded } from "../bounded-body.ts";
import type { WalletClient } from "../options.ts";

/** The key set of a registered payee, by client id. Throws for a client that has none. */
export type PayeeKeys = (clientId: string) => JWTVerifyGetKey;

/**
 * Key sets come from the clients' registrations only; remote ones are cached for ten minutes and fetched again when a key is not there. No redirect is
 * followed, and one longer than 64 KB counts as not there.
 */
export function createPayeeKeys(clients: readonly WalletClient[]): PayeeKeys {
  const sets = new Map<string, JWTVerifyGetKey>();
  for (const client of clients) {
    if (client.jwks !== undefined) sets.set(client.client_id, createLocalJWKSet(client.jwks));
    else if (client.jwks_uri !== undefined) sets.set(client.client_id, remoteKeySet(client.jwks_uri));
  }
  return (clientId) => {
    const set = sets.get(clientId);
    if (set === undefined) throw new TypeError("this client has no registered keys");
    return set;
  };
}

function remoteKeySet(uri: string): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(uri), {
    timeoutDuration: 4_000,
    cooldownDuration: 5_000,
    [customFetch]: async (url, options) => {
      const response = await fetch(url, options);
      return new Response(await readBounded(response), { status: response.status });
    },
  });
}
