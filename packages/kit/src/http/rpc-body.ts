import { err, ok, type Result } from "@countersign/protocol/result";
import { boundedText, hasOnlyMembers, isJsonObject, member } from "@countersign/protocol/shape";
import { inspectJson } from "@countersign/protocol/json-guard";
import { readRequestText } from "./request-text.ts";

/** What the kit needs to know of one JSON-RPC 2.0 message. */
export interface RpcMessage {
  /** Undefined for a client's response to a server request. */
  readonly method: string | undefined;
  readonly id: string | number | undefined;
  /** `params.name` of tools/call, exactly as sent. */
  readonly toolName: string | undefined;
  /** Name that the client gives itself: `_meta` (2026-07-28) or initialize (2025 family). */
  readonly clientName: string | undefined;
}

export interface RpcBody {
  readonly json: unknown;
  readonly messages: readonly RpcMessage[];
  readonly isBatch: boolean;
}

/** A body that is refused before anything looks at its meaning. */
export interface RpcProblem {
  readonly status: 400 | 413 | 415;
  readonly code: -32700 | -32600;
  readonly message: string;
}

/** Largest body of a request. */
export const bodyBytesMax = 262_144;
const batchLengthMax = 20;
const limits = { maxDepth: 32, maxElements: 2000 };
const envelopeMembers = ["jsonrpc", "id", "method", "params", "result", "error"];
const clientInfoKey = "io.modelcontextprotocol/clientInfo";

/**
 * Reads and bounds a POST body: JSON in UTF-8 without content encoding, at most 256 KB, 32 levels and 2000 elements, each member named once, each
 * message a JSON-RPC 2.0 envelope with no member beside the standard ones. Batches exist only in 2025-03-26, which sends no version header.
 */
export async function readRpcBody(request: Request): Promise<Result<RpcBody, RpcProblem>> {
  const mediaType = (request.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (mediaType !== "application/json") return problem(415, -32600, "Content-Type must be application/json");
  if (request.headers.has("content-encoding")) return problem(415, -32600, "Content-Encoding is not supported");
  if (Number(request.headers.get("content-length") ?? 0) > bodyBytesMax) return tooLarge();
  let text: string | undefined;
  try {
    text = await readRequestText(request, bodyBytesMax);
  } catch {
    return problem(400, -32700, "Parse error: the body is not complete UTF-8 text");
  }
  if (text === undefined) return tooLarge();
  const shape = inspectJson(text, limits);
  if (shape !== undefined) return problem(shape.code === "request_too_large" ? 413 : 400, -32700, `Parse error: ${shape.detail}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return problem(400, -32700, "Parse error: the body is not JSON");
  }
  return readMessages(json, request.headers.get("mcp-protocol-version"));
}

function readMessages(json: unknown, revision: string | null): Result<RpcBody, RpcProblem> {
  if (!Array.isArray(json)) {
    const message = readMessage(json);
    return message === undefined ? notRpc() : ok({ json, messages: [message], isBatch: false });
  }
  if (revision !== null && revision !== "2025-03-26") return problem(400, -32600, "Invalid request: this protocol revision has no batches");
  if (json.length === 0 || json.length > batchLengthMax) return problem(400, -32600, `Invalid request: a batch has 1 to ${batchLengthMax} messages`);
  const messages = json.map(readMessage);
  const valid = messages.filter((each) => each !== undefined);
  return valid.length === messages.length ? ok({ json, messages: valid, isBatch: true }) : notRpc();
}

function readMessage(json: unknown): RpcMessage | undefined {
  if (!isJsonObject(json) || !hasOnlyMembers(json, envelopeMembers) || member(json, "jsonrpc") !== "2.0") return undefined;
  const id = member(json, "id");
  if (id !== undefined && !(typeof id === "string" && id.length <= 256) && !(typeof id === "number" && Number.isFinite(id))) return undefined;
  const method = member(json, "method");
  const params = member(json, "params");
  if (params !== undefined && !isJsonObject(params)) return undefined;
  const answers = member(json, "result") !== undefined || member(json, "error") !== undefined;
  if (method === undefined) {
    return answers && id !== undefined ? { method: undefined, id, toolName: undefined, clientName: undefined } : undefined;
  }
  if (answers || typeof method !== "string" || method === "" || method.length > 200) return undefined;
  const toolName = method === "tools/call" ? member(params, "name") : undefined;
  const clientInfo = method === "initialize" ? member(params, "clientInfo") : member(member(params, "_meta"), clientInfoKey);
  return { method, id, toolName: typeof toolName === "string" ? toolName : undefined, clientName: boundedText(member(clientInfo, "name"), 200) };
}

function problem(status: RpcProblem["status"], code: RpcProblem["code"], message: string): Result<never, RpcProblem> {
  return err({ status, code, message });
}

function notRpc(): Result<never, RpcProblem> {
  return problem(400, -32600, "Invalid request: not a JSON-RPC 2.0 message");
}

function tooLarge(): Result<never, RpcProblem> {
  return problem(413, -32600, `Invalid request: the body is larger than ${bodyBytesMax} bytes`);
}
