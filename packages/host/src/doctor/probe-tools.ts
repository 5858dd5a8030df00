import { kindOfSchemes, parseSecuritySchemes, parseVisibility } from "@countersign/protocol/security";
import type { ToolObservation, ToolsObservation } from "@countersign/protocol/server-observation";
import { boundedText, isJsonObject, member, type JsonObject } from "@countersign/protocol/shape";
import type { Asker } from "./ask.ts";
import { send, type Reply, type Speech } from "./message.ts";

/** A tool as it was listed, with what only the examination itself needs. */
export interface ListedTool {
  readonly observation: ToolObservation;
  readonly needsArguments: boolean;
}

export interface ToolsSeen {
  readonly observation: ToolsObservation;
  readonly tools: readonly ListedTool[];
}

const pagesMax = 10;
const toolsMax = 500;

/** JSON-RPC 2.0 section 5.1. */
const methodNotFound = -32601;

/** Lists the tools as an anonymous client sees them. A server that offers none need not know the question. */
export async function probeTools(asker: Asker, speech: Speech, offersTools = true): Promise<ToolsSeen> {
  const tools: ListedTool[] = [];
  let firstPage = 0;
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax && tools.length < toolsMax; page += 1) {
    const reply = await send(asker, speech, { method: "tools/list", params: cursor === undefined ? {} : { cursor } });
    if (!offersTools && reply.seen === "error" && reply.code === methodNotFound) return listed([], 0, true);
    if (reply.seen !== "result") return tools.length > 0 ? listed(tools, firstPage, false) : { observation: withoutResult(reply), tools };
    const raw = member(reply.result, "tools");
    if (!Array.isArray(raw)) return { observation: { seen: "refused", status: reply.answer.status }, tools };
    tools.push(...raw.flatMap((each) => readTool(each) ?? []));
    if (page === 0) firstPage = tools.length;
    cursor = boundedText(member(reply.result, "nextCursor"), 4096);
    if (cursor === undefined) return listed(tools, firstPage, true);
  }
  return listed(tools, firstPage, false);
}

function listed(all: readonly ListedTool[], firstPage: number, complete: boolean): ToolsSeen {
  const tools = all.slice(0, toolsMax);
  const names = tools.map(({ observation }) => observation.name);
  const repeated = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
  return {
    observation: {
      seen: "listed",
      tools: tools.map(({ observation }) => observation),
      firstPage,
      complete: complete && all.length <= toolsMax,
      repeated,
    },
    tools,
  };
}

function withoutResult(reply: Exclude<Reply, { seen: "result" }>): ToolsObservation {
  if (reply.seen === "nothing" || reply.seen === "challenged") return reply;
  return { seen: "refused", status: reply.status, ...(reply.seen === "error" && reply.code !== undefined ? { code: reply.code } : {}) };
}

function readTool(raw: unknown): ListedTool | undefined {
  const name = boundedText(member(raw, "name"), 128);
  if (name === undefined || !isJsonObject(raw)) return undefined;
  const meta = member(raw, "_meta");
  const schemes = parseSecuritySchemes(raw);
  const scopes = schemes.ok ? (schemes.value ?? []).flatMap((scheme) => (scheme.type === "oauth2" ? [...scheme.scopes] : [])) : [];
  const view = boundedText(member(member(meta, "ui"), "resourceUri") ?? member(meta, "openai/outputTemplate"), 2048);
  return {
    observation: {
      name,
      scheme: schemes.ok ? kindOfSchemes(schemes.value) : "unreadable",
      scopes: [...new Set(scopes)],
      declaredAt: placesOf(raw, meta),
      visibility: [...parseVisibility(raw)],
      visibilityBy: visibilityBy(meta),
      ...(view === undefined ? {} : { view }),
      readOnly: member(member(raw, "annotations"), "readOnlyHint") === true,
    },
    needsArguments: needsArguments(member(raw, "inputSchema")),
  };
}

function placesOf(raw: JsonObject, meta: unknown): ToolObservation["declaredAt"] {
  const top = member(raw, "securitySchemes") === undefined ? [] : (["top"] as const);
  const inner = member(meta, "securitySchemes") === undefined ? [] : (["meta"] as const);
  return [...top, ...inner];
}

function visibilityBy(meta: unknown): ToolObservation["visibilityBy"] {
  if (member(member(meta, "ui"), "visibility") !== undefined) return "ui";
  const isOpenai = member(meta, "openai/visibility") !== undefined || member(meta, "openai/widgetAccessible") !== undefined;
  return isOpenai ? "openai" : "default";
}

function needsArguments(schema: unknown): boolean {
  const required = member(schema, "required");
  return Array.isArray(required) && required.length > 0;
}
