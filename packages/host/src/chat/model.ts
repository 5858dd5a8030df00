import { z } from "zod";

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

/** What one answer may hold: calls, and UTF-16 units of its words, of a call's arguments and of a call's id or name. */
export const answerMax = { calls: 50, text: 200_000, arguments: 200_000, name: 200 } as const;

const toolCallSchema: z.ZodType<ToolCall> = z.object({
  id: z.string().max(answerMax.name),
  type: z.literal("function"),
  function: z.object({ name: z.string().max(answerMax.name), arguments: z.string().max(answerMax.arguments) }),
});

export const messageSchema: z.ZodType<ChatMessage> = z.union([
  z.object({ role: z.enum(["system", "user"]), content: z.string() }),
  z.object({ role: z.literal("assistant"), content: z.string().nullable(), tool_calls: z.array(toolCallSchema).max(answerMax.calls).optional() }),
  z.object({ role: z.literal("tool"), tool_call_id: z.string(), content: z.string() }),
]);
