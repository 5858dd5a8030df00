import type { ChatMessage } from "./model.ts";

/** How much of a conversation the model is told, and is kept: messages, and UTF-16 units of all they hold. */
export interface ContextLimits {
  readonly messagesMax: number;
  readonly charsMax: number;
}

/**
 * The newest part of a conversation that fits. It begins with the user's words and holds only whole tool exchanges: a message with calls together with the
 * answer to each of them, which endpoints insist on. The oldest turns go first; of a turn that is too long by itself the oldest exchanges go, and of a single one
 * that is too long the answers' ends. An exchange that lacks an answer, as a crash leaves it, is left out.
 */
export function fitContext(messages: readonly ChatMessage[], limits: ContextLimits): readonly ChatMessage[] {
  const turns = turnsOf(messages);
  while (turns.length > 1 && isTooLong(turns.flat(2), limits)) turns.shift();
  const [question, ...rest] = turns[0] ?? [];
  if (turns.length > 1 || question === undefined) return turns.flat(2);
  while (rest.length > 1 && isTooLong([question, ...rest].flat(), limits)) rest.shift();
  return [question, ...rest.map((exchange) => shortened(exchange, limits.charsMax - charsOf(question)))].flat();
}

/** Messages that only stand together: one of words, or one with calls and its answers. */
type Exchange = readonly ChatMessage[];

function turnsOf(messages: readonly ChatMessage[]): Exchange[][] {
  const turns: Exchange[][] = [];
  for (const [at, message] of messages.entries()) {
    if (message.role === "user") turns.push([[message]]);
    else if (message.role === "assistant") {
      const exchange = exchangeAt(messages, at);
      if (exchange !== undefined) turns.at(-1)?.push(exchange);
    }
  }
  return turns;
}

function exchangeAt(messages: readonly ChatMessage[], at: number): Exchange | undefined {
  const message = messages[at];
  if (message?.role !== "assistant") return undefined;
  const calls = message.tool_calls ?? [];
  const answers = messages.slice(at + 1, at + 1 + calls.length);
  const isWhole = calls.every(({ id }) => answers.some((answer) => answer.role === "tool" && answer.tool_call_id === id));
  return isWhole ? [message, ...answers] : undefined;
}

function isTooLong(messages: readonly ChatMessage[], { messagesMax, charsMax }: ContextLimits): boolean {
  return messages.length > messagesMax || charsOf(messages) > charsMax;
}

/** UTF-16 units of all that messages hold. */
export function charsOf(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, message) => sum + lengthOf(message), 0);
}

function lengthOf(message: ChatMessage): number {
  const calls = message.role === "assistant" ? (message.tool_calls ?? []) : [];
  return (message.content ?? "").length + calls.reduce((sum, { function: call }) => sum + call.name.length + call.arguments.length, 0);
}

/** Cuts the answers of one exchange to equal shares where all together are too long. */
function shortened(exchange: Exchange, charsMax: number): Exchange {
  const answers = exchange.filter(({ role }) => role === "tool");
  if (answers.length === 0 || charsOf(exchange) <= charsMax) return exchange;
  const share = Math.max(0, Math.floor((charsMax - charsOf(exchange.filter(({ role }) => role !== "tool"))) / answers.length));
  return exchange.map((message) =>
    message.role === "tool" && message.content.length > share ? { ...message, content: `${message.content.slice(0, share)}… (cut)` } : message,
  );
}
