/**
 * Reads the JSON of a document, where `…` stands for what is left out: a value, members, elements, or the rest of a text. Several values may follow each other, and
 * members may stand without their object. Throws a `SyntaxError` for anything else.
 */
export function readShortenedJson(text: string): readonly unknown[] {
  const whole = text.trim();
  const values = splitValues(/^"(?:[^"\\]|\\.)*"\s*:/.test(whole) ? `{${whole.replace(/,$/, "")}}` : whole);
  return values.map((value) => JSON.parse(fillIn(value)) as unknown);
}

const strings = /"(?:[^"\\\n]|\\.)*"/g;

/** Values one after another, by the depth of their brackets. */
function splitValues(text: string): readonly string[] {
  const bare = text.replaceAll(strings, (match) => "_".repeat(match.length));
  const values: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < bare.length; at += 1) {
    if ("{[".includes(bare.charAt(at))) depth += 1;
    if (!"}]".includes(bare.charAt(at))) continue;
    depth -= 1;
    if (depth > 0) continue;
    values.push(text.slice(start, at + 1));
    start = at + 1;
  }
  const rest = text.slice(start).trim();
  return rest === "" ? values : [...values, rest];
}

/** `…` as a value is null, beside others it is nothing. */
function fillIn(value: string): string {
  const kept: string[] = [];
  const bare = value.replaceAll(strings, (match) => `"${kept.push(match) - 1}"`);
  const filled = bare
    .replaceAll(/:\s*…/g, ": null")
    .replaceAll(/,\s*…/g, "")
    .replaceAll(/([{[])\s*…\s*,?/g, "$1");
  return filled.replaceAll(/"(\d+)"/g, (_, index: string) => kept[Number(index)] ?? "");
}
