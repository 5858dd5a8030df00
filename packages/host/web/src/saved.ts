import { isJsonObject } from "@countersign/protocol/shape";
import { parseJson, readList, readNumber, readText, readTexts } from "./json.ts";
import { saidMax } from "./entries.ts";
import type { ConsoleState, Entry, TurnProblem } from "./state.ts";

/** What this tab keeps over a reload: only ids, arguments and words. States and results are read from the host again. */
export interface SavedConversation {
  readonly entries: readonly Entry[];
  readonly childCalls: Readonly<Record<string, readonly string[]>>;
}

const entriesMax = 60;
const charsMax = 500_000;

/** The text to keep: the newest that fits, without arguments when they would not. What the model is still writing is not kept; the host has it. */
export function saveOf(state: Pick<ConsoleState, "entries" | "childCalls">): string {
  const entries = state.entries.filter((entry) => entry.kind !== "draft").slice(-entriesMax);
  const text = JSON.stringify({ entries, childCalls: state.childCalls });
  if (text.length <= charsMax) return text;
  const bare = entries.map((entry) => (entry.kind === "call" ? { ...entry, arguments: {} } : entry));
  let chars = 0;
  const first = bare.findLastIndex((entry) => (chars += JSON.stringify(entry).length) > charsMax);
  return JSON.stringify({ entries: bare.slice(first + 1), childCalls: {} });
}

/** Reads it back; anything else than what {@link saveOf} wrote gives an empty conversation. */
export function readSaved(text: string | null): SavedConversation {
  const json = text === null ? undefined : parseJson(text);
  if (!isJsonObject(json)) return { entries: [], childCalls: {} };
  const children = isJsonObject(json["childCalls"]) ? Object.entries(json["childCalls"]) : [];
  return {
    entries: readList(json["entries"], readEntry, entriesMax),
    childCalls: Object.fromEntries(children.map(([id, list]) => [id, readTexts(list)])),
  };
}

function readEntry(json: unknown): Entry | undefined {
  if (!isJsonObject(json)) return undefined;
  const callId = readText(json["callId"], 100);
  if (json["kind"] === "call") {
    const draft = readText(json["draft"], 100);
    return callId === undefined ? undefined : { kind: "call", callId, arguments: json["arguments"], ...(draft === undefined ? {} : { draft }) };
  }
  const id = readText(json["id"], 100);
  const { by } = json;
  if (json["kind"] !== "said" || id === undefined || (by !== "user" && by !== "model" && by !== "app" && by !== "console")) return undefined;
  const problem = readProblem(json["problem"]);
  const said = { kind: "said", id, by, name: readText(json["name"], 200) ?? "", text: readText(json["text"], saidMax) ?? "" } as const;
  return { ...said, ...(problem === undefined ? {} : { problem }), ...(json["writing"] === true ? { writing: true as const } : {}) };
}

function readProblem(json: unknown): TurnProblem | undefined {
  const code = isJsonObject(json) ? readText(json["code"], 100) : undefined;
  if (code === undefined || !isJsonObject(json)) return undefined;
  const retryAt = readNumber(json["retryAt"]);
  return { code, retryable: json["retryable"] === true, ...(retryAt === undefined ? {} : { retryAt }) };
}
