import { isJsonObject, type JsonObject, member } from "@countersign/protocol/shape";
import { oneLine, safeJson, severalLines } from "../terminal-text.ts";

/** A tool's result (`CallToolResult` of MCP) for a terminal: its texts, a line for what is none, and its structured content where nothing else can be read. */
export function resultText(result: JsonObject): string {
  const content: unknown = result["content"];
  const parts = Array.isArray(content) ? content.map(blockText).filter((text) => text !== "") : [];
  const structured = result["structuredContent"];
  if (parts.length === 0 && structured !== undefined) return `${safeJson(structured)}\n`;
  return parts.length === 0 ? "(no content)\n" : `${parts.join("\n")}\n`;
}

function blockText(block: unknown): string {
  const { type, text, mimeType, data, uri, name, resource } = isJsonObject(block) ? block : {};
  switch (type) {
    case "text":
      return typeof text === "string" ? severalLines(text) : "";
    case "image":
    case "audio":
      return `[${type}: ${oneLine(String(mimeType), 100)}, ${typeof data === "string" ? Math.floor((data.length * 3) / 4) : 0} bytes]`;
    case "resource_link":
      return `[${oneLine(typeof name === "string" ? name : "resource", 200)}: ${oneLine(String(uri))}]`;
    case "resource": {
      const inside = member(resource, "text");
      return typeof inside === "string" ? severalLines(inside) : `[resource: ${oneLine(String(member(resource, "uri")))}]`;
    }
    default:
      return "";
  }
}
