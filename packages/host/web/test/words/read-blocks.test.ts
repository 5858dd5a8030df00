import { describe, expect, it } from "vitest";
import { readBlocks } from "../../src/words/read-blocks.ts";

const paragraph = (...children: readonly unknown[]): unknown => ({ kind: "paragraph", children });
const link = (href: string, host: string | undefined, ...children: readonly unknown[]): unknown => ({ kind: "link", href, host, children });

describe("Markdown", () => {
  it.each([
    ["words", "Two mugs.", [paragraph("Two mugs.")]],
    ["lines, each its own", "a\nb  \nc", [paragraph("a\nb", { kind: "break" }, "c")]],
    ["a heading", "### Mugs ###", [{ kind: "heading", depth: 3, children: ["Mugs"] }]],
    ["no heading by a line below it", "Mugs\n---", [paragraph("Mugs"), { kind: "rule" }]],
    [
      "emphases",
      "**a *b*** ~~c~~ `d`",
      [
        paragraph({ kind: "strong", children: ["a ", { kind: "em", children: ["b"] }] }, " ", { kind: "del", children: ["c"] }, " ", {
          kind: "code",
          text: "d",
        }),
      ],
    ],
    ["code with its language", "```ts title=x\na < b\n```", [{ kind: "code", language: "ts title=x", text: "a < b" }]],
    ["code without an end", "```\na\n\nb", [{ kind: "code", language: undefined, text: "a\n\nb" }]],
    [
      "lists in each other",
      "3. a\n4. b\n   - c",
      [
        {
          kind: "list",
          start: 3,
          items: [
            { done: undefined, blocks: [paragraph("a")] },
            { done: undefined, blocks: [paragraph("b"), { kind: "list", start: undefined, items: [{ done: undefined, blocks: [paragraph("c")] }] }] },
          ],
        },
      ],
    ],
    [
      "tasks",
      "- [x] a\n- [ ] b",
      [
        {
          kind: "list",
          start: undefined,
          items: [
            { done: true, blocks: [paragraph("a")] },
            { done: false, blocks: [paragraph("b")] },
          ],
        },
      ],
    ],
    ["a quote", "> a", [{ kind: "quote", blocks: [paragraph("a")] }]],
    [
      "a table",
      "| a | b |\n| - | -: |\n| **c** | d |",
      [
        {
          kind: "table",
          header: [
            { align: undefined, children: ["a"] },
            { align: "end", children: ["b"] },
          ],
          rows: [
            [
              { align: undefined, children: [{ kind: "strong", children: ["c"] }] },
              { align: "end", children: ["d"] },
            ],
          ],
        },
      ],
    ],
    ["what stands for a character", "&lt;b&gt; &#10003; `&lt;` \\*", [paragraph("<b> ✓ ", { kind: "code", text: "&lt;" }, " ", "*")]],
  ])("is read: %s", (_, text, blocks) => {
    expect(readBlocks(text)).toEqual(blocks);
  });

  it.each([
    ["an element of HTML", `<script src="//evil.example/">alert(1)</script>`],
    ["an element in a line", "a <img onerror=alert(1)> b"],
    ["a comment", "<!-- a -->"],
    ["a definition of a link", "[a]: b"],
    ["a character of no known name", "&unknown; & &amp"],
  ])("is text where it is %s", (_, text) => {
    expect(readBlocks(text)).toEqual([paragraph(text)]);
  });

  it("M22 has pictures by their words and address, and links with the host that they lead to", () => {
    expect(readBlocks("![a mug](https://evil.example/a.png?q=1) [https://bank.example](https://evil.example/b)")).toEqual([
      paragraph(
        { kind: "picture", words: "a mug", address: "https://evil.example/a.png?q=1" },
        " ",
        link("https://evil.example/b", "evil.example", "https://bank.example"),
      ),
    ]);
    expect(readBlocks("[![a mug](https://a.example/a.png)](https://evil.example)")).toEqual([
      paragraph(link("https://evil.example/", "evil.example", { kind: "picture", words: "a mug", address: "https://a.example/a.png" })),
    ]);
  });

  it("is text beyond the depth that it is read to", () => {
    const depthOf = (text: string): number => JSON.stringify(readBlocks(text)).split(`"blocks":`).length - 1;
    expect(depthOf("> ".repeat(8) + "a")).toBe(8);
    expect(depthOf("> ".repeat(5000) + "a")).toBe(8);
    expect(depthOf("- ".repeat(5000) + "a")).toBe(8);
    expect(JSON.stringify(readBlocks(`${"*a ".repeat(200)}${"b* ".repeat(200)}`)).split('"em"').length).toBeLessThan(400);
  });

  it("makes no more cells of a table than were written", () => {
    const table = (columns: number, rows: number): string => `${"|a".repeat(columns)}|\n${"|-".repeat(columns)}|\n${"|b|\n".repeat(rows)}`;
    expect(readBlocks(table(20, 20))[0]?.kind).toBe("table");
    expect(readBlocks(table(1000, 1000))[0]?.kind).toBe("paragraph");
  });
});
