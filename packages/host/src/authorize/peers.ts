import type { EpochMs } from "@countersign/protocol/brand";
import type { AuthorizationServer } from "@countersign/protocol/metadata";
import type { Connectors } from "../connectors.ts";
import type { TokenHolder } from "../vault.ts";
import type { Clients } from "./clients.ts";
import type { TokenPeer } from "./token-endpoint.ts";

export interface PeersOptions {
  readonly clients: Clients;
  readonly connectors: Connectors;
  readonly timeoutMs: number;
  readonly clock: () => EpochMs;
}

/** Puts together whom to ask for a user's token and as which client: the one that the flow or the token was made with. */
export class Peers {
  readonly #options: PeersOptions;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** Undefined when the connector or that client is no more. */
  async find(holder: TokenHolder, server: AuthorizationServer, clientId: string): Promise<TokenPeer | undefined> {
    const { clients, connectors, timeoutMs, clock } = this.#options;
    const connector = await connectors.findByResource(holder.userId, holder.resource);
    if (connector === undefined) return undefined;
    const client = await clients.find(server, connector, clientId);
    return client === undefined ? undefined : { server, client, settings: connector.settings, reach: connector.reach, timeoutMs, clock };
  }
}
