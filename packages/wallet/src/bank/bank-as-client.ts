import type { WalletClient } from "../options.ts";

/**
 * The bank as a client of the wallet, known by its origin as in the audience of every mandate: it redeems mandates before it moves money. Its keys are where
 * every server of this kind publishes them.
 */
export function bankAsClient(bankUrl: string): WalletClient {
  const { origin } = new URL(bankUrl);
  return {
    client_id: origin,
    client_name: "Bank",
    token_endpoint_auth_method: "private_key_jwt",
    grant_types: ["client_credentials"],
    jwks_uri: `${origin}/.well-known/jwks.json`,
  };
}
