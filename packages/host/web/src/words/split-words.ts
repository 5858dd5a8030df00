import { wholeCharacter } from "./bounded-lexer.ts";

/** So many UTF-16 units and lines are read at once, except of code, which has no marks inside. */
const partMax = 16_000;
const linesMax = 400;

interface Fence {
  readonly sign: string;
  readonly length: number;
}

/**
 * Cuts a text into parts that are read one by one: a block of code between its fences, or blocks that a blank line ends. All parts together are the text. Where
 * it is cut depends on what stands before and on the one line behind, so that only the last part changes while the text grows.
 */
export function splitWords(text: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let fence: Fence | undefined;
  let lines = 0;
  let hasList = false;
  let afterBlank = false;
  const cut = (at: number): void => {
    if (at > start) parts.push(text.slice(start, at));
    start = Math.max(start, at);
    lines = 0;
    hasList = false;
  };
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf("\n", at);
    const end = found < 0 ? text.length : found + 1;
    const line = text.slice(at, end);
    if (fence !== undefined) {
      if (closes(line, fence)) {
        fence = undefined;
        cut(end);
      }
    } else {
      fence = opens(line, hasList);
      if (fence !== undefined || (afterBlank && beginsAnew(line, hasList)) || end - start > partMax || lines === linesMax) cut(at);
      if (fence === undefined) {
        hasList ||= listMark.test(line);
        for (let over = end - start; over > partMax; over = end - start) cut(cutInside(text, start));
      }
    }
    lines += 1;
    afterBlank = line.trim() === "";
    at = end;
  }
  cut(text.length);
  return parts;
}

const listMark = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)/;

/** Inside a list a fence belongs to its entry, unless it stands at the very beginning of its line. */
function opens(line: string, hasList: boolean): Fence | undefined {
  const marks = /^( {0,3})(`{3,}(?=[^`]*$)|~{3,})/.exec(line);
  const run = marks?.[2];
  if (run === undefined || (hasList && marks?.[1] !== "")) return undefined;
  return { sign: run.slice(0, 1), length: run.length };
}

function closes(line: string, { sign, length }: Fence): boolean {
  const run = /^ {0,3}(`{3,}|~{3,})\s*$/.exec(line)?.[1];
  return run !== undefined && run.startsWith(sign) && run.length >= length;
}

/** Whether a line after a blank one belongs to nothing above it. */
function beginsAnew(line: string, hasList: boolean): boolean {
  return /^\S/.test(line) && !(hasList && listMark.test(line));
}

function cutInside(text: string, start: number): number {
  const blank = text.lastIndexOf(" ", start + partMax - 1);
  return blank > start ? blank + 1 : wholeCharacter(text, start + partMax);
}
