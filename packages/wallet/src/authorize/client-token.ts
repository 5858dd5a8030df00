import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { parseScope } from "@countersign/protocol/scope";
import { respondRefusal } from "@countersign/service/respond";
import type { Client } from "oidc-provider";
import type Provider from "oidc-provider";

/** One of the wallet's own interfaces between servers: the resource and the scope that a token for it carries. */
export interface ServerInterface {
  readonly resource: string;
  readonly scope: string;
}

/** The client behind a token of the client_credentials grant. Refuses with `invalid_token` or `insufficient_scope` (RFC 6750 section 3.1). */
export async function authenticateClient(provider: Provider, request: Request, wanted: ServerInterface): Promise<Result<Client, Refusal>> {
  const bearer = /^Bearer ([A-Za-z0-9._~+/=-]{1,512})$/i.exec(request.headers.get("authorization") ?? "");
  const token = bearer?.[1] === undefined ? undefined : await provider.ClientCredentials.find(bearer[1]);
  if (token === undefined || !token.isValid || token.aud !== wanted.resource || token.clientId === undefined) return err(refuse("invalid_token"));
  const scope = parseScope(token.scope ?? "");
  if (!scope.ok || !scope.value.has(wanted.scope)) return err(refuse("insufficient_scope"));
  const client = await provider.Client.find(token.clientId);
  return client === undefined ? err(refuse("invalid_token")) : ok(client);
}

/** The answer to a request that {@link authenticateClient} refused, with its challenge. */
export function refuseClient(refusal: Refusal, wanted: ServerInterface): Response {
  const challenge =
    refusal.code === "insufficient_scope" ? `Bearer error="insufficient_scope", scope="${wanted.scope}"` : `Bearer error="invalid_token"`;
  return respondRefusal(refusal, { "www-authenticate": challenge });
}
