import { refuse, type Refusal } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { unionScopes, withoutTransactionScopes } from "@countersign/protocol/scope";
import type { FlowView } from "../authorize/flow-record.ts";
import type { Flows, StoredFlow } from "../authorize/flows.ts";
import type { Connector, Connectors } from "../connectors.ts";
import type { Vault } from "../vault.ts";

export interface ConnectorSignInOptions {
  readonly connectors: Connectors;
  readonly vault: Vault;
  readonly flows: Flows;
  /** Tells the user's pages how the connector stands now. */
  readonly announce: (userId: string, connectorId: string) => Promise<void>;
}

/** Signing in to a server itself rather than for one call. The flow is the same one that calls would wait for, so both end together. */
export class ConnectorSignIn {
  readonly #options: ConnectorSignInOptions;

  /** Listens to ended flows; make it before the calls' driver, so that the server is connected anew before calls go on. */
  constructor(options: ConnectorSignInOptions) {
    this.#options = options;
    options.flows.onEnded((flow) => this.#ended(flow));
  }

  /** Begins a sign-in for what the server's challenge demanded beside what is held, or joins the one that runs. Refuses what discovery refuses. */
  async begin(userId: string, connector: Connector): Promise<Result<FlowView, Refusal>> {
    const { connectors, vault, flows } = this.#options;
    const { status } = await connectors.standing(userId, connector.id);
    if (status === "connecting") await connectors.probe(userId, connector);
    const { need } = await connectors.standing(userId, connector.id);
    const held = await vault.find(userId, connector.resource);
    const scope = unionScopes(need?.scope ?? new Set(), held === undefined ? new Set() : withoutTransactionScopes(held.scope));
    const asked = { resourceMetadata: need?.resourceMetadata, dpopChallenged: need?.dpopChallenged === true };
    const profile = await connectors.profileOf(userId);
    return flows.join({ userId, connector, profile, scope, ...asked, record: () => {}, attach: async () => true });
  }

  async #ended(flow: StoredFlow): Promise<void> {
    const { connectors, announce } = this.#options;
    const { userId, connectorId, state, code } = flow.value;
    const connector = await connectors.find(userId, connectorId);
    if (!connector.ok) return;
    if (state !== "granted") {
      await connectors.noteFailedSignIn(userId, connectorId, refuse(code ?? "flow_failed"));
    } else if ((await connectors.modeOf(userId, connector.value)) === "full") {
      await connectors.reconnect(userId, connectorId);
      connectors.probe(userId, connector.value).catch(() => {});
    }
    await announce(userId, connectorId);
  }
}
