import { readableText } from "@countersign/protocol/readable-text";

/** One line of another party's words for a terminal: nothing that moves its cursor, changes its title or hides from people gets through. */
export function oneLine(text: string, lengthMax = 2000): string {
  return (readableText(text, lengthMax) ?? "").replaceAll(/\s+/g, " ");
}

/** JSON that a terminal takes as it is: what it would not show, or would obey, stands there escaped. Any JSON reader gives the same value. */
export function safeJson(value: unknown, indent = 2): string {
  const text = JSON.stringify(value, undefined, indent);
  return text.replaceAll(/[\u007f-\u009f\p{Cf}\p{Co}\p{Cn}\u2028\u2029]/gu, (character) =>
    Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`).join(""),
  );
}
