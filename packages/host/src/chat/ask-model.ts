import { setTimeout as delay } from "node:timers/promises";
import { err, ok, type Result } from "@countersign/protocol/result";
import { member } from "@countersign/protocol/shape";
import { newId } from "../digest.ts";
import type { ModelOptions } from "../options.ts";
import { type Answer, AnswerBuilder, type GrowingCall, type Growth } from "./answer-builder.ts";
import { readEventData, StreamTooLarge } from "./event-data.ts";
import type { ChatMessage, ModelTool } from "./model.ts";
import { type ModelProblem, type ModelProblemKind, problemOfRefusal } from "./model-problem.ts";
import { retryAfterMs } from "./retry-after.ts";

/** Hears an answer while it is written. `calls` are told each time they have grown; none of them may be started before the answer is whole. */
export interface AnswerListener {
  readonly said: (text: string) => void;
  readonly calls: (calls: readonly GrowingCall[]) => void;
}

export interface ModelRequest {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ModelTool[];
  readonly maxTokens?: number;
  /** Asks for a stream; an endpoint that answers in one piece is heard once. */
  readonly listener?: AnswerListener;
  readonly signal: AbortSignal;
}

/** Bytes of an answer and milliseconds: from the request to the end, between two arrivals, and the longest wait that an endpoint may ask for before another try. */
export interface ModelLimits {
  readonly bytesMax: number;
  readonly answerMs: number;
  readonly silenceMs: number;
  readonly waitMsMax: number;
}

const modelLimits: ModelLimits = { bytesMax: 4 * 1024 * 1024, answerMs: 10 * 60_000, silenceMs: 120_000, waitMsMax: 10_000 };
const triesMax = 3;
const refusalBytesMax = 16_384;

/**
 * Asks an OpenAI-compatible endpoint for the next message. The endpoint is the operator's own setting, so it may be anywhere; a redirect is refused, because
 * the key would travel with it. An endpoint that is busy and says for how short a time is asked again.
 */
export async function askModel(
  options: ModelOptions,
  request: ModelRequest,
  limits: Partial<ModelLimits> = {},
): Promise<Result<Answer, ModelProblem>> {
  const bounds = { ...modelLimits, ...limits };
  const silence = new AbortController();
  const late = AbortSignal.any([silence.signal, AbortSignal.timeout(bounds.answerMs)]);
  const signal = AbortSignal.any([request.signal, late]);
  const timer = setTimeout(() => silence.abort(), bounds.silenceMs);
  let answers = false;
  try {
    for (let attempt = 1; ; attempt += 1) {
      const response = await send(options, request, signal);
      timer.refresh();
      answers = response.ok;
      if (response.ok) return await readAnswer(response, request.listener, bounds.bytesMax, () => timer.refresh());
      const kind = problemOfRefusal(response.status, await readErrorCode(response));
      const waitMs = kind === "busy" ? retryAfterMs(response.headers) : undefined;
      if (waitMs === undefined) return err({ kind });
      if (attempt === triesMax || waitMs > bounds.waitMsMax) return err({ kind, retryAfterS: Math.ceil(waitMs / 1000) });
      await delay(waitMs, undefined, { signal });
      timer.refresh();
    }
  } catch (error) {
    if (error instanceof StreamTooLarge) return err({ kind: "answer_too_large" });
    if (request.signal.aborted) return err({ kind: "stopped" });
    // A connection that broke in the middle of an answer is no wrong address.
    return err({ kind: late.aborted ? "silent" : answers ? "broken_answer" : "unreachable" });
  } finally {
    clearTimeout(timer);
  }
}

function send(options: ModelOptions, { messages, tools, maxTokens, listener }: ModelRequest, signal: AbortSignal): Promise<Response> {
  const accept = listener === undefined ? "application/json" : "text/event-stream, application/json";
  const headers = new Headers({ "content-type": "application/json", accept });
  if (options.apiKey !== undefined) headers.set("authorization", `Bearer ${options.apiKey.reveal()}`);
  const body = JSON.stringify({
    model: options.model,
    messages,
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    ...(tools.length === 0 ? {} : { tools }),
    ...(listener === undefined ? {} : { stream: true }),
  });
  return fetch(`${options.baseUrl}/chat/completions`, { method: "POST", headers, body, redirect: "error", signal });
}

async function readAnswer(
  response: Response,
  listener: AnswerListener | undefined,
  bytesMax: number,
  heard: () => void,
): Promise<Result<Answer, ModelProblem>> {
  const builder = new AnswerBuilder(() => newId("tc"));
  const isStream = response.headers.get("content-type")?.toLowerCase().startsWith("text/event-stream") === true;
  const ended = isStream ? await readStream(response, builder, listener, bytesMax, heard) : await readWhole(response, builder, listener, bytesMax);
  const answer = ended.ok ? builder.end(ended.value === "said") : ended;
  return answer.ok ? answer : err({ kind: answer.error });
}

/** Takes the pieces; says whether the endpoint said that it has ended. */
async function readStream(
  response: Response,
  builder: AnswerBuilder,
  listener: AnswerListener | undefined,
  bytesMax: number,
  heard: () => void,
): Promise<Result<"said" | "closed", ModelProblemKind>> {
  if (response.body === null) return err("broken_answer");
  for await (const arrived of readEventData(response.body, bytesMax, heard)) {
    const taken = takePieces(arrived, builder);
    tell(listener, taken.growth);
    if (taken.end === "said") return ok("said");
    if (taken.end !== undefined) return err(taken.end);
  }
  return ok("closed");
}

/** What pieces that came together added, also when the last of them was bad. */
function takePieces(arrived: readonly string[], builder: AnswerBuilder): { readonly growth: Growth; readonly end?: "said" | ModelProblemKind } {
  let text = "";
  const calls = new Map<number, GrowingCall>();
  const growth = (): Growth => ({ text, calls: [...calls.values()] });
  for (const data of arrived) {
    if (data.trim() === "[DONE]") return { growth: growth(), end: "said" };
    const json = parseJson(data);
    const grown = json === undefined ? err<ModelProblemKind>("broken_answer") : builder.takePiece(json);
    if (!grown.ok) return { growth: growth(), end: grown.error };
    text += grown.value.text;
    for (const call of grown.value.calls) calls.set(call.place, call);
  }
  return { growth: growth() };
}

/** `error.code` of a refusal, where its body is short and has one. */
async function readErrorCode(response: Response): Promise<string | undefined> {
  try {
    const code = member(member(parseJson(await readText(response, refusalBytesMax)), "error"), "code");
    return typeof code === "string" ? code : undefined;
  } catch (error) {
    if (error instanceof StreamTooLarge) return undefined;
    throw error;
  }
}

async function readText(response: Response, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > bytesMax) throw new StreamTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function readWhole(
  response: Response,
  builder: AnswerBuilder,
  listener: AnswerListener | undefined,
  bytesMax: number,
): Promise<Result<"said", ModelProblemKind>> {
  const grown = builder.takeWhole(parseJson(await readText(response, bytesMax)));
  if (!grown.ok) return grown;
  tell(listener, grown.value);
  return ok("said");
}

function tell(listener: AnswerListener | undefined, { text, calls }: Growth): void {
  if (text !== "") listener?.said(text);
  if (calls.length > 0) listener?.calls(calls);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
