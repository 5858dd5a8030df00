import { isJsonObject } from "@countersign/protocol/shape";

/** What a schema is refused for (M16); nothing here is ever fetched, compiled or run. */
export type SchemaProblem = "too_deep" | "too_large" | "remote_reference" | "too_many_alternatives" | "costly_pattern";

const depthMax = 64;
const valuesMax = 20_000;
const alternativesMax = 200;
const patternLengthMax = 256;

const referenceKeywords: ReadonlySet<string> = new Set(["$ref", "$dynamicRef", "$recursiveRef"]);
const alternativeKeywords: ReadonlySet<string> = new Set(["allOf", "anyOf", "oneOf"]);

/** Says what makes a server's JSON too large to be looked at: walked without recursion, and never further than the bounds. */
export function judgeBounds(value: unknown): "too_deep" | "too_large" | undefined {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  let count = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    count += 1;
    if (count > valuesMax) return "too_large";
    if (next.depth > depthMax) return "too_deep";
    if (typeof next.value !== "object" || next.value === null) continue;
    const children = Object.values(next.value);
    if (children.length > valuesMax - count) return "too_large";
    for (const child of children) open.push({ value: child, depth: next.depth + 1 });
  }
  return undefined;
}

/**
 * Judges a schema within {@link judgeBounds}: references stay in the document (JSON Schema 2020-12 section 8.2.3; MCP: no automatic network `$ref`), alternatives are few,
 * and patterns are short and without the nesting of repetitions that makes a matcher try exponentially many ways.
 */
export function judgeSchema(schema: unknown): SchemaProblem | undefined {
  if (Array.isArray(schema)) return firstProblem(schema);
  if (!isJsonObject(schema)) return undefined;
  for (const [name, value] of Object.entries(schema)) {
    if (referenceKeywords.has(name) && typeof value === "string" && !value.startsWith("#")) return "remote_reference";
    if (alternativeKeywords.has(name) && Array.isArray(value) && value.length > alternativesMax) return "too_many_alternatives";
    if (name === "pattern" && typeof value === "string" && isCostly(value)) return "costly_pattern";
    if (name === "patternProperties" && isJsonObject(value) && Object.keys(value).some(isCostly)) return "costly_pattern";
  }
  return firstProblem(Object.values(schema));
}

function firstProblem(values: readonly unknown[]): SchemaProblem | undefined {
  for (const value of values) {
    const problem = judgeSchema(value);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** A repetition of something that repeats or branches, or a back reference: read in one pass, without running it. */
function isCostly(pattern: string): boolean {
  if (pattern.length > patternLengthMax) return true;
  const groups: { repeats: boolean }[] = [{ repeats: false }];
  let closed: { repeats: boolean } | undefined;
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at] ?? "";
    const repeats = character === "*" || character === "+" || (character === "{" && /^\{\d*,?\d*\}/.test(pattern.slice(at)));
    if (repeats && closed?.repeats === true) return true;
    if (repeats || character === "|") groups.forEach((group) => (group.repeats = true));
    closed = undefined;
    if (character === "\\") {
      if (/[1-9k]/.test(pattern[at + 1] ?? "")) return true;
      at += 1;
    } else if (character === "[") {
      at = endOfClass(pattern, at);
    } else if (character === "(") {
      groups.push({ repeats: false });
    } else if (character === ")" && groups.length > 1) {
      closed = groups.pop();
    }
  }
  return false;
}

function endOfClass(pattern: string, from: number): number {
  for (let at = from + 1; at < pattern.length; at += 1) {
    if (pattern[at] === "\\") at += 1;
    else if (pattern[at] === "]") return at;
  }
  return pattern.length;
}
