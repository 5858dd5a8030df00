import type { EpochMs, ResourceUri } from "@countersign/protocol/brand";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { isLoopbackUrl, isSecureOrLoopback, parseResourceUri } from "@countersign/protocol/resource";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records, StoredRecord } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { z } from "zod";
import type { Reach } from "@countersign/service/dial/address";
import { newId } from "../digest.ts";
import { retention } from "../keep/retention.ts";
import type { PreconfiguredConnector } from "../options.ts";
import { readSettings, storedSettingsSchema, storeSettings, type ConnectorSettings, type StoredSettings } from "./settings.ts";

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

interface ConnectorRow {
  readonly userId: string;
  readonly name: string;
  readonly url: string;
  readonly settings?: StoredSettings | undefined;
}

const connectorSchema = z.object({ userId: z.string(), name: z.string(), url: z.string(), settings: storedSettingsSchema.optional() });
const connectorKind: RecordKind<ConnectorRow> = {
  name: "connector",
  parse: (json) => connectorSchema.parse(json),
};

const connectorsPerUserMax = 20;
const renewAfterMs = 24 * 60 * 60 * 1000;

export interface RegistryOptions {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly preconfigured: readonly PreconfiguredConnector[];
  /** Users may add servers on this machine: only when the host itself is on it. */
  readonly localAllowed: boolean;
  readonly clock: () => EpochMs;
}

export interface NewConnector {
  readonly url: string;
  readonly name?: string | undefined;
  readonly settings?: ConnectorSettings | undefined;
}

/** Which servers each user has: those of the installation, and those that the user added. */
export class ConnectorRegistry {
  readonly #options: RegistryOptions;
  readonly #records: Records<ConnectorRow>;
  readonly #preconfigured: ReadonlyMap<string, Connector>;

  constructor(options: RegistryOptions) {
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

  /** The user's connector for this resource, if there is one: each has at most one. */
  async findByResource(userId: string, resource: ResourceUri): Promise<Connector | undefined> {
    return (await this.list(userId)).find((connector) => connector.resource === resource);
  }

  /**
   * Adds a server by its URL; one that the user has already is given back as it is. Refuses what may not be dialled (the URL is taken literally, so that a
   * placeholder in it is no URL), and more than twenty.
   */
  async add(userId: string, added: NewConnector): Promise<Result<Connector, Refusal>> {
    const resource = parseResourceUri(added.url);
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
    const { settings, name = parsed.host } = added;
    const row = { userId, name, url: resource.value, ...this.#stored(settings, userId, id) };
    await this.#records.create(id, row, { keys: { user: userId }, expiresAt: this.#options.clock() + retention.connector.ms });
    const connector = this.#fromRow(id, row);
    return connector === undefined ? err(refuse("internal_error")) : ok(connector);
  }

  /** Changes the name or the settings of a connector that the user added; settings are replaced as a whole. */
  async update(
    userId: string,
    connectorId: string,
    change: { readonly name?: string | undefined; readonly settings?: ConnectorSettings | undefined },
  ): Promise<Result<Connector, Refusal>> {
    const record = await this.#records.get(connectorId, this.#options.clock());
    if (this.#preconfigured.has(connectorId)) return err(refuse("invalid_request", "this connector is part of the installation"));
    if (record === undefined || record.value.userId !== userId) return err(refuse("unknown_connector"));
    const { name = record.value.name, settings } = change;
    const row = { ...record.value, name, ...(settings === undefined ? {} : this.#stored(settings, userId, connectorId)) };
    const updated = await this.#records.update(connectorId, record.version, row);
    if (!updated.ok) return err(refuse("conflict", "the connector was changed elsewhere at the same time"));
    return this.find(userId, connectorId);
  }

  /** Removes a connector that the user added. */
  async remove(userId: string, connectorId: string): Promise<Result<Connector, Refusal>> {
    const found = await this.find(userId, connectorId);
    if (!found.ok) return found;
    if (found.value.preconfigured) return err(refuse("invalid_request", "this connector is part of the installation"));
    await this.#records.delete(connectorId);
    return found;
  }

  /** A connector that is used is kept: written again at most once a day. */
  async #keep(record: StoredRecord<ConnectorRow>): Promise<void> {
    const expiresAt = this.#options.clock() + retention.connector.ms;
    if ((record.expiresAt ?? 0) < expiresAt - renewAfterMs) await this.#records.update(record.id, record.version, record.value, { expiresAt });
  }

  #stored(settings: ConnectorSettings | undefined, userId: string, connectorId: string): { readonly settings?: StoredSettings } {
    return settings === undefined ? {} : { settings: storeSettings(settings, this.#options.sealer, { userId, connectorId }) };
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
