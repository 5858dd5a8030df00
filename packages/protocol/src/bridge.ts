import type { EpochMs } from "./brand.ts";
import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import type { JsonObject } from "./shape.ts";
import { boundedText, hasOnlyMembers, isJsonObject, member } from "./shape.ts";

export type BridgeId = string | number;

/** One JSON-RPC 2.0 message between a widget and its host. Batches are not part of the bridge. */
export type BridgeMessage =
  | { readonly kind: "request"; readonly id: BridgeId; readonly method: string; readonly params: JsonObject }
  | { readonly kind: "notification"; readonly method: string; readonly params: JsonObject }
  | { readonly kind: "response"; readonly id: BridgeId; readonly result: unknown }
  | { readonly kind: "error"; readonly id: BridgeId; readonly code: number; readonly message: string; readonly data: unknown };

/** Who sends: the view is the widget's frame, the proxy the page around it on the widget's origin. */
export type BridgeSender = "view" | "host" | "proxy";

/** Estimated as JSON, in bytes of UTF-8. */
export const maxMessageBytes = 1_048_576;
export const maxMessageDepth = 64;
export const maxInFlight = 8;
export const maxMessagesPerSecond = 50;

/** The MCP Apps revision that the bridge speaks. */
export const appsProtocolVersion = "2026-01-26";

/** Methods that each side may send, MCP Apps 2026-01-26 and the `openai/*` ones of our `window.openai` shim. */
export const bridgeMethods: Readonly<Record<BridgeSender, { readonly requests: readonly string[]; readonly notifications: readonly string[] }>> = {
  view: {
    requests: [
      "ping",
      "ui/initialize",
      "tools/call",
      "tools/list",
      "resources/read",
      "resources/list",
      "resources/templates/list",
      "prompts/list",
      "sampling/createMessage",
      "ui/open-link",
      "ui/download-file",
      "ui/message",
      "ui/update-model-context",
      "ui/request-display-mode",
      "openai/callTool",
      "openai/setWidgetState",
      "openai/sendFollowUpMessage",
      "openai/requestDisplayMode",
      "openai/openExternal",
      "openai/setOpenInAppUrl",
      "openai/requestModal",
      "openai/requestClose",
      "openai/beginUpload",
      "openai/appendUpload",
      "openai/selectFiles",
      "openai/getFileDownloadUrl",
      "countersign/open-auth-popup",
    ],
    notifications: [
      "ui/notifications/initialized",
      "ui/notifications/size-changed",
      "ui/notifications/request-teardown",
      "notifications/message",
      "notifications/cancelled",
      "notifications/progress",
      "notifications/tools/list_changed",
      "openai/notifyIntrinsicHeight",
      "openai/measuredHeight",
    ],
  },
  proxy: { requests: [], notifications: ["ui/notifications/sandbox-proxy-ready"] },
  host: {
    requests: ["ping", "ui/resource-teardown", "tools/list", "tools/call"],
    notifications: [
      "ui/notifications/tool-input-partial",
      "ui/notifications/tool-input",
      "ui/notifications/tool-result",
      "ui/notifications/tool-cancelled",
      "ui/notifications/host-context-changed",
      "ui/notifications/sandbox-resource-ready",
      "notifications/cancelled",
      "notifications/progress",
      "notifications/tools/list_changed",
      "notifications/resources/list_changed",
      "notifications/prompts/list_changed",
    ],
  },
};

/**
 * Reads what arrived by postMessage. The value must be plain JSON (structured clone carries more: maps, dates, cycles; members that are undefined
 * count as absent), within 1 MB and depth
 * 64, without a `__proto__` member, and exactly one JSON-RPC message. Refuses with `request_too_large` or `invalid_request`.
 */
export function parseBridgeMessage(data: unknown): Result<BridgeMessage, Refusal> {
  const size = measureJson(data, maxMessageBytes, 0);
  if (size === "not_json") return err(refuse("invalid_request", "the message is not plain JSON"));
  if (size === "too_large") return err(refuse("request_too_large", `a message has at most ${maxMessageBytes} bytes and depth ${maxMessageDepth}`));
  if (!isJsonObject(data) || data["jsonrpc"] !== "2.0") return err(refuse("invalid_request", "the message is not JSON-RPC 2.0"));
  const sent = withoutAbsent(data);
  const message = Object.hasOwn(sent, "method") ? readAsk(sent) : readAnswer(sent);
  return message === undefined ? err(refuse("invalid_request", "the message is not a JSON-RPC request, notification or response")) : ok(message);
}

/** Says whether a sender may use the message's method. Answers are matched by id instead, so they pass. */
export function isAllowedMessage(sender: BridgeSender, message: BridgeMessage): boolean {
  if (message.kind === "request") return bridgeMethods[sender].requests.includes(message.method);
  if (message.kind === "notification") return bridgeMethods[sender].notifications.includes(message.method);
  return true;
}

/** What one side has received lately; start from {@link idleMeter}. */
export interface BridgeMeter {
  readonly secondStartMs: EpochMs;
  readonly messages: number;
  readonly inFlight: ReadonlySet<BridgeId>;
}

