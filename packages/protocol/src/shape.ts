/** A JSON object from outside. Read it only through {@link member}, so that inherited names never count. */
export type JsonObject = { readonly [name: string]: unknown };

/** Says whether a value is an object that is not a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads an own member; anything that is no object, or lacks the name, gives `undefined`. */
export function member(value: unknown, name: string): unknown {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** Gives the text when it is a string of 1 to `lengthMax` UTF-16 units without control characters. */
export function boundedText(value: unknown, lengthMax: number): string | undefined {
  if (typeof value !== "string" || value.length === 0 || value.length > lengthMax) return undefined;
  return /[\u0000-\u001f\u007f-\u009f]/u.test(value) ? undefined : value;
}

/** Gives the list when it holds at most `countMax` texts, each within {@link boundedText}. */
export function textList(value: unknown, countMax: number, lengthMax: number): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length > countMax) return undefined;
  const texts: string[] = [];
  for (const item of value) {
    const text = boundedText(item, lengthMax);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return texts;
}

/** Says whether an object has no member beside the allowed ones: a closed shape. */
export function hasOnlyMembers(value: JsonObject, allowed: readonly string[]): boolean {
  return Object.keys(value).every((name) => allowed.includes(name));
}
