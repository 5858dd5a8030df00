import type { Configuration } from "oidc-provider";
import { deviceFlow } from "../device/endpoints.ts";
import { paymentDetailsFeature } from "./payment-details.ts";
import { documentClients } from "./document-clients.ts";
import type { ProviderParts } from "./provider.ts";
import type { PublishedBefore } from "./published-before.ts";

/** What of oidc-provider is switched on. */
export function featuresOf(parts: ProviderParts, before: PublishedBefore): NonNullable<Configuration["features"]> {
  const { resources, keys } = parts;
  return {
    devInteractions: { enabled: false },
    externalSigningSupport: { enabled: true, ack: "experimental-01" },
    rpInitiatedLogout: { enabled: false },
    userinfo: { enabled: false },
    clientCredentials: { enabled: true },
    clientIdMetadataDocument: documentClients(parts, before),
    pushedAuthorizationRequests: { enabled: true },
    // A proof has to carry the nonce of the day (RFC 9449 section 8), so none can be made ahead.
    dPoP: { enabled: true, nonceSecret: Buffer.from(keys.proofNonces.reveal(), "base64url"), requireNonce: () => true, allowReplay: false },
    deviceFlow: deviceFlow(parts.now),
    introspection: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    richAuthorizationRequests: paymentDetailsFeature(parts),
    resourceIndicators: {
      enabled: true,
      defaultResource: (ctx, client, oneOf) => resources.defaultResource(ctx, client, oneOf),
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, indicator, client) => resources.serverInfo(ctx, indicator, client),
    },
  };
}
