import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";

/** What a tool's input schema says about mirroring arguments into `Mcp-Param-*` headers: nothing, something usable, or something that the rules forbid. */
export type MirroredHeaders = "none" | "declared" | "invalid";

const keyword = "x-mcp-header";
const depthMax = 100;
/** RFC 9110 section 5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const mirrorableTypes: ReadonlySet<unknown> = new Set(["string", "integer", "boolean"]);

/**
 * Judges the `x-mcp-header` declarations of a tool (MCP 2026-07-28, Streamable HTTP, custom headers from tool parameters): each is a header token, unique
 * whatever its case, on a property of type string, integer or boolean that a chain of `properties` leads to. A tool that breaks this must not be offered.
 */
export function judgeMirroredHeaders(inputSchema: JsonObject): MirroredHeaders {
  const names = new Set<string>();
  const isValid = (schema: unknown, depth: number): boolean => {
    if (!isJsonObject(schema)) return !declaresAnywhere(schema);
    const { [keyword]: name, properties, ...rest } = schema;
    if (name !== undefined) {
      if (depth === 0 || typeof name !== "string" || !token.test(name) || !mirrorableTypes.has(rest["type"])) return false;
      if (names.has(name.toLowerCase())) return false;
      names.add(name.toLowerCase());
    }
    if (declaresAnywhere(rest) || depth > depthMax) return false;
    return isJsonObject(properties) ? Object.values(properties).every((child) => isValid(child, depth + 1)) : !declaresAnywhere(properties);
  };
  if (!declaresAnywhere(inputSchema)) return "none";
  if (!isValid(inputSchema, 0)) return "invalid";
  return names.size === 0 ? "none" : "declared";
}

/** Looks for the keyword as a name of a member, at any depth. */
function declaresAnywhere(value: unknown): boolean {
  return value !== undefined && JSON.stringify(value).includes(`"${keyword}":`);
}
