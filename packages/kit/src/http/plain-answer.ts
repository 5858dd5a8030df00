import { isJsonObject } from "@countersign/protocol/shape";
import type { ToolResult } from "../answer.ts";
import type { GatedResult } from "../call-gate.ts";
import type { PlainCall } from "../policy/plain-call.ts";
import { textResponse } from "./text-response.ts";

const serverInfoKey = "io.modelcontextprotocol/serverInfo";
/** Members of a result's `_meta` to which the protocol gives a shape. */
const shapedMeta = ["progressToken", "io.modelcontextprotocol/related-task", serverInfoKey];
const jsonHeaders = { "content-type": "application/json" };
const eventHeaders = {
  "cache-control": "no-cache, no-transform",
  connection: "keep-alive",
  "content-type": "text/event-stream",
  "x-accel-buffering": "no",
};

/** `name`, `version` and, where there is one, `title`, in this order. */
export interface ServerInfo {
  readonly name: string;
  readonly version: string;
  readonly title?: string;
}

/**
 * The response to a plain call, byte for byte what the SDK writes; undefined for a result with anything but text in its content or with metadata
 * to which the protocol gives a shape, because those are the SDK's to judge. Throws when the result cannot be written as JSON.
 */
export function writePlainAnswer(request: Request, call: PlainCall, result: GatedResult, server: ServerInfo): Response | undefined {
  if (result.input !== undefined || !isPlainResult(result)) return undefined;
  const { content, structuredContent, isError, _meta } = result;
  const isModern = call.era === "modern";
  // An absent member stays absent in JSON. Where the handler gave `_meta`, it comes first and the server's name goes into it.
  const meta = _meta && { _meta: isModern ? { ..._meta, [serverInfoKey]: server } : { ..._meta } };
  const tail = isModern ? { resultType: "complete", ...(meta === undefined ? { _meta: { [serverInfoKey]: server } } : {}) } : {};
  const body = {
    result: {
      ...meta,
      content: content.map((block) => (block.type === "text" ? { type: "text", text: block.text } : block)),
      structuredContent: structuredContent && { ...structuredContent },
      isError: isError || undefined,
      ...tail,
    },
    jsonrpc: "2.0",
    id: call.id,
  };
  const message = JSON.stringify(body);
  const text = isModern ? message : `event: message\ndata: ${message}\n\n`;
  return textResponse(request, text, { headers: isModern ? jsonHeaders : eventHeaders });
}

function isPlainResult({ content, structuredContent, _meta }: ToolResult): boolean {
  return (
    content.every((block) => block.type === "text" && typeof block.text === "string" && Object.keys(block).length === 2) &&
    isOrdinary(structuredContent) &&
    isOrdinary(_meta) &&
    (_meta === undefined || shapedMeta.every((name) => !Object.hasOwn(_meta, name)))
  );
}

function isOrdinary(value: unknown): boolean {
  return value === undefined || (isJsonObject(value) && !Object.hasOwn(value, "__proto__"));
}
