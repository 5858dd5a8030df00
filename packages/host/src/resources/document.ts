import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { parseWidgetPolicy, type SandboxPlace, type WidgetPolicy } from "@countersign/protocol/sandbox";
import { isJsonObject, member, type JsonObject } from "@countersign/protocol/shape";

/** A widget's document as it may be shown: judged type, size and policy. */
export interface WidgetDocument {
  readonly html: string;
  readonly meta: JsonObject;
  readonly policy: WidgetPolicy;
}

const htmlBytesMax = 3 * 1024 * 1024;
const mimeTypes: ReadonlySet<string> = new Set(["text/html;profile=mcp-app", "text/html+skybridge"]);

/**
 * Judges what `resources/read` gave for a `ui://` address (MCP Apps 2026-01-26): one HTML document of at most 3 MB, as text or base64, whose declared
 * domains and permissions stay within the grammar. `listed` is what the list of resources declares of it, for a document that declares nothing itself. Refuses with `widget_refused`; nothing is repaired.
 */
export function readWidgetDocument(result: JsonObject, uri: string, place: SandboxPlace, listed?: unknown): Result<WidgetDocument, Refusal> {
  const content = contentOf(result, uri);
  if (content === undefined) return err(refuse("widget_refused", "the server sent no document for this address"));
  const mimeType = member(content, "mimeType");
  if (typeof mimeType !== "string" || !mimeTypes.has(mimeType.replaceAll(" ", "").toLowerCase())) {
    return err(refuse("widget_refused", "the document is not of a widget's type"));
  }
  const html = readText(content);
  if (html === undefined) return err(refuse("widget_refused", "the document has no text"));
  if (Buffer.byteLength(html) > htmlBytesMax) return err(refuse("widget_refused", `the document is larger than ${htmlBytesMax} bytes`));
  const declared = member(content, "_meta") ?? listed;
  const meta = isJsonObject(declared) ? declared : {};
  const policy = parseWidgetPolicy(meta, place);
  return policy.ok ? ok({ html, meta, policy: policy.value }) : policy;
}

/** Whether the document itself declares something, so that nothing else has to be asked. */
export function hasOwnMeta(result: JsonObject, uri: string): boolean {
  return isJsonObject(member(contentOf(result, uri), "_meta"));
}

function contentOf(result: JsonObject, uri: string): unknown {
  const contents = member(result, "contents");
  return Array.isArray(contents) ? contents.find((entry) => member(entry, "uri") === uri) : undefined;
}

function readText(content: unknown): string | undefined {
  const text = member(content, "text");
  if (typeof text === "string") return text;
  const blob = member(content, "blob");
  if (typeof blob !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(blob)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(blob, "base64"));
  } catch {
    return undefined;
  }
}
