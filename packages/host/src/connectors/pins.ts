import type { EpochMs } from "@countersign/protocol/brand";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { JsonObject } from "@countersign/protocol/shape";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, RecordOptions, Records, StoredRecord } from "@countersign/storage/records";
import { z } from "zod";
import type { ToolDefinition } from "../connections/tool-definition.ts";
import { digestJson, digestText } from "../digest.ts";
import { retention } from "../keep/retention.ts";

/** What a tool is to those who use it: everything that they, a model or the broker goes by. */
export type PinnedDefinition = Readonly<
  Record<"title" | "description" | "inputSchema" | "annotations" | "visibility" | "security" | "resourceUri" | "fileParams", unknown>
>;

/** A tool that is not what it was when it was first used, or last agreed to. */
export interface ToolChange {
  /** Of the tool as it is now: agreeing names it, so that nobody agrees to what they were not shown. */
  readonly digest: string;
  readonly fields: readonly string[];
  /** As it was; absent when it was too large to keep. */
  readonly before: JsonObject | undefined;
}

interface PinRow {
  readonly userId: string;
  readonly connectorId: string;
  readonly tool: string;
  readonly digest: string;
  readonly definition?: JsonObject | undefined;
}

const pinSchema = z.object({
  userId: z.string(),
  connectorId: z.string(),
  tool: z.string(),
  digest: z.string(),
  definition: z.record(z.string(), z.unknown()).optional(),
});
const pinKind: RecordKind<PinRow> = {
  name: "tool_pin",
  parse: (json) => pinSchema.parse(json),
};

const definitionBytesMax = 64 * 1024;
const renewAfterMs = 24 * 60 * 60 * 1000;

/**
 * What each user's tools were when they were first used (M13). A server that was trusted once may turn: a tool that has changed since is paused, for the user, the
 * model and views alike, until the user agrees to what it is now. A tool that was never used has nothing to differ from.
 */
export class ToolPins {
  readonly #records: Records<PinRow>;
  readonly #clock: () => EpochMs;

  constructor(database: Database<unknown>, clock: () => EpochMs) {
    this.#records = database.records(pinKind);
    this.#clock = clock;
  }

  /** Call before every use: the first one pins. Gives what has changed since, and then the tool must not be called. */
  async use(userId: string, connectorId: string, tool: ToolDefinition): Promise<ToolChange | undefined> {
    const id = idOf(userId, connectorId, tool.name);
    const now = this.#clock();
    // Of two first uses at once one pins, and the other is compared with it.
    const pinned = (await this.#records.get(id, now)) ?? (await this.#pinFirst(userId, connectorId, tool));
    if (pinned === undefined) return undefined;
    const change = changeOf(pinned.value, tool);
    const expiresAt = now + retention.tool_pin.ms;
    if (change === undefined && (pinned.expiresAt ?? 0) < expiresAt - renewAfterMs) {
      await this.#records.update(id, pinned.version, pinned.value, { expiresAt });
    }
    return change;
  }

  /** Which of these tools have changed since they were used, by name. */
  async changes(userId: string, connectorId: string, tools: Iterable<ToolDefinition>): Promise<ReadonlyMap<string, ToolChange>> {
    const pins = await this.#records.find("connector", keyOf(userId, connectorId), this.#clock(), { limit: 1000 });
    const byTool = new Map(pins.map((pin) => [pin.value.tool, pin.value]));
    const changes = new Map<string, ToolChange>();
    for (const tool of tools) {
      const pinned = byTool.get(tool.name);
      const change = pinned === undefined ? undefined : changeOf(pinned, tool);
      if (change !== undefined) changes.set(tool.name, change);
    }
    return changes;
  }

  /** The user agrees to the tool as it was shown. Refuses with `tool_changed` when it is another one by now. */
  async approve(userId: string, connectorId: string, tool: ToolDefinition, digest: string): Promise<Result<void, Refusal>> {
    if (digestOf(tool) !== digest) return err(refuse("tool_changed", "it changed again since it was shown"));
    await this.#put(userId, connectorId, tool);
    return ok(undefined);
  }

  async forget(userId: string, connectorId: string): Promise<void> {
    await this.#records.deleteBy("connector", keyOf(userId, connectorId));
  }

  /** Pins a tool that has no pin; the pin that somebody else made meanwhile, if somebody did. */
  async #pinFirst(userId: string, connectorId: string, tool: ToolDefinition): Promise<StoredRecord<PinRow> | undefined> {
    const { id, row, options } = this.#pinOf(userId, connectorId, tool);
    const created = await this.#records.create(id, row, options);
    if (created.ok) return undefined;
    const other = await this.#records.get(id, this.#clock());
    // An expired one is in the way until it is swept.
    if (other === undefined) await this.#records.put(id, row, options);
    return other;
  }

  async #put(userId: string, connectorId: string, tool: ToolDefinition): Promise<void> {
    const { id, row, options } = this.#pinOf(userId, connectorId, tool);
    await this.#records.put(id, row, options);
  }

  #pinOf(userId: string, connectorId: string, tool: ToolDefinition): { readonly id: string; readonly row: PinRow; readonly options: RecordOptions } {
    const definition = pinnedOf(tool);
    const isSmall = Buffer.byteLength(JSON.stringify(definition)) <= definitionBytesMax;
    const row = { userId, connectorId, tool: tool.name, digest: digestOf(tool), ...(isSmall ? { definition } : {}) };
    const keys = { user: userId, connector: keyOf(userId, connectorId) };
    return { id: idOf(userId, connectorId, tool.name), row, options: { keys, expiresAt: this.#clock() + retention.tool_pin.ms } };
  }
}

function changeOf(pinned: PinRow, tool: ToolDefinition): ToolChange | undefined {
  const digest = digestOf(tool);
  if (pinned.digest === digest) return undefined;
  const { definition: before } = pinned;
  const now = Object.entries(pinnedOf(tool));
  const fields = before === undefined ? [] : now.flatMap(([name, value]) => (digestJson(before[name]) === digestJson(value) ? [] : [name]));
  return { digest, fields, before };
}

/** A definition stands for as long as its list does, so its digest is made once for all calls that use it. */
const digests = new WeakMap<ToolDefinition, string>();

function digestOf(tool: ToolDefinition): string {
  const known = digests.get(tool);
  if (known !== undefined) return known;
  const digest = digestJson(pinnedOf(tool));
  digests.set(tool, digest);
  return digest;
}

function pinnedOf(tool: ToolDefinition): PinnedDefinition {
  const { title, description, inputSchema, annotations, visibility, schemes, resourceUri, fileParams } = tool;
  const security = schemes?.map((scheme) => (scheme.type === "noauth" ? scheme : { type: scheme.type, scopes: [...scheme.scopes].toSorted() }));
  return {
    title,
    description,
    inputSchema,
    annotations,
    visibility: [...visibility].toSorted(),
    security: security ?? null,
    resourceUri: resourceUri ?? null,
    fileParams,
  };
}

function keyOf(userId: string, connectorId: string): string {
  return digestText(`${userId}\n${connectorId}`);
}

function idOf(userId: string, connectorId: string, tool: string): string {
  return digestText(`${userId}\n${connectorId}\n${tool}`);
}
