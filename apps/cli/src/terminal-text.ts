import { readableText } from "@countersign/protocol/readable-text";

const linesMax = 2000;

/** One line of another party's words for a terminal: nothing that moves its cursor, changes its title or hides from people gets through. */
export function oneLine(text: string, lengthMax = 2000): string {
  return (readableText(text, lengthMax) ?? "").replaceAll(/\s+/g, " ");
}

/** The same for a text of several lines, which keeps its lines and indentation. */
export function severalLines(text: string, lengthMax = 200_000): string {
  const lines = text
    .slice(0, lengthMax)
    .split(/\r\n|[\n\r\u0085\u2028\u2029]/)
    .slice(0, linesMax);
  return lines.map((line) => `${/^[ \t]*/.exec(line)?.[0] ?? ""}${readableText(line, lengthMax) ?? ""}`.trimEnd()).join("\n");
}

/** JSON that a terminal takes as it is: what it would not show, or would obey, stands there escaped. Any JSON reader gives the same value. */
export function safeJson(value: unknown, indent = 2): string {
  const text = JSON.stringify(value, undefined, indent);
  return text.replaceAll(/[\u007f-\u009f\p{Cf}\p{Co}\p{Cn}\u2028\u2029]/gu, (character) =>
    Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`).join(""),
  );
}
