import { refuse } from "@countersign/protocol/errors";
import { isJsonObject, type JsonObject, member } from "@countersign/protocol/shape";
import { answer, type ToolAnswer } from "../answer.ts";
import type { ToolAuth } from "../auth.ts";
import { type CallGate, createCallGate, type GatedResult, type GatedTool } from "../call-gate.ts";
import type { ToolContext } from "../context.ts";
import { challengeResponse } from "../http/responses.ts";
import { openAsk } from "../payment/approval-ask.ts";
import type { Continuation } from "../payment/approval-desk.ts";
import { toElicitationError, toInputRequired } from "../payment/input-demand.ts";
import type { ChallengeForm } from "../policy/choose-form.ts";
import { isModern } from "../policy/header-mismatch.ts";
import { type HeldResponse, holdResponse } from "./answer-stream.ts";
import { type RunningCall, runCall } from "./current-call.ts";
import type { Admitted, ExistingOptions } from "./serve-existing.ts";

/**
 * Serves one `tools/call` through the same gate as a tool of the kit; the tool's work is the whole server. Nothing is sent before the server's
 * first message, so that a challenge of its handler can still become the HTTP response; after that it stands in the result.
 */
export async function serveCall(message: JsonObject, admitted: Admitted, options: ExistingOptions): Promise<Response> {
  const params = member(message, "params");
  const name = member(params, "name");
  const auth = typeof name === "string" ? options.rules.tool(name) : undefined;
  if (typeof name !== "string" || auth === undefined) throw new TypeError("a call that the rules do not name came through");
  const call: { running?: RunningCall; held?: HeldResponse } = {};
  const userAgent = admitted.request.headers.get("user-agent");
  const gateOf = (form: ChallengeForm): CallGate => createCallGate({ ...options, bearer: admitted.bearer, form, userAgent, awaitTool: undefined });
  const continuation = continuationOf(params, options);
  const through = (gate: CallGate, run: (ctx: ToolContext) => Promise<ToolAnswer>, returning?: Continuation): Promise<GatedResult> =>
    gate.call(toolOf(name, auth, run), member(params, "arguments"), member(params, "_meta"), () => admitted.request.signal, returning);

  const gate = gateOf(admitted.form);
  const result = await through(
    gate,
    async (ctx) => {
      const running: RunningCall = { ctx, report: options.report, instead: undefined };
      call.running = running;
      const forwarded = continuation === undefined ? message : withoutContinuation(message);
      call.held = await runCall(running, async () => await holdResponse(await admitted.forward(forwarded)));
      return running.instead ?? answer({});
    },
    continuation,
  );
  const raised = gate.raised();
  const { held, running } = call;
  if (raised !== undefined || held === undefined || running?.instead !== undefined) {
    await held?.cancel();
    return raised === undefined ? resultResponse(message, result) : challengeResponse(raised.status, refuse(raised.code), raised.challenge);
  }
  return held.release(async (each) => {
    const late = running?.instead;
    if (late === undefined || each["id"] !== message["id"] || "method" in each) return each;
    return resultMessage(message, await through(gateOf("result"), () => Promise.resolve(late)));
  });
}

function toolOf(name: string, auth: ToolAuth, run: (ctx: ToolContext) => Promise<ToolAnswer>): GatedTool {
  return { auth, listing: { name }, run: (_args, ctx) => run(ctx) };
}

/** What the call comes back with, when it was the kit that asked. The server's own questions are between it and the client. */
function continuationOf(params: unknown, { payee }: ExistingOptions): Continuation | undefined {
  const state = member(params, "requestState");
  if (payee === undefined || openAsk(payee, state, "state") === undefined) return undefined;
  return { state, answers: member(params, "inputResponses") };
}

function withoutContinuation(message: JsonObject): JsonObject {
  const params = member(message, "params");
  const { requestState: _state, inputResponses: _answers, ...rest } = isJsonObject(params) ? params : {};
  return { ...message, params: rest };
}

function resultMessage(message: JsonObject, { kind: _kind, isError, input, ...rest }: GatedResult): JsonObject {
  if (input !== undefined) {
    const { jsonrpc, id } = { jsonrpc: "2.0", id: message["id"] };
    return input.era === "modern" ? { jsonrpc, id, result: toInputRequired(input) } : { jsonrpc, id, error: toElicitationError(input) };
  }
  const result = { ...rest, ...(isError ? { isError } : {}), ...(isModern(message) ? { resultType: "complete" } : {}) };
  return { jsonrpc: "2.0", id: message["id"], result };
}

function resultResponse(message: JsonObject, result: GatedResult): Response {
  return Response.json(resultMessage(message, result));
}
