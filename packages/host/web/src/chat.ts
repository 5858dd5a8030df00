import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { readText } from "./json.ts";
import type { Action } from "./state.ts";
import { readCall } from "./wire.ts";

/**
 * What one `event: chat` changes: `{ id, text, append? }` is the model's words (streamed when `append`), `{ call, arguments }` a tool call that
 * the model made and whose card belongs here, `{ id, error }` why the turn ended early.
 */
export function readChatEvent(json: unknown): readonly Action[] {
  if (!isJsonObject(json)) return [];
  const call = readCall(json["call"]);
  if (call !== undefined) return [{ type: "call_started", call, arguments: json["arguments"] }];
  const id = readText(json["id"], 100);
  const failed = readText(json["error"], 500);
  const text = failed ?? readText(json["text"], 20_000);
  if (id === undefined || text === undefined) return [];
  const by = failed === undefined ? "model" : "console";
  return [
    { type: "said", append: json["append"] === true, entry: { kind: "said", id, by, name: by === "model" ? "Assistant" : "Countersign", text } },
  ];
}

/** The model's call of a tool that a shown view offers. */
export interface ViewCallAsked {
  readonly id: string;
  readonly viewId: string;
  readonly tool: string;
  readonly args: JsonObject;
}

/** Reads `event: chat` with `{ viewCall }`; undefined for every other. */
export function readViewCall(json: unknown): ViewCallAsked | undefined {
  const call = isJsonObject(json) ? json["viewCall"] : undefined;
  if (!isJsonObject(call)) return undefined;
  const id = readText(call["id"], 100);
  const viewId = readText(call["widgetId"], 100);
  const tool = readText(call["tool"], 128);
  const args = call["arguments"];
  return id === undefined || viewId === undefined || tool === undefined || !isJsonObject(args) ? undefined : { id, viewId, tool, args };
}
