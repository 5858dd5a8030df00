import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";

/** `maxDepth`: nested objects and arrays. `maxElements`: values in all, containers too. */
export interface JsonLimits {
  readonly maxDepth: number;
  readonly maxElements: number;
}

interface Frame {
  /** Member names of an object so far; undefined in an array. */
  readonly names: Set<string> | undefined;
  readonly underConstructor: boolean;
}

const quote = 0x22;
const backslash = 0x5c;

/**
 * Looks at JSON text before it is parsed: refuses what is too deep or too large, names that occur twice in an object (two readers would disagree), and names that
 * reach an object's prototype. Text that is not JSON at all may pass; the parser refuses it.
 */
export function inspectJson(text: string, limits: JsonLimits): Refusal | undefined {
  const open: Frame[] = [];
  let elements = 0;
  let name: string | undefined;
  let inValue = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const frame = open.at(-1);
    if (code === quote) {
      const end = endOfString(text, at);
      if (frame?.names !== undefined && name === undefined) {
        name = readName(text, at, end);
        const problem = judgeName(name, frame);
        if (problem !== undefined) return problem;
      } else {
        elements += 1;
      }
      at = end;
    } else if (code === 0x7b || code === 0x5b) {
      elements += 1;
      if (open.length >= limits.maxDepth) return refuse("invalid_request", `JSON is nested deeper than ${limits.maxDepth}`);
      open.push({ names: code === 0x7b ? new Set() : undefined, underConstructor: name === "constructor" });
      name = undefined;
      inValue = false;
    } else if (code === 0x7d || code === 0x5d) {
      open.pop();
      inValue = false;
    } else if (code === 0x2c) {
      name = undefined;
      inValue = false;
    } else if (isScalarStart(code)) {
      if (!inValue) elements += 1;
      inValue = true;
    }
    if (elements > limits.maxElements) return refuse("request_too_large", `JSON holds more than ${limits.maxElements} values`);
  }
  return undefined;
}

function isScalarStart(code: number): boolean {
  return code > 0x20 && code !== 0x3a;
}

/** The index of the closing quote, or of the end of an unfinished text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) return at;
    if (code === backslash) at += 1;
  }
  return text.length;
}

function readName(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end);
  if (!raw.includes("\\")) return raw;
  try {
    return String(JSON.parse(text.slice(start, end + 1)));
  } catch {
    return raw;
  }
}

function judgeName(name: string, frame: Frame): Refusal | undefined {
  if (name === "__proto__" || (name === "prototype" && frame.underConstructor)) return refuse("invalid_request", "a member name is reserved");
  if (frame.names?.has(name) === true) return refuse("invalid_request", "a member name occurs twice");
  frame.names?.add(name);
  return undefined;
}
