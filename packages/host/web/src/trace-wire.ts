import { readLadderStep } from "@countersign/protocol/ladder";
import type { LadderNote } from "@countersign/protocol/trace-document";
import { traceStepNames, type TraceStep as Step, type WireMessage } from "@countersign/protocol/trace-step";
import { isJsonObject, type JsonObject, member } from "@countersign/protocol/shape";
import { readList, readNumber, readText, readTime } from "./json.ts";

/** One step of a call's trace, as the host tells it. */
export interface TraceStep extends Step {
  readonly callId: string;
  readonly reason: string | undefined;
  readonly detail: JsonObject;
  readonly messages: readonly WireMessage[];
}

/** A call's trace as it was read: its steps, and what its view said. */
export interface CallTrace {
  readonly steps: readonly TraceStep[];
  readonly ladder: readonly LadderNote[];
}

const stepsMax = 300;
const notesMax = 50;
const messagesMax = 20;
const headersMax = 40;

/** `GET /api/calls/:id/trace`. */
export function readTrace(json: unknown): CallTrace | undefined {
  if (!isJsonObject(json)) return undefined;
  return { steps: readList(json["steps"], readTraceStep, stepsMax), ladder: readLadder(json["ladder"]) };
}

/** What a view said of its calls, as the host kept it. */
export function readLadder(json: unknown): readonly LadderNote[] {
  return readList(json, readNote, notesMax);
}

/** One step of a call's trace; one of a kind that this page does not know is left out. */
export function readTraceStep(json: unknown): TraceStep | undefined {
  if (!isJsonObject(json)) return undefined;
  const callId = readText(json["callId"]);
  const seq = readNumber(json["seq"]);
  const step = traceStepNames.find((name) => name === json["step"]);
  if (callId === undefined || seq === undefined || step === undefined) return undefined;
  const detail = isJsonObject(json["detail"]) ? json["detail"] : {};
  return {
    callId,
    seq,
    step,
    detail,
    at: readTime(json["at"]) ?? 0,
    title: readText(json["title"], 300) ?? step,
    reason: readText(json["reason"], 500) ?? readText(detail["reason"], 500),
    messages: readList(json["messages"], readMessage, messagesMax),
  };
}

function readMessage(json: unknown): WireMessage | undefined {
  const line = readText(member(json, "line"), 4000);
  const way = member(json, "way");
  if (!isJsonObject(json) || line === undefined || (way !== "sent" && way !== "received")) return undefined;
  const headers = isJsonObject(json["headers"]) ? Object.entries(json["headers"]) : [];
  const texts = headers.slice(0, headersMax).flatMap(([name, value]): [string, string][] => (typeof value === "string" ? [[name, value]] : []));
  return { way, line, headers: Object.fromEntries(texts), ...("body" in json ? { body: json["body"] } : {}) };
}

function readNote(json: unknown): LadderNote | undefined {
  const step = readLadderStep(json);
  const at = readTime(member(json, "at"));
  return step === undefined || at === undefined ? undefined : { ...step, at };
}
