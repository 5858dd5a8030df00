import type { EpochMs } from "@countersign/protocol/brand";
import { judgeAuthorizationServer, type AuthorizationServer } from "@countersign/protocol/metadata";
import { parseIssuer, parseResourceUri } from "@countersign/protocol/resource";
import type { Connectors } from "../connectors.ts";
import type { TokenHolder, TokenOrigin } from "../vault.ts";
import type { ClientOwner, Clients, RefusalSource } from "./clients.ts";
import type { FlowRow } from "./flow-record.ts";
import type { TokenPeer } from "./token-endpoint.ts";

export interface PeersOptions {
  readonly clients: Clients;
  readonly connectors: Pick<Connectors, "findByResource">;
  readonly timeoutMs: number;
  readonly clock: () => EpochMs;
}

/** Puts together whom to ask for a user's token and as which client: the one that the flow or the token was made with. */
export class Peers {
  readonly #options: PeersOptions;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** Undefined when the connector or that client is no more. `owner` is the connector where it is at hand, as one that has just been removed. */
  async find(origin: TokenOrigin, owner?: ClientOwner): Promise<TokenPeer | undefined> {
    const { holder, server, clientId } = origin;
    const { clients, connectors, timeoutMs, clock } = this.#options;
    const connector = owner ?? (await connectors.findByResource(holder.userId, holder.resource));
    if (connector === undefined) return undefined;
    const client = await clients.find(server, connector, clientId);
    if (client === undefined) return undefined;
    const onClientRefused = (saidBy: RefusalSource): Promise<void> => clients.refused(server, connector, clientId, saidBy);
    return { origin, server, client, settings: connector.settings, reach: connector.reach, timeoutMs, clock, onClientRefused };
  }

  /** The peer of a running flow: as {@link Peers.find}, with the client that the flow was begun with. */
  ofFlow(row: FlowRow): Promise<TokenPeer | undefined> {
    const { server, holder } = readParties(row);
    return this.find({ holder, server, clientId: row.clientId, indicator: row.indicator });
  }
}

/** Reads a flow's row back into judged values: who grants, and to whom. Throws on a row that this code did not write. */
export function readParties(row: FlowRow): { readonly server: AuthorizationServer; readonly holder: TokenHolder } {
  const issuer = parseIssuer(row.issuer);
  const resource = parseResourceUri(row.resource);
  if (!issuer.ok || !resource.ok) throw new TypeError("a flow names no issuer or no resource");
  const server = judgeAuthorizationServer(row.server, issuer.value);
  if (!server.ok) throw new TypeError("a flow's server metadata cannot be used");
  return { server: server.value, holder: { userId: row.userId, resource: resource.value, issuer: issuer.value } };
}
