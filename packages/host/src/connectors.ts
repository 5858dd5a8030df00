import { profileNames } from "@countersign/protocol/host-profile";
import type { HostProfile } from "@countersign/protocol/ladder";
import { type Basis, noSignInToConnect, renewsTokens, signsInToConnect } from "@countersign/protocol/profile-call";
import type { EpochMs, ResourceUri } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import type { ConnectorMode } from "@countersign/protocol/security";
import type { Database } from "@countersign/storage/open";
import { McpConnection } from "./connections/connection.ts";
import { ConnectorAccess, modeOf, settingOf } from "./connectors/access.ts";
import { ToolPins } from "./connectors/pins.ts";
import type { Connector, ConnectorRegistry, NewConnector } from "./connectors/registry.ts";
import type { ConnectorSettings } from "./connectors/settings.ts";
import { type SignInNeed, type Standing, Standings } from "./connectors/standing.ts";
import type { HostLimits } from "./options.ts";
import type { Profiles } from "./profiles.ts";
import type { Vault } from "./vault.ts";

export type { Connector } from "./connectors/registry.ts";

const connectionsMax = 1000;

export interface ConnectorsOptions {
  readonly database: Database<unknown>;
  readonly registry: ConnectorRegistry;
  readonly vault: Vault;
  readonly profiles: Profiles;
  readonly limits: HostLimits;
  readonly clock: () => EpochMs;
}

type Listener = (userId: string, connectorId: string) => void;

/**
 * The connectors of all users, and their live connections: one per (user, connector, profile), so that nothing that one user was shown reaches another, and no call
 * that began at one host ends at another.
 */
export class Connectors {
  readonly #options: ConnectorsOptions;
  /** What the users' tools were when they were agreed to. */
  readonly pins: ToolPins;
  readonly #standings: Standings;
  readonly #connections = new Map<string, McpConnection>();
  readonly #listeners: Listener[] = [];

  constructor(options: ConnectorsOptions) {
    this.#options = options;
    this.#standings = new Standings(options.database, options.clock);
    this.pins = new ToolPins(options.database, options.clock);
  }

