/** So much of a line waits at most for the rest of a link or of a row. */
const heldMax = 2000;

/**
 * The last part of a text that is still written, so that what is half there does not look like something else first: marks without words wait, an emphasis and a
 * code span are closed, a link and the head of a table are shown when they are whole.
 */
export function settleTail(part: string): string {
  const place = part.lastIndexOf("\n") + 1;
  const line = part.slice(place);
  const before = part.slice(0, place);
  const fences = part.match(/^[ \t]*(?:`{3,}|~{3,})/gm)?.length ?? 0;
  if (fences % 2 === 1 || /^ {0,3}(?:`{3}|~{3})/.test(part)) return settleCode(before, line);
  const table = headOfTable(part);
  if (table !== undefined) return part.slice(0, table);
  if (onlyMarks.test(line)) return before;
  return before + settleLine(line);
}

/** Signs that begin a block, with nothing in it yet. */
const onlyMarks = /^[\s>]*(?:[-+=#_]+|[*`~]+|\d{1,9}[.)]?)?\s*(?:(?:[-*+]|\d{1,9}[.)])\s+)?(?:\[[ xX]?\]?\s*)?$/;

/** Code has no marks, but its fences. */
function settleCode(before: string, line: string): string {
  if (before === "") return "";
  return /^[ \t]*[`~]+[^\S\n]*$/.test(line) || (/^[ \t]*(?:`{3,}|~{3,})/.test(line) && !line.includes("\n")) ? before : before + line;
}

/** Where the last lines begin that may become a table: a row, and below it as much of a line of dashes as there is. */
function headOfTable(part: string): number | undefined {
  const match = /(?:^|\n)( {0,3}\|[^\n]*)(?:\n([ |:-]*))?$/.exec(part.slice(-heldMax));
  const [whole, row, dashes] = match ?? [];
  if (match === null || whole === undefined || row === undefined) return undefined;
  const start = part.length - whole.length + (whole.startsWith("\n") ? 1 : 0);
  // A row above it: it is one of a table that is there.
  const above = part.slice(0, Math.max(0, start - 1));
  const last = above.slice(above.lastIndexOf("\n") + 1);
  return /^ {0,3}\|/.test(last) ? undefined : dashes === undefined || /^[ |:-]*$/.test(dashes) ? start : undefined;
}

const blockMarks = /^[\s>]*(?:[-*+]\s+|\d{1,9}[.)]\s+|#{1,6}\s+)?(?:\[[ xX]\]\s+)?/;

function settleLine(line: string): string {
  const marks = blockMarks.exec(line)?.[0] ?? "";
  const words = line.slice(marks.length);
  const open: string[] = [];
  const close = (shown: string): string => {
    const end = shown.trimEnd();
    return marks + end + open.toReversed().join("") + shown.slice(end.length);
  };
  for (let at = 0; at < words.length; ) {
    const rest = words.slice(at, at + heldMax);
    const run = /^(?:\\[\s\S]?|`+|\*+|_+|~~|!?\[|<)/.exec(rest)?.[0];
    if (run === undefined) at += 1;
    else if (run.startsWith("\\")) at += run.length;
    else if (run === "<") {
      if (/^<[a-z][^\s<>]*$/i.test(rest) && rest.length < heldMax) return close(words.slice(0, at));
      at += 1;
    } else if (run.startsWith("`")) {
      const end = endOfCode(words, at + run.length, run);
      if (end === undefined) return close(words.slice(0, at) + closedCode(words.slice(at + run.length), run));
      at = end;
    } else if (run.endsWith("[")) {
      const end = endOfLink(rest);
      if (end === undefined) return close(words.slice(0, at));
      at += end;
    } else if (at + run.length === words.length) {
      return close(words.slice(0, at));
    } else {
      emphasize(open, run, words[at - 1], words[at + run.length]);
      at += run.length;
    }
  }
  return close(words);
}

function endOfCode(words: string, from: number, run: string): number | undefined {
  for (const each of words.slice(from).matchAll(/`+/g)) if (each[0] === run) return from + each.index + run.length;
  return undefined;
}

/** A code span that is still open, with its end. */
function closedCode(code: string, run: string): string {
  const shown = code.replace(/`+$/, "");
  return shown.trim() === "" ? "" : `${run}${shown}${run}`;
}

/** How long the link or the brackets are with which a text begins; undefined while that is not known. */
function endOfLink(rest: string): number | undefined {
  const isLong = rest.length >= heldMax;
  const whole = /^!?\[(?:[^\\[\]]|\\.|\[[^\][]*\])*\](?:\([^)\n]*\))?/.exec(rest)?.[0];
  if (whole === undefined) return isLong ? 1 : undefined;
  const next = rest.slice(whole.length);
  const isHalf = !whole.endsWith(")") && (next === "" || next.startsWith("("));
  return isHalf && !isLong ? undefined : whole.length;
}

function emphasize(open: string[], run: string, before: string | undefined, after: string | undefined): void {
  const place = open.lastIndexOf(run);
  if (place >= 0 && before !== undefined && /\S/.test(before)) open.splice(place);
  // Inside a word it may be a sign of arithmetic or of a name.
  else if (run.length <= 3 && (before === undefined || !/[\p{L}\p{N}]/u.test(before)) && after !== undefined && /\S/.test(after)) open.push(run);
}
