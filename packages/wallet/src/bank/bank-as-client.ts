import { isLoopbackUrl } from "@countersign/protocol/resource";
import type { WalletClient } from "../options.ts";

/**
 * The bank as a client of the wallet, known by its origin as in the audience of every mandate: it redeems mandates before it moves money, and lets the wallet's
 * users sign in to read their statements. Its keys are where every server of this kind publishes them.
 */
export function bankAsClient(bankUrl: string): WalletClient {
  const url = new URL(bankUrl);
  const { origin } = url;
  return {
    client_id: origin,
    client_name: "Bank",
    client_uri: origin,
    application_type: isLoopbackUrl(url) ? "native" : "web",
    token_endpoint_auth_method: "private_key_jwt",
    grant_types: ["client_credentials", "authorization_code"],
    redirect_uris: [`${origin}/signed-in`],
    jwks_uri: `${origin}/.well-known/jwks.json`,
  };
}
