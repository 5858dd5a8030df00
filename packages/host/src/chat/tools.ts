import { setTimeout as delay } from "node:timers/promises";
import { visibilityUnder } from "@countersign/protocol/profile-call";
import { isJsonObject, member, type JsonObject } from "@countersign/protocol/shape";
import type { CallView } from "../call/record.ts";
import type { Connector, Connectors } from "../connectors.ts";
import type { ModelTool } from "./model.ts";

/** Where a name that the model uses leads. The key is (server, tool), so a tool of one server never stands in for another's. */
export interface ToolTarget {
  readonly connectorId: string;
  readonly tool: string;
}

export interface ToolBox {
  readonly tools: readonly ModelTool[];
  readonly targets: ReadonlyMap<string, ToolTarget>;
}

const toolsMax = 128;
/** A server that takes longer to list its tools has none in this turn: the others' must not wait for it. */
const listMsMax = 5000;
const contentLengthMax = 30_000;
const stillRunning = {
  running: true,
  text: "The user stopped the answer while this ran. It may still take effect; its result is shown to the user only.",
};

/**
 * The tools of a user's connected servers whose visibility includes the model, as far as the host that is acted out keeps to it; nobody waits for lists once `signal`
 * is aborted. Names are `<connector>__<tool>` in the API's alphabet.
 */
export async function collectTools(connectors: Connectors, userId: string, toolsAgeMs: number, signal: AbortSignal): Promise<ToolBox> {
  const tools: ModelTool[] = [];
  const targets = new Map<string, ToolTarget>();
  const profile = await connectors.profileOf(userId);
  const mine = await connectors.list(userId);
  const late = new AbortController();
  const lateness = delay(listMsMax, undefined, { signal: AbortSignal.any([late.signal, signal]), ref: false }).catch(() => undefined);
  const lists = await Promise.all(
    mine.map((connector) => Promise.race([connectors.connection(userId, connector, profile).tools(toolsAgeMs), lateness])),
  );
  late.abort();
  for (const [index, connector] of mine.entries()) {
    const list = lists[index];
    if (list?.ok !== true) continue;
    // A changed tool's words reach the model only once the user has agreed to them (M13).
    const changed = await connectors.pins.changes(userId, connector.id, list.value.values());
    for (const tool of list.value.values()) {
      const name = modelName(connector, tool.name);
      const hidden = !visibilityUnder(profile, tool.visibility).has("model");
      if (hidden || changed.has(tool.name) || targets.has(name) || tools.length >= toolsMax) continue;
      targets.set(name, { connectorId: connector.id, tool: tool.name });
      tools.push({ type: "function", function: { name, description: `${connector.name}: ${tool.description}`, parameters: tool.inputSchema } });
    }
  }
  return { tools, targets };
}

/** What the model is told of a call's end: text and structured content, or the typed error. `_meta` is for views and never shown to it. */
export function describeForModel(call: CallView): string {
  if (call.result !== undefined) return describeResultForModel(call.result);
  return bounded(call.error === undefined ? stillRunning : { error: call.error });
}

/** A result in the words of MCP, without what is for views only. */
export function describeResultForModel(result: JsonObject): string {
  return bounded(describeResult(result));
}

function bounded(told: unknown): string {
  const text = JSON.stringify(told);
  return text.length <= contentLengthMax ? text : `${text.slice(0, contentLengthMax)}… (cut)`;
}

function describeResult(result: JsonObject): unknown {
  const content = member(result, "content");
  const texts = (Array.isArray(content) ? content : []).flatMap((block: unknown) => {
    const text = member(block, "text");
    return typeof text === "string" ? [text] : [];
  });
  const structured = member(result, "structuredContent");
  return {
    ...(member(result, "isError") === true ? { isError: true } : {}),
    text: texts.join("\n"),
    ...(isJsonObject(structured) ? { structuredContent: structured } : {}),
  };
}

function modelName(connector: Connector, tool: string): string {
  return `${connector.id}__${tool}`.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 64);
}
