import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import type { Connectors } from "../connectors.ts";
import type { Vault } from "../vault.ts";
import { flowKind, tripKind } from "./flow-record.ts";
import { digestText } from "../digest.ts";

export interface KnownIssuersOptions {
  readonly database: Database<unknown>;
  readonly connectors: Connectors;
  readonly vault: Vault;
  /** Issuers from configuration. */
  readonly configured: readonly string[];
  readonly clock: () => EpochMs;
}

/** The authorization servers that the host signs this user in to, or was about to: those of configuration, of tokens held and of recent flows. */
export async function knownIssuers(options: KnownIssuersOptions, userId: string): Promise<readonly string[]> {
  const { database, connectors, vault, clock, configured } = options;
  const flows = await database.records(flowKind).find("user", userId, clock(), { limit: 100 });
  const held = await Promise.all((await connectors.list(userId)).map((connector) => vault.find(userId, connector.resource)));
  return [...new Set([...configured, ...flows.map((flow) => flow.value.issuer), ...held.flatMap((token) => token?.holder.issuer ?? [])])];
}

/** Whether this is the `state` of a trip that the host itself began. */
export async function isOwnState(database: Database<unknown>, state: string, now: EpochMs): Promise<boolean> {
  return (await database.records(tripKind).get(digestText(state), now)) !== undefined;
}
