import type { EpochMs, ResourceUri } from "@countersign/protocol/brand";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { isLoopbackUrl, isSecureOrLoopback, parseResourceUri } from "@countersign/protocol/resource";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { ConnectorMode } from "@countersign/protocol/security";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records, StoredRecord } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { z } from "zod";
import { McpConnection } from "./connections/connection.ts";
import { readSettings, storeSettings, storedSettingsSchema, type ConnectorSettings, type StoredSettings } from "./connectors/settings.ts";
import type { Reach } from "./dial/address.ts";
import { newId } from "./digest.ts";
import { retention } from "./keep/retention.ts";
import type { HostLimits, PreconfiguredConnector } from "./options.ts";

/** A user's connection to one MCP server. `resource` is the canonical form of the URL that is dialled. */
export interface Connector {
  readonly id: string;
  readonly name: string;
  readonly resource: ResourceUri;
  readonly reach: Reach;
  readonly preconfigured: boolean;
  /** What is fixed for this connector; absent, everything is discovered. */
  readonly settings?: ConnectorSettings;
}

export type ConnectorStatus = { readonly status: "connected" | "connecting" } | { readonly status: "failed"; readonly error: Refusal };

interface ConnectorRow {
  readonly userId: string;
  readonly name: string;
  readonly url: string;
  readonly settings?: StoredSettings | undefined;
}

const connectorKind: RecordKind<ConnectorRow> = {
  name: "connector",
  parse: (json) => z.object({ userId: z.string(), name: z.string(), url: z.string(), settings: storedSettingsSchema.optional() }).parse(json),
};

const connectorsPerUserMax = 20;
const connectionsMax = 1000;
const renewAfterMs = 24 * 60 * 60 * 1000;

export interface ConnectorsOptions {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly preconfigured: readonly PreconfiguredConnector[];
  /** Users may add servers on this machine: only when the host itself is on it. */
  readonly localAllowed: boolean;
  readonly limits: HostLimits;
  readonly clock: () => EpochMs;
}

/** The connectors of all users, and their live connections: one per (user, connector), so that nothing that one user was shown reaches another. */
export class Connectors {
  readonly #options: ConnectorsOptions;
  readonly #records: Records<ConnectorRow>;
  readonly #preconfigured: ReadonlyMap<string, Connector>;
  readonly #connections = new Map<string, McpConnection>();
  readonly #statuses = new Map<string, ConnectorStatus>();

