import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { saidMax } from "./entries.ts";
import { readList, readNumber, readText } from "./json.ts";
import type { Action } from "./state.ts";
import { readCall } from "./wire.ts";

/**
 * What one event of a turn changes: `{ id, text, at? }` is the model's words (a piece of them with `at`), `{ draft }` a call that it writes, `{ call, arguments,
 * draft? }` one that was made and whose card belongs here, `{ unmade }` one that was not, `{ id, error }` why the turn ended early. `now` in epoch milliseconds.
 */
export function readChatEvent(json: unknown, now: number): readonly Action[] {
  if (!isJsonObject(json)) return [];
  const call = readCall(json["call"]);
  if (call !== undefined) {
    const draft = readText(json["draft"], 100);
    return [{ type: "call_started", call, arguments: json["arguments"], ...(draft === undefined ? {} : { draft }) }];
  }
  if (isJsonObject(json["draft"])) return readDraft(json["draft"]);
  if (isJsonObject(json["unmade"])) {
    const draft = readText(json["unmade"]["draft"], 100);
    const message = readText(json["unmade"]["message"], 500) ?? "Nothing was called.";
    return draft === undefined ? [] : [{ type: "unmade", draft, message }];
  }
  const id = readText(json["id"], 100);
  if (id === undefined) return [];
  if (json["error"] !== undefined) return readProblem(id, json, now);
  const text = readText(json["text"], saidMax);
  if (text === undefined) return [];
  const at = readNumber(json["at"]);
  return [{ type: "said", ...(at === undefined ? {} : { at }), entry: { kind: "said", id, by: "model", name: "Assistant", text } }];
}

function readDraft(json: JsonObject): readonly Action[] {
  const [id, connectorId, tool] = [readText(json["id"], 100), readText(json["connectorId"], 100), readText(json["tool"], 200)];
  if (id === undefined || connectorId === undefined || tool === undefined) return [];
  const args = isJsonObject(json["arguments"]) ? json["arguments"] : {};
  return [{ type: "draft", entry: { kind: "draft", id, connectorId, tool, arguments: args } }];
}

function readProblem(id: string, json: JsonObject, now: number): readonly Action[] {
  const seconds = readNumber(json["retryAfterS"]);
  const problem = {
    code: readText(json["code"], 100) ?? "internal_error",
    retryable: json["retryable"] === true,
    ...(seconds === undefined ? {} : { retryAt: now + seconds * 1000 }),
  };
  const text = readText(json["error"], 500) ?? "Something went wrong.";
  return [{ type: "said", entry: { kind: "said", id, by: "console", name: "Countersign", text, problem } }];
}

/** What `GET /api/chat/:id` gives: the conversation that is being answered, and the events of the last turn of one's own. */
export interface TurnRead {
  readonly answering: string | undefined;
  readonly events: readonly JsonObject[];
}

/** Reads it; the events are for {@link readChatEvent}. */
export function readTurn(json: unknown): TurnRead | undefined {
  if (!isJsonObject(json)) return undefined;
  return {
    answering: readText(json["answering"], 100),
    events: readList(json["events"], (event) => (isJsonObject(event) ? event : undefined), 2000),
  };
}

/** The conversation of an event, and whether its turn begins or ends with it. */
export function readTurnState(json: unknown): { readonly conversationId: string; readonly state: "answering" | "ended" | undefined } | undefined {
  const conversationId = isJsonObject(json) ? readText(json["conversationId"], 100) : undefined;
  if (conversationId === undefined || !isJsonObject(json)) return undefined;
  const state = isJsonObject(json["turn"]) ? json["turn"]["state"] : undefined;
  return { conversationId, state: state === "answering" || state === "ended" ? state : undefined };
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
