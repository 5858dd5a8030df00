import { isJsonObject } from "@countersign/protocol/shape";
import { parseJson, readList, readText, readTexts } from "./json.ts";
import type { ConsoleState, Entry } from "./state.ts";

/** What this tab keeps over a reload: only ids, arguments and words. States and results are read from the host again. */
export interface SavedConversation {
  readonly entries: readonly Entry[];
  readonly childCalls: Readonly<Record<string, readonly string[]>>;
}

const entriesMax = 60;
const charsMax = 500_000;

/** The text to keep; without arguments when they would not fit. */
export function saveOf(state: Pick<ConsoleState, "entries" | "childCalls">): string {
  const entries = state.entries.slice(-entriesMax);
  const text = JSON.stringify({ entries, childCalls: state.childCalls });
  if (text.length <= charsMax) return text;
  return JSON.stringify({ entries: entries.map((entry) => (entry.kind === "call" ? { ...entry, arguments: {} } : entry)), childCalls: {} });
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
  if (json["kind"] === "call") return callId === undefined ? undefined : { kind: "call", callId, arguments: json["arguments"] };
  const id = readText(json["id"], 100);
  const { by } = json;
  if (json["kind"] !== "said" || id === undefined || (by !== "user" && by !== "model" && by !== "app" && by !== "console")) return undefined;
  return { kind: "said", id, by, name: readText(json["name"], 200) ?? "", text: readText(json["text"], 20_000) ?? "" };
}
