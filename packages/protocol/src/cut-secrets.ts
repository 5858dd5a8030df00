import { isJsonObject } from "./shape.ts";

const cut = "[redacted]";

/** The text without these secrets, in whatever case they are repeated: names of headers and schemes lose theirs on the way. */
export function cutText(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret !== "").toSorted((a, b) => b.length - a.length);
  if (known.length === 0) return text;
  return text.replaceAll(new RegExp(known.map((secret) => secret.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "gi"), cut);
}

/** JSON without these secrets in its texts and names; the same value when none is in it. */
export function cutJson(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === "string") return cutText(value, secrets);
  if (Array.isArray(value)) return value.map((item: unknown) => cutJson(item, secrets));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [cutText(name, secrets), cutJson(item, secrets)]));
}
