import type { WalletClient } from "../options.ts";
import { text } from "../pages/text.ts";

/** The client id under which an approval link asks. */
export const approvalLinkClientId = "approval-link";

/** How a payment page says that its payee asked by a link, and no app did. */
export const approvalLinkWords = "with a link";

/** The wallet as its own client: an approval link runs the same authorization request that a host would send, so there is one page and one ceremony. */
export function approvalLinkClient(publicUrl: string): WalletClient {
  return {
    client_id: approvalLinkClientId,
    client_name: text.productName,
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code"],
    redirect_uris: [approvalEndUrl(publicUrl)],
    application_type: "web",
  };
}

/** Where an approval link says how it ended. */
export function approvalEndUrl(publicUrl: string): string {
  return `${publicUrl}/approved`;
}
