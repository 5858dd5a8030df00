import { oneLine } from "../terminal-text.ts";

const wordLengthMax = 40;

/** The known word that was most likely meant: at most two letters away, and nearer than half of what was typed. */
export function nearestOf(word: string, known: readonly string[]): string | undefined {
  if (word.length > wordLengthMax) return undefined;
  const allowed = Math.min(2, Math.floor(word.length / 2));
  const near = known.map((each) => ({ each, steps: stepsBetween(word, each) })).filter(({ steps }) => steps <= allowed);
  return near.toSorted((one, other) => one.steps - other.steps)[0]?.each;
}

/** “ Did you mean …?” with a blank before it, or nothing. The known words may be a server's. */
export function didYouMean(word: string, known: readonly string[]): string {
  const nearest = nearestOf(word, known);
  return nearest === undefined ? "" : ` Did you mean ${oneLine(nearest, wordLengthMax * 2)}?`;
}

/** How many letters must be put in, taken out, changed or swapped with their neighbour to make one word of the other (optimal string alignment). */
function stepsBetween(one: string, other: string): number {
  let before: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 1; row <= one.length; row += 1) {
    const next = [row];
    for (let at = 1; at <= other.length; at += 1) {
      const same = one[row - 1] === other[at - 1] ? 0 : 1;
      const steps = [(last[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1, (last[at - 1] ?? 0) + same];
      const swapped = row > 1 && at > 1 && one[row - 1] === other[at - 2] && one[row - 2] === other[at - 1];
      if (swapped) steps.push((before[at - 2] ?? 0) + 1);
      next.push(Math.min(...steps));
    }
    before = last;
    last = next;
  }
  return last[other.length] ?? 0;
}
