import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { z } from "zod";
import type { ModelOptions } from "../options.ts";

/** One message of a conversation, in the words of the OpenAI chat completions API. */
export type ChatMessage =
  | { readonly role: "system" | "user"; readonly content: string }
  | { readonly role: "assistant"; readonly content: string | null; readonly tool_calls?: readonly ToolCall[] | undefined }
  | { readonly role: "tool"; readonly tool_call_id: string; readonly content: string };

export interface ToolCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

/** A tool as the model is told of it. */
export interface ModelTool {
  readonly type: "function";
  readonly function: { readonly name: string; readonly description: string; readonly parameters: unknown };
}

export type AssistantMessage = Extract<ChatMessage, { readonly role: "assistant" }>;

const toolCallSchema: z.ZodType<ToolCall> = z.object({
  id: z.string().max(200),
  type: z.literal("function"),
  function: z.object({ name: z.string().max(200), arguments: z.string().max(200_000) }),
});

export const messageSchema: z.ZodType<ChatMessage> = z.union([
  z.object({ role: z.enum(["system", "user"]), content: z.string() }),
  z.object({ role: z.literal("assistant"), content: z.string().nullable(), tool_calls: z.array(toolCallSchema).max(50).optional() }),
  z.object({ role: z.literal("tool"), tool_call_id: z.string(), content: z.string() }),
]);

const answerSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullish(), tool_calls: z.array(toolCallSchema).max(50).nullish() }) })).min(1),
});

const answerBytesMax = 4 * 1024 * 1024;
const timeoutMs = 120_000;

/**
 * Asks an OpenAI-compatible endpoint for the next message. The endpoint is the operator's own setting, so it may be anywhere; a redirect is refused, because
 * the key would travel with it.
 */
export async function askModel(
  options: ModelOptions,
  messages: readonly ChatMessage[],
  tools: readonly ModelTool[],
  signal: AbortSignal,
  maxTokens?: number,
): Promise<Result<AssistantMessage, Refusal>> {
  const headers = new Headers({ "content-type": "application/json", accept: "application/json" });
  if (options.apiKey !== undefined) headers.set("authorization", `Bearer ${options.apiKey.reveal()}`);
  const limits = maxTokens === undefined ? {} : { max_tokens: maxTokens };
  const body = JSON.stringify({ model: options.model, messages, ...limits, ...(tools.length === 0 ? {} : { tools }) });
  try {
    const response = await fetch(`${options.baseUrl}/chat/completions`, {
      method: "POST",
      headers,
      body,
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const text = await readBounded(response);
    if (text === undefined) return err(refuse("response_too_large", "the model's answer"));
    if (!response.ok) return err(refuse(response.status === 429 ? "rate_limited" : "unavailable", `the model endpoint answered ${response.status}`));
    const answer = answerSchema.safeParse(JSON.parse(text));
    const message = answer.data?.choices[0]?.message;
    if (message === undefined) return err(refuse("protocol_error", "the model endpoint's answer has another shape"));
    const calls = message.tool_calls ?? [];
    return ok({ role: "assistant", content: message.content ?? null, ...(calls.length === 0 ? {} : { tool_calls: calls }) });
  } catch (error) {
    return err(refuse(error instanceof SyntaxError ? "protocol_error" : "unavailable", "the model endpoint does not answer"));
  }
}

async function readBounded(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > answerBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
