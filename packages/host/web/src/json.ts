/** Readers for JSON that came from outside: each gives a typed value, or `undefined` when the value is something else. */

/** A string of at most `charsMax` UTF-16 units; longer ones are cut, because they are only shown. */
export function readText(value: unknown, charsMax = 4096): string | undefined {
  return typeof value === "string" ? value.slice(0, charsMax) : undefined;
}

/** A finite number. */
export function readNumber(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** The strings of a list, at most `itemsMax` of them; a missing list is empty. */
export function readTexts(value: unknown, itemsMax = 200): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.filter((item): item is string => typeof item === "string").slice(0, itemsMax);
}

/** The items of a list that `read` accepts; a missing list is empty. */
export function readList<T>(value: unknown, read: (item: unknown) => T | undefined, itemsMax = 500): readonly T[] {
  if (!Array.isArray(value)) return [];
  const found: T[] = [];
  for (const item of value.slice(0, itemsMax)) {
    const parsed = read(item);
    if (parsed !== undefined) found.push(parsed);
  }
  return found;
}

/** A point in time as milliseconds since 1970, from an ISO 8601 text or a number of milliseconds. */
export function readTime(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "string") return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}

/** Parses text as JSON; `undefined` when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
