import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readBlocks } from "../../src/words/read-blocks.ts";
import { settleTail } from "../../src/words/settle-tail.ts";
import { markdown } from "./markdown.ts";

describe("while it is written", () => {
  it.each([
    ["words are as they are", "Mugs are ", "Mugs are "],
    ["an emphasis is closed", "a **bold wor", "a **bold wor**"],
    ["an emphasis in another is closed", "a **bold *and ", "a **bold *and*** "],
    ["half an end is an end", "a **bold*", "a **bold**"],
    ["marks without words wait", "a **", "a "],
    ["code is closed", "a `b", "a `b`"],
    ["code in an emphasis is closed", "**a `b", "**a `b`**"],
    ["a sign of arithmetic is none", "2*3 = ", "2*3 = "],
    ["a name with lines is none", "a_b_c", "a_b_c"],
    ["a link waits", "see [the shop](https://a.exa", "see "],
    ["the words of a link wait", "see [the sh", "see "],
    ["a picture waits", "see ![a](https", "see "],
    ["a whole link is there", "see [a](https://a.example/) and **b", "see [a](https://a.example/) and **b**"],
    ["brackets that are no link are there", "a[0] = **b", "a[0] = **b**"],
    ["an address in angles waits", "see <https://a.exa", "see "],
    ["the beginning of a block waits", "a\n\n- ", "a\n\n"],
    ["the beginning of a fence waits", "a\n\n``", "a\n\n"],
    ["a task's box waits", "- [ ", ""],
    ["a number waits to be one of a list", "a\n2", "a\n"],
    ["the first line of code waits", "```j", ""],
    ["code is as it is", "```js\nconst a = `**b", "```js\nconst a = `**b"],
    ["the end of code is none of it", "```js\na\n``", "```js\na\n"],
    ["the head of a table waits", "a\n| b | c", "a\n"],
    ["the head of a table waits for its line", "| b | c |\n|--", ""],
    ["a table is there with its first row", "| b |\n|--|\n| **c", "| b |\n|--|\n| **c**"],
    ["a row is no head", "| b |\n|--|\n| c |\n", "| b |\n|--|\n| c |\n"],
    ["a line that was no head is there", "| b |\nc", "| b |\nc"],
  ])("%s", (_, text, settled) => {
    expect(settleTail(text)).toBe(settled);
  });

  it("an address is never shown before it is whole", () => {
    const whole = "See [**the** shop](https://a.example/b) and ![a](https://a.example/c.png).";
    for (let end = 1; end <= whole.length; end += 1) {
      const shown = JSON.stringify(readBlocks(settleTail(whole.slice(0, end))));
      expect(shown).not.toContain("](");
      expect([...shown.matchAll(/https:[^"]*/g)].every(([address]) => ["https://a.example/b", "https://a.example/c.png"].includes(address))).toBe(
        true,
      );
    }
  });

  it("any text can be read, and nothing is shown that was not said", () => {
    fc.assert(
      fc.property(markdown, (text) => {
        const settled = settleTail(text);
        readBlocks(settled);
        const said = (each: string): string => each.replaceAll(/[*_~`\s]/g, "");
        expect(said(text).startsWith(said(settled))).toBe(true);
      }),
    );
  });
});
