/** Characters that hide text from people and show it to machines: controls (but tab and newline), zero-width, bidirectional, tags, variation selectors. */
const hidden =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Variation_Selector}|[\u{e0000}-\u{e007f}]/gu;

/**
 * A server's text as a person may read it: no character that only one of the two can see, at most `lengthMax` UTF-16 units (cut at the end), no blank at either
 * end. `undefined` when it is no text or nothing is left.
 */
export function readableText(value: unknown, lengthMax: number): string | undefined {
  if (typeof value !== "string") return undefined;
  const text = value
    .slice(0, lengthMax * 4)
    .replaceAll(hidden, "")
    .trim()
    .slice(0, lengthMax);
  return text === "" ? undefined : text;
}