export const idleMeter: BridgeMeter = { secondStartMs: 0, messages: 0, inFlight: new Set() };

/**
 * Counts one received message. `rate_limited` when it is the 51st within a second or a ninth request in flight, `invalid_request` when its
 * id is already in flight. A caller closes the bridge on the first and answers the request with an error on the others.
 */
export function meterMessage(meter: BridgeMeter, message: BridgeMessage, nowMs: EpochMs): Result<BridgeMeter, Refusal> {
  const sameSecond = nowMs - meter.secondStartMs < 1000;
  const messages = sameSecond ? meter.messages + 1 : 1;
  if (messages > maxMessagesPerSecond) return err(refuse("rate_limited", `more than ${maxMessagesPerSecond} messages a second`));
  const counted = { secondStartMs: sameSecond ? meter.secondStartMs : nowMs, messages, inFlight: meter.inFlight };
  if (message.kind !== "request") return ok(counted);
  if (meter.inFlight.has(message.id)) return err(refuse("invalid_request", "the id is already in flight"));
  if (meter.inFlight.size >= maxInFlight) return err(refuse("rate_limited", `more than ${maxInFlight} requests in flight`));
  return ok({ ...counted, inFlight: new Set([...meter.inFlight, message.id]) });
}

/** Takes an answered request out of the meter. */
export function settleMessage(meter: BridgeMeter, id: BridgeId): BridgeMeter {
  return { ...meter, inFlight: new Set([...meter.inFlight].filter((other) => other !== id)) };
}

/** Senders write `params: undefined` and mean none: structured clone keeps what JSON leaves out. */
function withoutAbsent(data: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined));
}

function readAsk(data: JsonObject): BridgeMessage | undefined {
  if (!hasOnlyMembers(data, ["jsonrpc", "id", "method", "params"])) return undefined;
  const method = boundedText(member(data, "method"), 128);
  const params = member(data, "params") ?? {};
  if (method === undefined || !isJsonObject(params)) return undefined;
  if (!Object.hasOwn(data, "id")) return { kind: "notification", method, params };
  const id = readId(data);
  return id === undefined ? undefined : { kind: "request", id, method, params };
}

function readAnswer(data: JsonObject): BridgeMessage | undefined {
  const id = readId(data);
  if (id === undefined || !hasOnlyMembers(data, ["jsonrpc", "id", "result", "error"])) return undefined;
  const succeeded = Object.hasOwn(data, "result");
  if (succeeded === Object.hasOwn(data, "error")) return undefined;
  if (succeeded) return { kind: "response", id, result: data["result"] };
  const error = data["error"];
  const code = member(error, "code");
  const message = member(error, "message");
  if (typeof code !== "number" || !Number.isSafeInteger(code) || typeof message !== "string") return undefined;
  return { kind: "error", id, code, message: message.slice(0, 1000), data: member(error, "data") };
}

function readId(data: JsonObject): BridgeId | undefined {
  const id = member(data, "id");
  return typeof id === "number" && Number.isSafeInteger(id) ? id : boundedText(id, 128);
}

/** The bytes that the value takes as unescaped JSON; it stops as soon as the budget is spent, so a cycle ends by its depth. */
function measureJson(value: unknown, budget: number, depth: number): number | "too_large" | "not_json" {
  if (typeof value === "string") return measureText(value, budget);
  if (value === null || typeof value === "boolean") return String(value).length;
  if (typeof value === "number") return Number.isFinite(value) ? String(value).length : "not_json";
  if (typeof value !== "object") return "not_json";
  if (depth === maxMessageDepth) return "too_large";
  if (Array.isArray(value)) return measureList(value, budget, depth);
  return isPlain(value) ? measureObject(value, budget, depth) : "not_json";
}

function measureList(list: readonly unknown[], budget: number, depth: number): number | "too_large" | "not_json" {
  let used = 2;
  for (const child of list) {
    const size = measureJson(child, budget - used, depth + 1);
    if (typeof size !== "number") return size;
    used += size + 1;
    if (used > budget) return "too_large";
  }
  return used;
}

function measureObject(object: JsonObject, budget: number, depth: number): number | "too_large" | "not_json" {
  let used = 2;
  for (const name of Object.keys(object)) {
    if (name === "__proto__") return "not_json";
    if (object[name] === undefined) continue;
    const named = measureText(name, budget - used);
    if (typeof named !== "number") return named;
    const size = measureJson(object[name], budget - used - named, depth + 1);
    if (typeof size !== "number") return size;
    used += named + size + 2;
    if (used > budget) return "too_large";
  }
  return used;
}

function measureText(text: string, budget: number): number | "too_large" {
  let bytes = text.length + 2;
  if (bytes > budget) return "too_large";
  // Beyond Latin a unit takes up to 3 bytes; each half of a surrogate pair counts 2.
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes > budget ? "too_large" : bytes;
}

/** An object whose prototype is nobody's, or the root of its own realm. */
function isPlain(value: object): value is JsonObject {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || (isJsonObject(prototype) && Object.getPrototypeOf(prototype) === null);
}
