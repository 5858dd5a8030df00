import { type JsonObject, member } from "@countersign/protocol/shape";

const revisionKey = "io.modelcontextprotocol/protocolVersion";

/** True for a message of 2026-07-28 or later, which carries its revision with it. */
export function isModern(message: JsonObject): boolean {
  return typeof member(member(member(message, "params"), "_meta"), revisionKey) === "string";
}

/**
 * True when a header that repeats what the body says (2026-07-28, transports: standard request headers) says something else. A header that is
 * absent is left to the server behind: the body alone decides what runs.
 *
 * @param header reads a request header, null when it is absent
 */
export function headersDisagree(header: (name: string) => string | null, message: JsonObject): boolean {
  if (!isModern(message)) return false;
  const params = member(message, "params");
  const said = [
    [header("mcp-method"), member(message, "method")],
    [decodeName(header("mcp-name")), member(params, "name") ?? member(params, "uri")],
  ] as const;
  return said.some(([name, value]) => name !== null && name !== value);
}

/** Names outside of visible ASCII travel as `=?base64?...?=`. One that cannot be read agrees with nothing. */
function decodeName(value: string | null): string | null {
  const coded = value === null ? null : /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/.exec(value.trim())?.[1];
  if (coded === undefined || coded === null) return value?.trim() ?? null;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(atob(coded), (char) => char.charCodeAt(0)));
  } catch {
    return "";
  }
}
