import { isJsonObject, type JsonObject, member } from "@countersign/protocol/shape";
import { type ToolAuth, toSecuritySchemes } from "../auth.ts";
import type { Rules } from "../policy/rules.ts";

/**
 * Rewrites a server's answer to a list request: each tool carries its security, at the top level and in `_meta` (SEP-1488), whatever it said of it
 * itself; what the rules do not name is not listed, a template by its literal beginning. Any other message is given back as it is.
 */
export function publishRules(message: JsonObject, rules: Rules): JsonObject {
  const result = member(message, "result");
  if (!isJsonObject(result)) return message;
  const { tools, prompts, resources, resourceTemplates } = result;
  if (Array.isArray(tools)) return { ...message, result: { ...result, tools: named(tools, "name", rules.tool).map(describeTool) } };
  if (Array.isArray(prompts)) return { ...message, result: { ...result, prompts: named(prompts, "name", rules.prompt).map(({ entry }) => entry) } };
  if (Array.isArray(resources)) {
    return { ...message, result: { ...result, resources: named(resources, "uri", rules.resource).map(({ entry }) => entry) } };
  }
  if (Array.isArray(resourceTemplates)) {
    const known = named(resourceTemplates, "uriTemplate", rules.resource).map(({ entry }) => entry);
    return { ...message, result: { ...result, resourceTemplates: known } };
  }
  return message;
}

interface Named {
  readonly entry: JsonObject;
  readonly auth: ToolAuth;
}

function named(entries: readonly unknown[], key: "name" | "uri" | "uriTemplate", authOf: (name: string) => ToolAuth | undefined): readonly Named[] {
  return entries.flatMap((entry): Named[] => {
    const name = member(entry, key);
    const auth = typeof name === "string" ? authOf(name) : undefined;
    return auth === undefined || !isJsonObject(entry) ? [] : [{ entry, auth }];
  });
}

function describeTool({ entry, auth }: Named): JsonObject {
  const securitySchemes = toSecuritySchemes(auth);
  const meta = entry["_meta"];
  return { ...entry, securitySchemes, _meta: { ...(isJsonObject(meta) ? meta : {}), securitySchemes } };
}
