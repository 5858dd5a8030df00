import { parseClientIdUrl } from "@countersign/protocol/presented-client";
import type { OpenClients, WalletClient } from "../options.ts";

/** How the wallet comes to know a client: the operator registered it, its id is the address of its metadata document, or it registered itself. */
export type ClientOrigin = "configured" | "document" | "self_registered";

/** Which of the clients a client id belongs to. */
export type ClientOrigins = (clientId: string) => ClientOrigin;

export function createClientOrigins(clients: readonly WalletClient[]): ClientOrigins {
  const configured = new Set(clients.map((each) => each.client_id));
  return (clientId) => {
    if (configured.has(clientId)) return "configured";
    return parseClientIdUrl(clientId) === undefined ? "self_registered" : "document";
  };
}

/** Says whether this wallet takes clients by a metadata document at this address. */
export function takesDocumentOf(clientId: string, documents: OpenClients["documents"]): boolean {
  const url = parseClientIdUrl(clientId);
  if (url === undefined || documents === "none") return false;
  return documents === "any" || documents.includes(url.host);
}
