import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";

interface Frame {
  readonly closer: "}" | "]";
  /** In an object: a name comes next, not a value. */
  expectsName: boolean;
}

/** Where the text can be cut so that, closed by `closers`, it is JSON. */
interface Cut {
  readonly length: number;
  readonly closers: string;
}

const depthMax = 64;

/**
 * The JSON object that the beginning of its text tells of so far, for views that show arguments while they are written (MCP Apps 2026-01-26,
 * `ui/notifications/tool-input-partial`). A text that goes on is given as far as it has come; a member without a value, and a number or word that may go on,
 * is left out. Undefined before the object begins, and for most of what is no beginning of
 * one: whether arguments are JSON is judged when they are whole.
 */
export function readPartialObject(text: string): JsonObject | undefined {
  const frames: Frame[] = [];
  let cut: Cut | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    const frame = frames.at(-1);
    if (char === '"') {
      const end = endOfString(text, at);
      const isValue = frame?.expectsName !== true;
      if (end === undefined) return isValue ? parse(`${withoutOpenEscape(text)}"${closersOf(frames)}`) : closed(text, cut);
      at = end;
      if (isValue) cut = { length: at + 1, closers: closersOf(frames) };
    } else if (char === "{" || char === "[") {
      if (frames.length === depthMax) return undefined;
      frames.push({ closer: char === "{" ? "}" : "]", expectsName: char === "{" });
      cut = { length: at + 1, closers: closersOf(frames) };
    } else if (char === "}" || char === "]") {
      frames.pop();
      cut = { length: at + 1, closers: closersOf(frames) };
    } else if (char === ",") {
      cut = { length: at, closers: closersOf(frames) };
      if (frame?.closer === "}") frame.expectsName = true;
    } else if (char === ":" && frame !== undefined) frame.expectsName = false;
  }
  return closed(text, cut);
}

function closed(text: string, cut: Cut | undefined): JsonObject | undefined {
  return cut === undefined ? undefined : parse(`${text.slice(0, cut.length)}${cut.closers}`);
}

function parse(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function closersOf(frames: readonly Frame[]): string {
  return frames
    .map(({ closer }) => closer)
    .toReversed()
    .join("");
}

function endOfString(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return at;
  }
  return undefined;
}

/** An escape at the very end may not be whole. */
function withoutOpenEscape(text: string): string {
  const tail = /\\+(?:u[0-9a-fA-F]{0,3})?$/.exec(text)?.[0] ?? "";
  const slashes = tail.lastIndexOf("\\") + 1;
  return slashes % 2 === 0 ? text : text.slice(0, text.length - (tail.length - slashes) - 1);
}