  /** Adds one who is told when a connector's standing has changed. */
  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }

  list(userId: string): Promise<readonly Connector[]> {
    return this.#options.registry.list(userId);
  }

  /** The connector, if this user has it. */
  find(userId: string, connectorId: string): Promise<Result<Connector, Refusal>> {
    return this.#options.registry.find(userId, connectorId);
  }

  /** The user's connector for this resource, if there is one. */
  findByResource(userId: string, resource: ResourceUri): Promise<Connector | undefined> {
    return this.#options.registry.findByResource(userId, resource);
  }

  add(userId: string, added: NewConnector): Promise<Result<Connector, Refusal>> {
    return this.#options.registry.add(userId, added);
  }

  /** Changes name or settings. What the server was seen to do is seen anew; tokens are the caller's matter. */
  async update(
    userId: string,
    connectorId: string,
    change: { readonly name?: string | undefined; readonly settings?: ConnectorSettings | undefined },
  ): Promise<Result<Connector, Refusal>> {
    const updated = await this.#options.registry.update(userId, connectorId, change);
    if (updated.ok && change.settings !== undefined) await this.reconnect(userId, connectorId);
    return updated;
  }

  /** Removes a connector that the user added. */
  async remove(userId: string, connectorId: string): Promise<Result<Connector, Refusal>> {
    const removed = await this.#options.registry.remove(userId, connectorId);
    if (!removed.ok) return removed;
    await Promise.all(profileNames.map((profile) => this.#drop(connectionKey(userId, connectorId, profile))));
    await this.#standings.forget(userId, connectorId);
    await this.pins.forget(userId, connectorId);
    return removed;
  }

  /** Whether the server is used with a token in every request, or only where a tool needs one. */
  async modeOf(userId: string, connector: Connector): Promise<ConnectorMode> {
    return modeOf(settingOf(connector), await this.#standings.read(userId, connector.id));
  }

  standing(userId: string, connectorId: string): Promise<Standing> {
    return this.#standings.read(userId, connectorId);
  }

  /** What to sign in with so that the server answers at all; undefined when that is not what it lacks, or the host of the profile does not do so. */
  async signInNeed(userId: string, connector: Connector, profile: HostProfile): Promise<SignInNeed | undefined> {
    const setting = settingOf(connector);
    if (setting === "mixed" || !signsInToConnect(profile, setting === "full")) return undefined;
    const { status, need } = await this.#standings.read(userId, connector.id);
    return status === "sign_in_required" ? (need ?? { scope: new Set() }) : undefined;
  }

  /** Why the host of the profile does not sign in to a server that answers nothing without it; undefined when it does, or the user wants none. */
  noSignIn(connector: Connector, profile: HostProfile): Basis | undefined {
    const setting = settingOf(connector);
    return setting === "mixed" ? undefined : noSignInToConnect(profile, setting === "full");
  }

  /** The user's connection to the server, for whatever is no call: as the host that they let this one act out now. */
  async current(userId: string, connector: Connector): Promise<McpConnection> {
    return this.connection(userId, connector, await this.profileOf(userId));
  }

  /** The host that the user lets this one act out now. */
  profileOf(userId: string): Promise<HostProfile> {
    return this.#options.profiles.of(userId);
  }

  /** The user's connection to the server as the host of the profile; made when first asked for. */
  connection(userId: string, connector: Connector, profile: HostProfile): McpConnection {
    const key = connectionKey(userId, connector.id, profile);
    const known = this.#connections.get(key);
    if (known !== undefined) {
      // The most recently used stay: a Map keeps the order of insertion.
      this.#connections.delete(key);
      this.#connections.set(key, known);
      return known;
    }
    const made = this.#connect(userId, connector, profile);
    this.#connections.set(key, made);
    const [oldest] = this.#connections.keys();
    if (this.#connections.size > connectionsMax && oldest !== undefined) this.#retire(oldest);
    return made;
  }

  /** Connects if needed and lists the tools; how that went is the connector's standing. */
  async probe(userId: string, connector: Connector): Promise<void> {
    const connection = await this.current(userId, connector);
    await connection.tools(this.#options.limits.toolsAgeMs);
  }

  /** Lets what the server answered so far count no more, because the user's access to it is another one now. Calls that run end where they began. */
  async reconnect(userId: string, connectorId: string): Promise<void> {
    await this.#standings.change(userId, connectorId, ({ demandsSignIn, askedAt, need }) => ({
      status: "connecting",
      demandsSignIn,
      askedAt,
      ...(need === undefined ? {} : { need }),
    }));
    for (const profile of profileNames) this.#connections.get(connectionKey(userId, connectorId, profile))?.reset();
  }

  /** Notes why a sign-in for a connector that needs one did not help. */
  async noteFailedSignIn(userId: string, connectorId: string, error: Refusal): Promise<void> {
    await this.#standings.change(userId, connectorId, (standing) => (standing.status === "sign_in_required" ? { ...standing, error } : standing));
  }

  /** Ends every connection of a user. */
  async dropUser(userId: string): Promise<void> {
    const mine = [...this.#connections.keys()].filter((key) => key.startsWith(`${userId} `));
    await Promise.all(mine.map((key) => this.#drop(key)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#connections.keys()].map((key) => this.#drop(key)));
  }

  #connect(userId: string, { id, resource, reach }: Connector, profile: HostProfile): McpConnection {
    const { limits, clock, vault, registry } = this.#options;
    const { requestTimeoutMs, resultBytesMax } = limits;
    const access = new ConnectorAccess({
      userId,
      vault,
      clock,
      standings: this.#standings,
      renewsTokens: renewsTokens(profile),
      connector: async () => {
        const connector = await registry.find(userId, id);
        return connector.ok ? connector.value : undefined;
      },
      onChange: (ofUser, connectorId) => {
        for (const tell of this.#listeners) tell(ofUser, connectorId);
      },
    });
    return new McpConnection({ url: new URL(resource), reach, access, profile, requestTimeoutMs, resultBytesMax, clock });
  }

  /** Keeps a connection no longer; a call that still runs on it ends there. */
  #retire(key: string): void {
    this.#connections.get(key)?.reset();
    this.#connections.delete(key);
  }

  async #drop(key: string): Promise<void> {
    const connection = this.#connections.get(key);
    this.#connections.delete(key);
    await connection?.close();
  }
}

function connectionKey(userId: string, connectorId: string, profile: HostProfile): string {
  return `${userId} ${connectorId} ${profile}`;
}
