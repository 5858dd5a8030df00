import { isJsonObject, type JsonObject, member } from "@countersign/protocol/shape";

/**
 * A `tools/call` that needs nothing but its answer: no task, no retry of an earlier answer, nothing to negotiate. Every rule of the
 * protocol that such a call can break is checked here, so that what remains can be answered without a server object.
 */
export interface PlainCall {
  readonly era: "modern" | "legacy";
  readonly id: string | number;
  readonly name: string;
  readonly args: JsonObject | undefined;
  /** `params._meta`, as sent. */
  readonly meta: JsonObject | undefined;
}

const modernRevision = "2026-07-28";
const legacyRevisions: ReadonlySet<string> = new Set(["2025-11-25", "2025-06-18", "2025-03-26"]);
const reserved = "io.modelcontextprotocol/";
const revisionKey = `${reserved}protocolVersion`;
const clientInfoKey = `${reserved}clientInfo`;
const capabilitiesKey = `${reserved}clientCapabilities`;
const envelopeKeys: ReadonlySet<string> = new Set([revisionKey, clientInfoKey, capabilitiesKey]);
const paramNames: ReadonlySet<string> = new Set(["name", "arguments", "_meta"]);
const clientInfoNames: ReadonlySet<string> = new Set(["name", "title", "version", "websiteUrl", "description"]);

/**
 * Recognizes a plain call; undefined for everything else, valid or not, which is the SDK's to answer.
 *
 * @param header reads a request header, null when it is absent
 * @param message one JSON-RPC 2.0 envelope that names each member once
 */
export function readPlainCall(header: (name: string) => string | null, message: unknown): PlainCall | undefined {
  const id = member(message, "id");
  const params = member(message, "params");
  if (member(message, "method") !== "tools/call" || !isRequestId(id) || !isJsonObject(params) || !hasOnly(params, paramNames)) return undefined;
  const name = params["name"];
  const args = params["arguments"];
  const meta = params["_meta"];
  if (typeof name !== "string" || !isOptionalObject(args) || !isOptionalObject(meta) || header("content-type") !== "application/json")
    return undefined;
  const isModern = meta !== undefined && Object.hasOwn(meta, revisionKey);
  if (!(isModern ? isModernCall(header, name, meta) : isLegacyCall(header, meta))) return undefined;
  return { era: isModern ? "modern" : "legacy", id, name, args, meta };
}

/** 2026-07-28: the headers repeat what the body says, and `_meta` holds the envelope. */
function isModernCall(header: (name: string) => string | null, name: string, meta: JsonObject): boolean {
  return (
    header("mcp-protocol-version") === modernRevision &&
    header("mcp-method") === "tools/call" &&
    header("mcp-name") === name &&
    /^[\x21-\x7e]+$/.test(name) &&
    !name.startsWith("=?") &&
    meta[revisionKey] === modernRevision &&
    isOrdinaryMeta(meta) &&
    isCapabilities(meta[capabilitiesKey]) &&
    isClientInfo(meta[clientInfoKey])
  );
}

/** The 2025 family without a session: the client takes either form of answer, and its revision is one that is served. */
function isLegacyCall(header: (name: string) => string | null, meta: JsonObject | undefined): boolean {
  const revision = header("mcp-protocol-version");
  const accept = header("accept");
  return (
    (revision === null || legacyRevisions.has(revision)) &&
    accept?.includes("application/json") === true &&
    accept.includes("text/event-stream") &&
    (meta === undefined || isOrdinaryMeta(meta))
  );
}

/**
 * A reserved name that is not the envelope's asks for something else. A progress token asks for nothing that a tool of the kit could send: it may be there, and clients
 * send it with every call.
 */
function isOrdinaryMeta(meta: JsonObject): boolean {
  const token = meta["progressToken"];
  return (
    (token === undefined || typeof token === "string" || Number.isSafeInteger(token)) &&
    Object.keys(meta).every((key) => !key.startsWith(reserved) || envelopeKeys.has(key))
  );
}

/** Capabilities that this revision does not name are ignored, as the SDK ignores them. */
function isCapabilities(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const { roots, sampling, elicitation } = value;
  const form = member(elicitation, "form");
  return (
    isObjectOfObjects(value["experimental"]) &&
    isObjectOfObjects(value["extensions"]) &&
    isObjectOfObjects(sampling) &&
    isObjectOfObjects(elicitation) &&
    isOptionalBoolean(member(form, "applyDefaults")) &&
    isOptionalObject(roots) &&
    isOptionalBoolean(member(roots, "listChanged"))
  );
}

function isClientInfo(value: unknown): boolean {
  if (value === undefined) return true;
  return (
    isJsonObject(value) &&
    hasOnly(value, clientInfoNames) &&
    Object.values(value).every((each) => typeof each === "string") &&
    Object.hasOwn(value, "name") &&
    Object.hasOwn(value, "version")
  );
}

function isObjectOfObjects(value: unknown): boolean {
  return value === undefined || (isJsonObject(value) && Object.values(value).every(isJsonObject));
}

function isOptionalObject(value: unknown): value is JsonObject | undefined {
  return value === undefined || isJsonObject(value);
}

function isOptionalBoolean(value: unknown): boolean {
  return value === undefined || typeof value === "boolean";
}

/** JSON-RPC as MCP narrows it: a string or a whole number, never null. */
function isRequestId(value: unknown): value is string | number {
  return typeof value === "string" || Number.isSafeInteger(value);
}

function hasOnly(value: JsonObject, names: ReadonlySet<string>): boolean {
  return Object.keys(value).every((name) => names.has(name));
}
