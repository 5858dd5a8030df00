import { parseSecuritySchemes, parseVisibility, type SecurityScheme } from "@countersign/protocol/security";
import { boundedText, isJsonObject, member, textList, type JsonObject } from "@countersign/protocol/shape";
import { digestJson } from "../digest.ts";
import { judgeBounds, judgeSchema } from "./judge-schema.ts";
import { judgeMirroredHeaders } from "./mirrored-headers.ts";

/** One tool of one server, judged at the boundary. `digest` covers the whole definition as the server sent it. */
export interface ToolDefinition {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly annotations: JsonObject;
  readonly visibility: ReadonlySet<"model" | "app">;
  readonly schemes: readonly SecurityScheme[] | undefined;
  readonly resourceUri: string | undefined;
  readonly digest: string;
  /** It may run twice with the same arguments: read-only or idempotent by annotation, or its server keeps idempotency keys for it. */
  readonly repeatable: boolean;
  /** It mirrors arguments into headers (`x-mcp-header` in its schema), which only the SDK's `callTool` does. */
  readonly mirrorsHeaders: boolean;
  /** What to say while it runs and after it (`openai/toolInvocation/*`), at most 64 characters. */
  readonly invoking: string | undefined;
  readonly invoked: string | undefined;
  /** Top-level arguments that hold files (`openai/fileParams`). */
  readonly fileParams: readonly string[];
}

/** A server that says `true` here runs the tool once per idempotency key, however often it is sent (`_meta` of the tool's definition). */
const idempotencyMeta = "countersign/idempotency";

const nameLengthMax = 128;
const textLengthMax = 4000;
/** Characters that hide text from people and show it to models: zero-width, bidirectional control, escape sequences, tags. */
const hiddenCharacters = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]|\udb40[\udc00-\udfff]/g;

/**
 * Judges one entry of `tools/list`; undefined when it has no usable name, declares security or mirrored headers in a way that cannot be understood, or has a schema
 * that is refused (M16): such a tool is not offered.
 */
export function readToolDefinition(raw: unknown): ToolDefinition | undefined {
  // Before anything else: what follows walks the definition as deep as it is.
  if (judgeBounds(raw) !== undefined) return undefined;
  const name = boundedText(member(raw, "name"), nameLengthMax);
  const schemes = parseSecuritySchemes(raw);
  if (name === undefined || !schemes.ok) {
    return undefined;
  }
  const schema = member(raw, "inputSchema");
  const inputSchema = isJsonObject(schema) ? schema : { type: "object" };
  const mirrored = judgeMirroredHeaders(inputSchema);
  if (mirrored === "invalid" || judgeSchema(inputSchema) !== undefined || judgeSchema(member(raw, "outputSchema")) !== undefined) {
    return undefined;
  }
  const declared = member(raw, "annotations");
  const annotations = isJsonObject(declared) ? declared : {};
  const ui = member(member(raw, "_meta"), "ui");
  const resourceUri = boundedText(member(ui, "resourceUri") ?? member(member(raw, "_meta"), "openai/outputTemplate"), 2048);
  return {
    name,
    title: plainText(member(raw, "title") ?? member(annotations, "title")) ?? name,
    description: plainText(member(raw, "description")) ?? "",
    inputSchema: mirrored === "declared" ? inputSchema : withPlainTexts(inputSchema),
    annotations: withPlainTexts(annotations),
    visibility: parseVisibility(raw),
    schemes: schemes.value,
    resourceUri: resourceUri?.startsWith("ui://") === true ? resourceUri : undefined,
    digest: digestJson(raw),
    repeatable:
      member(annotations, "readOnlyHint") === true ||
      member(annotations, "idempotentHint") === true ||
      member(member(raw, "_meta"), idempotencyMeta) === true,
    mirrorsHeaders: mirrored === "declared",
    invoking: statusText(raw, "openai/toolInvocation/invoking"),
    invoked: statusText(raw, "openai/toolInvocation/invoked"),
    fileParams: textList(member(member(raw, "_meta"), "openai/fileParams"), 10, nameLengthMax) ?? [],
  };
}

function statusText(raw: unknown, name: string): string | undefined {
  return plainText(member(member(raw, "_meta"), name))?.slice(0, 64);
}

/** The same for every text inside a schema or a list of annotations, where orders to a model hide as well as in a description. Names of members stay: arguments go by them. */
function withPlainTexts(value: JsonObject): JsonObject {
  const clean = (inner: unknown): unknown => {
    if (typeof inner === "string") return inner.replaceAll(hiddenCharacters, "");
    if (Array.isArray(inner)) return inner.map(clean);
    return isJsonObject(inner) ? Object.fromEntries(Object.entries(inner).map(([name, member]) => [name, clean(member)])) : inner;
  };
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, clean(inner)]));
}

/** Text from a server as it may be shown to people and models: bounded, and without characters that only one of the two can see. */
export function plainText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value.slice(0, textLengthMax).replaceAll(hiddenCharacters, "") : undefined;
}
