import { inspectJson } from "@countersign/protocol/json-guard";
import { isJsonObject, member } from "@countersign/protocol/shape";
import { readBytes } from "@countersign/service/body";

const revision = "2026-07-28";
const bytesMax = 65_536;
const envelope = {
  "io.modelcontextprotocol/protocolVersion": revision,
  "io.modelcontextprotocol/clientInfo": { name: "ucp-platform", version: "0" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

/**
 * UCP's platforms send one bare JSON-RPC request and read one JSON answer: no handshake, no session, no stream, no protocol revision. That is what MCP 2026-07-28
 * is, less the words by which a client says so; this adds them to such a `tools/list` or `tools/call`. Undefined when the body is too long or breaks off. Any
 * other request is passed on as it came.
 */
export async function dressBareCall(request: Request): Promise<Request | undefined> {
  if (request.method !== "POST" || request.headers.has("mcp-protocol-version")) return request;
  const bytes = await readBytes(request, bytesMax);
  if (!bytes.ok) return undefined;
  const text = bytes.value.toString("utf8");
  const headers = new Headers(request.headers);
  headers.delete("content-length");
  const dressed = headers.get("content-type")?.startsWith("application/json") === true ? dress(text, headers) : undefined;
  return new Request(request.url, { method: "POST", headers, body: dressed ?? new Uint8Array(bytes.value) });
}

/** Text that is not one plain call stays what it is, for the endpoint to judge. */
function dress(text: string, headers: Headers): string | undefined {
  if (inspectJson(text, { maxDepth: 32, maxElements: 2000 }) !== undefined) return undefined;
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  const method = member(message, "method");
  const params = member(message, "params");
  const name = member(params, "name");
  if (!isJsonObject(message) || (params !== undefined && !isJsonObject(params)) || member(params, "_meta") !== undefined) return undefined;
  const isCall = method === "tools/call" && typeof name === "string" && /^[a-z_]{1,64}$/.test(name);
  if (!isCall && method !== "tools/list") return undefined;
  headers.set("content-type", "application/json");
  headers.set("accept", "application/json, text/event-stream");
  headers.set("mcp-protocol-version", revision);
  headers.set("mcp-method", method);
  if (isCall) headers.set("mcp-name", name);
  // Platforms name themselves in `arguments` of a list too, which MCP does not have there.
  const asked = isCall ? { name, arguments: member(params, "arguments") } : {};
  return JSON.stringify({ ...message, params: { ...asked, _meta: envelope } });
}
