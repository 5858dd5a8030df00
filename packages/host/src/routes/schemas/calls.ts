import type { JsonObject } from "@countersign/protocol/shape";
import { z } from "zod";
import type { ToldProgress } from "../../call/progress-board.ts";
import type { CallView } from "../../call/record.ts";
import { rungOutcomes, rungs, type LadderStep } from "@countersign/protocol/ladder";
import type { LadderNote } from "@countersign/protocol/trace-document";
import type { Progress } from "@countersign/protocol/progress";
import { traceStepNames, type TraceStep, type WireMessage } from "@countersign/protocol/trace-step";
import { errorCode } from "./errors.ts";
import { askingView } from "./asking.ts";
import { flowView, time } from "./flows.ts";

export const idText: z.ZodType<string> = z.string().min(1).max(100);

/** The body of `POST /api/calls`. */
export interface NewCall {
  readonly connectorId: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly origin: "user" | "widget" | "model";
  readonly widgetId?: string;
  readonly idempotencyKey?: string;
  readonly conversationId?: string;
}

export const newCall: z.ZodType<NewCall> = z
  .strictObject({
    connectorId: idText,
    tool: z.string().min(1).max(128).describe("Compared exactly."),
    arguments: z.record(z.string(), z.unknown()).default({}),
    origin: z
      .enum(["user", "widget", "model"])
      .describe("Who asks. A tool is called only by whom its visibility includes; `model` is for products only."),
    widgetId: idText.exactOptional().describe("The view that asks; required with origin `widget`."),
    idempotencyKey: z.string().min(8).max(200).exactOptional().describe("The same key of the same user with the same content is the same call."),
    conversationId: idText.exactOptional().describe("Your id of the conversation. Servers are told a digest of it, as a hint."),
  })
  .meta({ id: "NewCall" });

const callError = z.strictObject({
  code: errorCode,
  message: z.string(),
  retryable: z.boolean(),
  callId: z.string(),
  detail: z.string().exactOptional(),
});

const progressMembers = {
  progress: z.number(),
  total: z.number().exactOptional(),
  message: z.string().max(200).exactOptional().describe("One line."),
};

const progressView: z.ZodType<Progress> = z
  .strictObject(progressMembers)
  .meta({ id: "Progress", description: "The server's word: shown, and never decided on." });

/** The `data` of `event: progress`. */
export const toldProgress: z.ZodType<ToldProgress> = z.strictObject({ callId: z.string(), ...progressMembers });

export const callView: z.ZodType<CallView> = z
  .strictObject({
    id: z.string(),
    version: z.int().describe("Grows with every change. An older one never replaces a newer one."),
    connectorId: z.string(),
    tool: z.string(),
    origin: z.enum(["model", "widget", "user"]),
    state: z.enum(["received", "resuming", "dispatched", "completed", "authorizing", "asking", "refused", "failed"]),
    rounds: z.int().describe("How often the user was sent to sign in for it."),
    createdAt: time,
    deadline: time,
    widgetId: z.string().exactOptional(),
    emptied: z
      .literal(true)
      .exactOptional()
      .describe("The host that is acted out answers the view with HTTP 400 and `{}`; the error here is for the user and the trace."),
    flow: flowView.exactOptional().describe("The sign-in that the call waits for."),
    queued: z.literal(true).exactOptional().describe("The flow shown is another call's; this one gets its own after it."),
    quiet: z.literal(true).exactOptional().describe("The user has just refused something of this connector: open no window for it by yourself."),
    asking: askingView.exactOptional().describe("What the server asks the user; answer it with `answerCall`."),
    progress: progressView
      .exactOptional()
      .describe(
        "How far the server says that it is, while it is at work. It comes and goes without a new `version`, and only of the instance that waits for the server.",
      ),
    result: z.record(z.string(), z.unknown()).exactOptional().describe("The server's `CallToolResult` (MCP), once `completed`."),
    error: callError.exactOptional().describe("Once `refused` or `failed`."),
  })
  .meta({
    id: "Call",
    description: "A tool call. It is over once `completed`, `refused` or `failed`, which happens before its deadline whatever fails.",
  });

const wireMessage: z.ZodType<WireMessage> = z
  .strictObject({
    way: z.enum(["sent", "received"]),
    line: z.string().describe("`POST https://shop.example/mcp`, or `HTTP 401`."),
    headers: z.record(z.string(), z.string()),
    body: z.unknown().exactOptional(),
  })
  .meta({
    id: "WireMessage",
    description: "One message, with every value masked that is not on the host's list: arguments, results, tokens, codes.",
  });

const traceStep: z.ZodType<TraceStep & { readonly callId: string }> = z
  .strictObject({
    callId: z.string(),
    seq: z.int(),
    at: time,
    step: z.enum(traceStepNames),
    title: z.string(),
    detail: z.record(z.string(), z.unknown()),
    messages: z.array(wireMessage).exactOptional().describe("What went over the wire for it."),
  })
  .meta({ id: "TraceStep", description: "Never holds a token, code, argument or result." });

export const traceStepView: typeof traceStep = traceStep;

/** The body of `POST /api/calls/:id/ladder`. */
export const newLadderStep: z.ZodType<LadderStep> = z
  .strictObject({ tool: z.string().min(1).max(128), rung: z.enum(rungs), outcome: z.enum(rungOutcomes) })
  .meta({ id: "NewLadderStep", description: "What a view said of a call of its own (the logger `countersign/ladder` of MCP Apps)." });

const ladderNote: z.ZodType<LadderNote> = z
  .strictObject({ at: time, tool: z.string(), rung: z.enum(rungs), outcome: z.enum(rungOutcomes) })
  .meta({ id: "LadderNote", description: "The view's word: shown, and never decided on." });

export const ladderView: z.ZodType<{ readonly ladder: readonly LadderNote[] }> = z.strictObject({ ladder: z.array(ladderNote) });

export const traceView: z.ZodType<{ readonly steps: readonly (TraceStep & { readonly callId: string })[]; readonly ladder: readonly LadderNote[] }> =
  z.strictObject({ steps: z.array(traceStep), ladder: z.array(ladderNote) });
