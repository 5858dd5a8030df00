import { parseWidgetPolicy } from "@countersign/protocol/sandbox";
import type { ToolObservation, ViewObservation } from "@countersign/protocol/server-observation";
import { isJsonObject, member } from "@countersign/protocol/shape";
import type { Asker } from "./ask.ts";
import { send, type Speech } from "./message.ts";

/** Views that are looked at: the first few say what the rest is like. */
const viewsMax = 5;
/** The grammar is judged as a host in production judges it, except for a server on this machine. */
const consoleOrigin = "https://doctor.example";

type Mime = Extract<ViewObservation, { seen: "document" }>["mime"];

const mimes: Readonly<Record<string, Mime>> = { "text/html;profile=mcp-app": "mcp-app", "text/html+skybridge": "skybridge" };

/** Reads the documents that tools name as their views (MCP Apps 2026-01-26) and tells their type, size and what they declare. Nothing of them is run or kept. */
export async function probeViews(
  asker: Asker,
  speech: Speech,
  tools: readonly ToolObservation[],
  development: boolean,
): Promise<readonly ViewObservation[]> {
  const uris = [...new Set(tools.flatMap(({ view }) => view ?? []))].slice(0, viewsMax);
  const views: ViewObservation[] = [];
  for (const uri of uris) views.push(await probeView(asker, speech, uri, development));
  return views;
}

async function probeView(asker: Asker, speech: Speech, uri: string, development: boolean): Promise<ViewObservation> {
  const reply = await send(asker, speech, { method: "resources/read", params: { uri }, name: uri });
  switch (reply.seen) {
    case "nothing":
      return { uri, ...reply };
    case "challenged":
      return { seen: "refused", uri, status: reply.challenge.status };
    case "unreadable":
      return { seen: "refused", uri, status: reply.status };
    case "error":
      return { seen: "refused", uri, status: reply.status, ...(reply.code === undefined ? {} : { code: reply.code }) };
    case "result": {
      const contents = member(reply.result, "contents");
      const all: readonly unknown[] = Array.isArray(contents) ? contents : [];
      // One content is the document, whatever address it bears.
      const content = all.length === 1 ? all[0] : all.find((each) => member(each, "uri") === uri);
      return content === undefined ? { seen: "refused", uri, status: reply.answer.status } : readView(uri, content, development);
    }
  }
}

function readView(uri: string, content: unknown, development: boolean): ViewObservation {
  const meta = member(content, "_meta");
  const ui = member(meta, "ui");
  const policy = parseWidgetPolicy(meta, { consoleOrigin, development });
  const mimeType = member(content, "mimeType");
  const domain = member(ui, "domain") ?? member(meta, "openai/widgetDomain");
  return {
    seen: "document",
    uri,
    mime: typeof mimeType === "string" ? (mimes[mimeType.replaceAll(" ", "").toLowerCase()] ?? "other") : "other",
    bytes: bytesOf(content),
    csp: policy.ok ? cspBy(isJsonObject(member(ui, "csp")), isJsonObject(member(meta, "openai/widgetCSP"))) : "refused",
    frames: policy.ok && policy.value.frameDomains.length > 0,
    domain: typeof domain === "string",
    ...(policy.ok || policy.error.detail === undefined ? {} : { detail: policy.error.detail }),
  };
}

function cspBy(ui: boolean, openai: boolean): "ui" | "openai" | "both" | "none" {
  if (ui && openai) return "both";
  if (ui) return "ui";
  return openai ? "openai" : "none";
}

/** Of the document, not of its base64. */
function bytesOf(content: unknown): number {
  const text = member(content, "text");
  if (typeof text === "string") return Buffer.byteLength(text);
  const blob = member(content, "blob");
  return typeof blob === "string" ? Math.floor((blob.replace(/=+$/, "").length * 3) / 4) : 0;
}
