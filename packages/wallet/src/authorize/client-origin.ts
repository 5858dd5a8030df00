import { passesForAnother } from "@countersign/protocol/claimed-name";
import { parseClientIdUrl } from "@countersign/protocol/presented-client";
import type { OpenClients, WalletClient, WalletResource } from "../options.ts";

/** How the wallet comes to know a client: the operator registered it, its id is the address of its metadata document, or it registered itself. */
export type ClientOrigin = "configured" | "document" | "self_registered";

/**
 * Who a client is to a person. `name` is the operator's word for a configured client; for the others it is their own claim, and undefined when they have none or it passes
 * for somebody else. `host` is proven: the document was fetched from there.
 */
export interface ClientIdentity {
  readonly origin: ClientOrigin;
  readonly name: string | undefined;
  readonly host: string | undefined;
}

export type ClientIdentities = (client: { readonly clientId: string; readonly clientName?: string | undefined }) => ClientIdentity;

/** The wallet's own names: nobody else is shown under them. */
const ownNames: readonly string[] = ["Countersign", "Wallet"];

export function createClientIdentities(clients: readonly WalletClient[], resources: readonly WalletResource[]): ClientIdentities {
  const configured = new Set(clients.map((each) => each.client_id));
  const reserved = [...ownNames, ...clients.map((each) => each.client_name), ...resources.map((each) => each.name)];
  return ({ clientId, clientName }) => {
    if (configured.has(clientId)) return { origin: "configured", name: clientName, host: undefined };
    const host = parseClientIdUrl(clientId)?.host;
    const name = clientName === undefined || passesForAnother(clientName, reserved) ? undefined : clientName;
    return { origin: host === undefined ? "self_registered" : "document", name, host };
  };
}

/** Says whether this wallet takes clients by a metadata document at this address. */
export function takesDocumentOf(clientId: string, documents: OpenClients["documents"]): boolean {
  const url = parseClientIdUrl(clientId);
  if (url === undefined || documents === "none") return false;
  return documents === "any" || documents.includes(url.host);
}
