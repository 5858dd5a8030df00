import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitWords } from "../../src/words/split-words.ts";
import { markdown } from "./markdown.ts";

describe("a text", () => {
  it.each([
    ["blocks after a blank line", "a\nb\n\nc", ["a\nb\n\n", "c"]],
    ["code, whole", "a\n```\nb\n\nc\n```\nd", ["a\n", "```\nb\n\nc\n```\n", "d"]],
    ["code whose end is a longer fence", "~~~\n```\n\n~~~~\na", ["~~~\n```\n\n~~~~\n", "a"]],
    ["code without an end", "```js\na\n\nb", ["```js\na\n\nb"]],
    ["a list, whole", "- a\n\n- b\n\n  c\n\nd", ["- a\n\n- b\n\n  c\n\n", "d"]],
    ["the code of a list's entry with it", "1. a\n\n   ```\n   b\n\n   c\n   ```\n\n2. d", ["1. a\n\n   ```\n   b\n\n   c\n   ```\n\n2. d"]],
  ])("is cut into %s", (_, text, parts) => {
    expect(splitWords(text)).toEqual(parts);
  });

  it("is cut where it is too long, between words and never inside a character", () => {
    const [first, second] = splitWords("word ".repeat(4000));
    expect(first).toMatch(/ $/);
    expect((first ?? "").length + (second ?? "").length).toBe(20_000);
    for (const part of splitWords("a😀".repeat(8000))) expect(part.isWellFormed()).toBe(true);
    expect(splitWords("- a\n".repeat(1000)).map((part) => part.length)).toEqual([1600, 1600, 800]);
  });

  it("is all of its parts, and only the last ones change while it grows", () => {
    fc.assert(
      fc.property(markdown, markdown, (text, more) => {
        const parts = splitWords(text);
        expect(parts.join("")).toBe(text);
        // The line that decides whether the last part belongs to the one before may itself still grow.
        const settled = parts.slice(0, -2);
        expect(splitWords(text + more).slice(0, settled.length)).toEqual(settled);
      }),
    );
  });
});