  constructor(options: ConnectorsOptions) {
    this.#options = options;
    this.#records = options.database.records(connectorKind);
    this.#preconfigured = new Map(
      options.preconfigured.map((entry) => {
        const resource = parseResourceUri(entry.url);
        if (!resource.ok) throw new TypeError(`the connector ${entry.id} has no usable URL`);
        const { id, name, settings } = entry;
        const connector = { id, name, resource: resource.value, reach: reachOf(resource.value), preconfigured: true };
        return [id, { ...connector, ...(settings === undefined ? {} : { settings }) }];
      }),
    );
  }

  async list(userId: string): Promise<readonly Connector[]> {
    const own = await this.#records.find("user", userId, this.#options.clock(), { limit: connectorsPerUserMax });
    for (const record of own) await this.#keep(record);
    return [...this.#preconfigured.values(), ...own.flatMap((record) => this.#fromRow(record.id, record.value) ?? [])];
  }

  /** The connector, if this user has it. */
  async find(userId: string, connectorId: string): Promise<Result<Connector, Refusal>> {
    const preconfigured = this.#preconfigured.get(connectorId);
    if (preconfigured !== undefined) return ok(preconfigured);
    const record = await this.#records.get(connectorId, this.#options.clock());
    if (record?.value.userId !== userId) return err(refuse("unknown_connector"));
    await this.#keep(record);
    const connector = this.#fromRow(record.id, record.value);
    return connector === undefined ? err(refuse("unknown_connector")) : ok(connector);
  }

  /** Whether the server is used with a token in every request, or only where a tool needs one. */
  async modeOf(_userId: string, connector: Connector): Promise<ConnectorMode> {
    return connector.settings?.mode === "full" ? "full" : "mixed";
  }

  /** The user's connector for this resource, if there is one: each has at most one. */
  async findByResource(userId: string, resource: ResourceUri): Promise<Connector | undefined> {
    return (await this.list(userId)).find((connector) => connector.resource === resource);
  }

  /** Adds a server by its URL. Refuses what may not be dialled, and more than twenty. */
  async add(userId: string, url: string, settings?: ConnectorSettings): Promise<Result<Connector, Refusal>> {
    const resource = parseResourceUri(url);
    if (!resource.ok) return resource;
    const parsed = new URL(resource.value);
    if (!isSecureOrLoopback(parsed) || (isLoopbackUrl(parsed) && !this.#options.localAllowed)) {
      return err(refuse("unsafe_url", "a server is reached by https; plain http and this machine only in development"));
    }
    const existing = await this.list(userId);
    const same = existing.find((connector) => connector.resource === resource.value);
    if (same !== undefined) return ok(same);
    if (existing.length >= connectorsPerUserMax) return err(refuse("rate_limited", `at most ${connectorsPerUserMax} connectors`));
    const id = newId("con");
    const stored = settings === undefined ? undefined : storeSettings(settings, this.#options.sealer, { userId, connectorId: id });
    const row = { userId, name: parsed.host, url: resource.value, ...(stored === undefined ? {} : { settings: stored }) };
    await this.#records.create(id, row, { keys: { user: userId }, expiresAt: this.#options.clock() + retention.connector.ms });
    const connector = this.#fromRow(id, row);
    return connector === undefined ? err(refuse("internal_error")) : ok(connector);
  }

  /** Removes a connector that the user added. */
  async remove(userId: string, connectorId: string): Promise<Result<Connector, Refusal>> {
    const found = await this.find(userId, connectorId);
    if (!found.ok) return found;
    if (found.value.preconfigured) return err(refuse("invalid_request", "this connector is part of the installation"));
    await this.#records.delete(connectorId);
    await this.#drop(connectionKey(userId, connectorId));
    return found;
  }

  /** The user's connection to the server; made when first asked for. */
  connection(userId: string, connector: Connector): McpConnection {
    const key = connectionKey(userId, connector.id);
    const known = this.#connections.get(key);
    if (known !== undefined) {
      // The most recently used stay: a Map keeps the order of insertion.
      this.#connections.delete(key);
      this.#connections.set(key, known);
      return known;
    }
    const { limits, clock } = this.#options;
    const { requestTimeoutMs, resultBytesMax } = limits;
    const made = new McpConnection({ url: new URL(connector.resource), reach: connector.reach, requestTimeoutMs, resultBytesMax, clock });
    this.#connections.set(key, made);
    const [oldest] = this.#connections.keys();
    if (this.#connections.size > connectionsMax && oldest !== undefined) void this.#drop(oldest);
    return made;
  }

  /** Connects if needed and lists the tools; remembers how that went as the connector's status. */
  async probe(userId: string, connector: Connector): Promise<ConnectorStatus> {
    const key = connectionKey(userId, connector.id);
    const tools = await this.connection(userId, connector).tools(this.#options.limits.toolsAgeMs);
    const status: ConnectorStatus = tools.ok ? { status: "connected" } : { status: "failed", error: tools.error };
    // A connection that was dropped meanwhile took its status with it.
    if (this.#connections.has(key)) this.#statuses.set(key, status);
    return status;
  }

  status(userId: string, connectorId: string): ConnectorStatus {
    return this.#statuses.get(connectionKey(userId, connectorId)) ?? { status: "connecting" };
  }

  /** Ends every connection of a user. */
  async dropUser(userId: string): Promise<void> {
    const mine = [...this.#connections.keys()].filter((key) => key.startsWith(connectionKey(userId, "")));
    await Promise.all(mine.map((key) => this.#drop(key)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#connections.keys()].map((key) => this.#drop(key)));
  }

  async #drop(key: string): Promise<void> {
    const connection = this.#connections.get(key);
    this.#connections.delete(key);
    this.#statuses.delete(key);
    await connection?.close();
  }

  /** A connector that is used is kept: written again at most once a day. */
  async #keep(record: StoredRecord<ConnectorRow>): Promise<void> {
    const expiresAt = this.#options.clock() + retention.connector.ms;
    if ((record.expiresAt ?? 0) < expiresAt - renewAfterMs) await this.#records.update(record.id, record.version, record.value, { expiresAt });
  }

  #fromRow(id: string, row: ConnectorRow): Connector | undefined {
    const resource = parseResourceUri(row.url);
    if (!resource.ok) return undefined;
    const settings =
      row.settings === undefined ? undefined : readSettings(row.settings, this.#options.sealer, { userId: row.userId, connectorId: id });
    const connector = { id, name: row.name, resource: resource.value, reach: reachOf(resource.value), preconfigured: false };
    return { ...connector, ...(settings === undefined ? {} : { settings }) };
  }
}

/** A connector on this machine may name authorization servers on it and on private networks; any other only public ones. */
function reachOf(resource: ResourceUri): Reach {
  return isLoopbackUrl(new URL(resource)) ? "local" : "public";
}

function connectionKey(userId: string, connectorId: string): string {
  return `${userId} ${connectorId}`;
}
