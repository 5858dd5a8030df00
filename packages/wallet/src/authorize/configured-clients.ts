import { StartupProblem } from "@countersign/service/startup-problem";
import type { ClientAuthMethod, ClientMetadata } from "oidc-provider";
import type { WalletClient } from "../options.ts";

/** A configured client as oidc-provider takes it. Throws `StartupProblem` for one that would act in its own name without proving it (RFC 6749 section 4.4). */
export function clientMetadata(client: WalletClient): ClientMetadata {
  const { grant_types, redirect_uris, jwks, client_secret, webhook_uri: _, ...rest } = client;
  if (client.token_endpoint_auth_method === "none" && grant_types.includes("client_credentials"))
    throw new StartupProblem(`The client ${client.client_id} cannot have client_credentials without proving itself by a key or a secret.`);
  const usesRedirect = grant_types.includes("authorization_code");
  return {
    ...rest,
    grant_types: [...grant_types],
    redirect_uris: [...(redirect_uris ?? [])],
    response_types: usesRedirect ? ["code"] : [],
    response_modes: ["query"],
    ...(jwks === undefined ? {} : { jwks }),
    ...(client_secret === undefined ? {} : { client_secret: client_secret.reveal() }),
  };
}

/** Secrets are offered only where the operator registered a client that has one: whoever presents itself never gets one. */
export function authMethodsOf(clients: readonly WalletClient[]): readonly ClientAuthMethod[] {
  const withSecret = clients.map((each) => each.token_endpoint_auth_method).filter((each) => each.startsWith("client_secret_"));
  return [...new Set<ClientAuthMethod>(["none", "private_key_jwt", ...withSecret])];
}
