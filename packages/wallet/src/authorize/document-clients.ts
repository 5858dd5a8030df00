import { type Configuration, errors, type KoaContextWithOIDC } from "oidc-provider";
import { askerOfRequest } from "../rates/rates.ts";
import { takesDocumentOf } from "./client-origin.ts";
import type { ProviderParts } from "./provider.ts";
import type { PublishedBefore } from "./published-before.ts";

type Feature = NonNullable<Configuration["features"]>["clientIdMetadataDocument"];

/** Clients whose id is the address of their metadata document (draft-ietf-oauth-client-id-metadata-document), as far as the operator takes them. */
export function documentClients(parts: ProviderParts, before: PublishedBefore): Feature {
  return {
    enabled: parts.openClients.documents !== "none",
    ack: "draft-02",
    allowFetch: (ctx, clientId) => mayFetchDocument(parts, ctx, clientId),
    allowClient: (ctx, client) => before.mayGoOn(ctx, client.clientId),
    // A document that was changed counts within the hour, also against its own wish to be kept longer.
    cacheDuration: { min: 60, max: 3_600 },
  };
}

/** Fetching for strangers costs, so their addresses are counted. Too many is no word on the client: it may try again (RFC 6749 section 4.1.2.1). */
async function mayFetchDocument({ openClients, rates, now }: ProviderParts, ctx: KoaContextWithOIDC | undefined, clientId: string): Promise<boolean> {
  if (!takesDocumentOf(clientId, openClients.documents)) return false;
  // A page of an interaction that such a client began, whose document is kept no longer: its own browser asks, not a stranger.
  if (ctx === undefined) return true;
  const taken = await rates.take("clientDocument", askerOfRequest({ headers: { get: (name) => ctx.get(name) } }), now());
  if (!taken.ok) throw new errors.TemporarilyUnavailable("too many client documents for one address");
  return true;
}
