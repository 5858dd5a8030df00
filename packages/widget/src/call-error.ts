import type { ErrorCode, WidgetError } from "@countersign/protocol/errors";
import { firstText, isObject, textOf, type JsonObject, type ToolResult } from "./wire.ts";

/**
 * A code of the error catalogue, `tool_failed` for a tool's own untyped error, `asked_model` when the chat was asked to make the call instead, or a code that
 * only a newer host knows.
 */
export type CallErrorCode = ErrorCode | "tool_failed" | "asked_model" | (string & NonNullable<unknown>);

/**
 * How the error was told. `unreadable`: the host said nothing that can be understood, so it is not known whether the tool has run. `unsupported`: the host
 * does not serve such requests, so nothing has run.
 */
export type CallErrorSource = "typed" | "unreadable" | "unsupported";

/**
 * What a rejected `callTool` carries, always with all four fields of the wire's `WidgetError`.
 * `result` is present when the tool itself answered with an error.
 */
export class CallError extends Error {
  override readonly name = "CallError";
  readonly code: CallErrorCode;
  readonly retryable: boolean;
  readonly callId: string;
  readonly result?: ToolResult;
  readonly source: CallErrorSource;

  constructor(error: Omit<WidgetError, "code"> & { readonly code: CallErrorCode }, result?: ToolResult, source: CallErrorSource = "typed") {
    super(error.message);
    this.source = source;
    this.code = error.code;
    this.retryable = error.retryable;
    this.callId = error.callId;
    if (result !== undefined) {
      this.result = result;
    }
  }
}

const codeGrammar = /^[a-z][a-z0-9_]{0,63}$/;
const messageLengthMax = 500;
const signInText = "Please sign in to do this.";
const nothingSaid = "Something went wrong. Please try again.";

/**
 * Types anything a host may throw or send as a JSON-RPC error: a `WidgetError` itself, one inside `data` or `error`, an `Error`, a string.
 * What cannot be recognised becomes `internal_error`, which may be retried.
 */
export function toCallError(thrown: unknown): CallError {
  if (thrown instanceof CallError) {
    return thrown;
  }
  const found = findTyped(thrown) ?? (isObject(thrown) ? (findTyped(thrown["data"]) ?? findTyped(thrown["error"])) : undefined);
  if (found !== undefined) {
    return new CallError(found);
  }
  const said = textOf(thrown) ?? (isObject(thrown) ? textOf(thrown["message"]) : undefined) ?? "";
  if (isObject(thrown) && thrown["code"] === -32601) {
    return unsupported();
  }
  const refused = refusedBody.exec(said)?.[1] ?? (isUnauthorized(thrown, said) ? "authorization_required" : undefined);
  if (refused !== undefined) {
    return callError(refused, signInText, false);
  }
  return callError("internal_error", said === "" ? nothingSaid : said, true, "unreadable");
}

/** A refusal of the endpoint in the words of a client's transport, which hosts pass on: its body, with the code for want of sign-in. */
const refusedBody = /endpoint\b.*"code":"(authorization_required|insufficient_scope|invalid_token)"/s;

/** HTTP 401 as a client's transport tells it, as code, beside the text, or in one word: it came instead of running the tool (RFC 9110 section 15.5.2). */
function isUnauthorized(thrown: unknown, said: string): boolean {
  const data = isObject(thrown) ? thrown["data"] : undefined;
  return said === "Unauthorized" || (isObject(thrown) && thrown["code"] === 401) || (isObject(data) && data["status"] === 401);
}

/** Whether a host said nothing at all, or no more than HTTP 400. A lost connection, a failed server or a time that ran out is another thing. */
export function saysNothing(error: CallError): boolean {
  return error.code === "protocol_error" || error.message === nothingSaid || /\b400\b|Bad Request/.test(error.message);
}

/** The error of a host that lacks what was asked of it. */
export function unsupported(): CallError {
  return callError("invalid_request", "This app is used in a place that does not support this.", false, "unsupported");
}

/** The typed error of a result with `isError`: from `structuredContent.error`, from an in-result challenge, else `tool_failed`. */
export function toolError(result: ToolResult): CallError {
  const structured = result.structuredContent;
  const found = findTyped(structured?.["error"]) ?? findTyped(structured) ?? findTyped(result._meta?.["countersign/error"]);
  if (found !== undefined) {
    return new CallError(found, result);
  }
  if (result._meta?.["mcp/www_authenticate"] !== undefined) {
    return new CallError({ code: "authorization_required", message: signInText, retryable: false, callId: "" }, result);
  }
  const message = (firstText(result) ?? "This did not work.").slice(0, messageLengthMax);
  return new CallError({ code: "tool_failed", message, retryable: false, callId: "" }, result);
}

/** Makes a local error: one that arose in the frame, so it has no call id. */
export function callError(code: CallErrorCode, message: string, retryable: boolean, source: CallErrorSource = "typed"): CallError {
  return new CallError({ code, message: message.slice(0, messageLengthMax), retryable, callId: "" }, undefined, source);
}

function findTyped(value: unknown): (Omit<WidgetError, "code"> & { readonly code: string }) | undefined {
  if (!isObject(value)) {
    return undefined;
  }
  const code = textOf(value["code"]);
  if (code === undefined || !codeGrammar.test(code)) {
    return undefined;
  }
  return { code, message: messageOf(value), retryable: value["retryable"] === true, callId: textOf(value["callId"]) ?? "" };
}

function messageOf(value: JsonObject): string {
  const message = textOf(value["message"]) ?? textOf(value["text"]) ?? "";
  return (message === "" ? "This did not work." : message).slice(0, messageLengthMax);
}
