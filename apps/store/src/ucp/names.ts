/** The release of the Universal Commerce Protocol that is spoken here: one, exactly. */
export const ucpVersion = "2026-08-25";

export const shoppingService = "dev.ucp.shopping";
export const checkoutCapability = "dev.ucp.shopping.checkout";
export const fulfillmentCapability = "dev.ucp.shopping.fulfillment";

export const profilePath = "/.well-known/ucp";
export const mcpPath = "/ucp/mcp";
export const restPath = "/ucp/rest";
