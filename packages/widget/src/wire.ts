/** A value that arrived as a JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** True for a plain JSON object: not null, not a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The text of a JSON string, or undefined for anything else. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** A tool's answer, in the words of MCP (`CallToolResult`). `_meta` is for the view and hidden from the model. */
export interface ToolResult {
  readonly content: readonly unknown[];
  readonly structuredContent?: JsonObject;
  readonly _meta?: JsonObject;
  readonly isError?: boolean;
}

/**
 * Reads what a host answered to a tool call. Hosts differ: an MCP `CallToolResult`, or the `{ result: "<text>" }` of old `window.openai`.
 * Anything else, the empty object included, is no answer: undefined.
 */
export function readToolResult(answer: unknown): ToolResult | undefined {
  const value = typeof answer === "string" ? { result: answer } : answer;
  if (!isObject(value)) {
    return undefined;
  }
  const { content, structuredContent, _meta, isError, result } = value;
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [];
  const extra = { ...(isObject(_meta) ? { _meta } : {}), ...(typeof isError === "boolean" ? { isError } : {}) };
  if (isObject(structuredContent)) {
    return { content: blocks, structuredContent, ...extra };
  }
  if (Array.isArray(content) || isError === true) {
    return { content: blocks, ...extra };
  }
  if (typeof result === "string") {
    const parsed = parseObject(result);
    return { content: [{ type: "text", text: result }], ...(parsed === undefined ? {} : { structuredContent: parsed }), ...extra };
  }
  return undefined;
}

/** The first text block of a result, or undefined. */
export function firstText(result: ToolResult): string | undefined {
  const block = result.content.find((item) => isObject(item) && item["type"] === "text");
  return isObject(block) ? textOf(block["text"]) : undefined;
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
