import { boundedText, isJsonObject, member, type JsonObject } from "@countersign/protocol/shape";
import { plainText } from "../connections/tool-definition.ts";

/** How a widget wants to be shown, and what the model is told that it shows. */
export interface Presentation {
  readonly prefersBorder: boolean;
  readonly description: string | undefined;
}

/** The members of a resource's `_meta` that this host understands (MCP Apps 2026-01-26, and the older `openai/*` names). */
const understood = ["ui", "openai/widgetCSP", "openai/widgetPrefersBorder", "openai/widgetDescription"] as const;

/** What is kept of a resource's `_meta`. */
export function pickMeta(meta: unknown): JsonObject {
  return Object.fromEntries(
    understood.flatMap((name) => {
      const value = member(meta, name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Reads what {@link pickMeta} kept. A border is drawn unless the app says otherwise. */
export function readPresentation(meta: JsonObject): Presentation {
  const border = member(member(meta, "ui"), "prefersBorder") ?? member(meta, "openai/widgetPrefersBorder");
  const description = plainText(member(meta, "openai/widgetDescription"));
  return { prefersBorder: border !== false, description: boundedText(description?.replaceAll(/\s+/g, " ").slice(0, 1000), 1000) };
}

/** Those of the declared permissions that are granted, as the console passes them on. */
export function permissionsOf(meta: JsonObject, granted: readonly string[]): JsonObject {
  const permissions = member(member(meta, "ui"), "permissions");
  if (!isJsonObject(permissions)) return {};
  return Object.fromEntries(Object.entries(permissions).filter(([name]) => granted.includes(name)));
}
