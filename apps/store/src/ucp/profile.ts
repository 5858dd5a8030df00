import { walletHandler } from "../payment/wallet-handler.ts";
import type { Shop } from "../shop.ts";
import { checkoutCapability, fulfillmentCapability, mcpPath, restPath, shoppingService, ucpVersion } from "./names.ts";

const spec = `https://ucp.dev/${ucpVersion}`;

/** The `ucp` member of every answer that is a checkout. */
export const checkoutEnvelope: Readonly<Record<string, unknown>> = {
  version: ucpVersion,
  status: "success",
  capabilities: {
    [checkoutCapability]: [{ version: ucpVersion }],
    [fulfillmentCapability]: [{ version: ucpVersion, extends: checkoutCapability }],
  },
  payment_handlers: paymentHandlers(),
};

/** The `ucp` member of an answer that is no checkout, but says why. */
export const errorEnvelope: Readonly<Record<string, unknown>> = { version: ucpVersion, status: "error" };

/** The business profile (UCP, Discovery): what is offered, where, how it is paid, and the keys that the shop signs with. Only what works is in it. */
export function businessProfile({ url, payee }: Pick<Shop, "url" | "payee">): Readonly<Record<string, unknown>> {
  const service = { version: ucpVersion, spec: `${spec}/specification/overview` };
  return {
    ucp: {
      version: ucpVersion,
      services: {
        [shoppingService]: [
          { ...service, transport: "mcp", schema: `${spec}/services/shopping/mcp.openrpc.json`, endpoint: url + mcpPath },
          { ...service, transport: "rest", schema: `${spec}/services/shopping/rest.openapi.json`, endpoint: url + restPath },
        ],
      },
      capabilities: {
        [checkoutCapability]: [
          { version: ucpVersion, spec: `${spec}/specification/shopping/checkout`, schema: `${spec}/schemas/shopping/checkout.json` },
        ],
        [fulfillmentCapability]: [
          {
            version: ucpVersion,
            spec: `${spec}/specification/shopping/extensions/fulfillment`,
            schema: `${spec}/schemas/shopping/fulfillment.json`,
            extends: checkoutCapability,
          },
        ],
      },
      payment_handlers: paymentHandlers(),
    },
    keys: payee.publicKeys().keys,
  };
}

function paymentHandlers(): Readonly<Record<string, unknown>> {
  const { name, id, version, instrument } = walletHandler;
  return { [name]: [{ id, version, available_instruments: [{ type: instrument }], config: {} }] };
}
