import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { parseScope } from "@countersign/protocol/scope";
import { respondRefusal } from "@countersign/service/respond";
import type { Database } from "@countersign/storage/database";
import type { Client } from "oidc-provider";
import type Provider from "oidc-provider";
import { judgeHeldKey, readSentToken } from "./held-key.ts";

/** One of the wallet's own interfaces between servers: the resource and the scope that a token for it carries. */
export interface ServerInterface {
  readonly resource: string;
  readonly scope: string;
}

export interface ClientTokenParts {
  readonly provider: Provider;
  readonly database: Pick<Database<unknown>, "records">;
  readonly now: () => EpochMs;
}

/**
 * The client behind a token of the client_credentials grant; one that is bound to a key needs a proof of it. Refuses with `invalid_token` or
 * `insufficient_scope` (RFC 6750 section 3.1, RFC 9449 section 7).
 */
export async function authenticateClient(parts: ClientTokenParts, request: Request, wanted: ServerInterface): Promise<Result<Client, Refusal>> {
  const { provider } = parts;
  const sent = readSentToken(request);
  if (sent === undefined) return err(refuse("invalid_token"));
  const token = await provider.ClientCredentials.find(sent.value);
  if (token === undefined || !token.isValid || token.aud !== wanted.resource || token.clientId === undefined) return err(refuse("invalid_token"));
  const held = await judgeHeldKey({ origin: provider.issuer, ...parts }, request, { ...sent, jkt: token.jkt });
  if (!held.ok) return held;
  const scope = parseScope(token.scope ?? "");
  if (!scope.ok || !scope.value.has(wanted.scope)) return err(refuse("insufficient_scope"));
  const client = await provider.Client.find(token.clientId);
  return client === undefined ? err(refuse("invalid_token")) : ok(client);
}

/** The answer to a request that {@link authenticateClient} refused, with its challenge. */
export function refuseClient(refusal: Refusal, wanted: ServerInterface): Response {
  const words = refusal.code === "insufficient_scope" ? `error="insufficient_scope", scope="${wanted.scope}"` : 'error="invalid_token"';
  const challenge = `Bearer ${words}, DPoP ${words}, algs="ES256"`;
  return respondRefusal(refusal, { "www-authenticate": challenge });
}
