import { type ComponentChild, type ComponentChildren, isValidElement } from "preact";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CodeBlock } from "../../src/views/code-block.tsx";
import { outline, partOf } from "../../src/views/words-view.tsx";
import { createWordsReader } from "../../src/words/words-reader.ts";
import { markdown } from "./markdown.ts";

/** Every element that words may become, with its attributes. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  div: ["class", "role", "aria-label", "tabIndex"],
  p: ["dir"],
  h3: ["dir"],
  h4: ["dir"],
  h5: ["dir"],
  h6: ["dir"],
  strong: [],
  em: [],
  del: [],
  code: [],
  br: [],
  hr: [],
  ul: ["dir"],
  ol: ["dir", "start"],
  li: ["class"],
  blockquote: ["dir"],
  table: [],
  thead: [],
  tbody: [],
  tr: [],
  th: ["scope", "dir", "data-align"],
  td: ["dir", "data-align"],
  a: ["href", "target", "rel"],
  bdi: ["class"],
  span: ["class", "role", "aria-label"],
};

interface Seen {
  readonly name: string;
  readonly props: Readonly<Record<string, unknown>>;
}

/** Renders without a document: every element, and all text. */
function render(children: ComponentChildren, seen: Seen[]): string {
  if (Array.isArray(children)) return children.map((each: ComponentChild) => render(each, seen)).join("");
  if (typeof children === "string" || typeof children === "number") return String(children);
  if (!isValidElement(children)) {
    expect([null, undefined, true, false]).toContain(children);
    return "";
  }
  const { type } = children;
  const props: Readonly<Record<string, unknown>> & { readonly children?: ComponentChildren } = { ...children.props };
  if (children.type === CodeBlock) {
    seen.push({ name: "CodeBlock", props });
    return [props["language"], props["text"]].filter((each) => typeof each === "string").join("\n");
  }
  const { children: inner, ...attributes } = props;
  if (typeof type !== "string") return render(inner, seen);
  seen.push({ name: type, props: attributes });
  return render(inner, seen);
}

function show(text: string, writing = false): { readonly words: string; readonly seen: readonly Seen[] } {
  const seen: Seen[] = [];
  return { words: render(outline(createWordsReader().read(text, writing)).flatMap(partOf), seen), seen };
}

describe("a model's words on the page", () => {
  it("M22 become nothing but the elements of the table, with their attributes, and lead to the web alone", () => {
    fc.assert(
      fc.property(markdown, fc.boolean(), (text, writing) => {
        const { seen } = show(text, writing);
        const beyond = seen.filter(
          ({ name, props }) => name !== "CodeBlock" && Object.keys(props).some((each) => allowed[name]?.includes(each) !== true),
        );
        expect(beyond).toEqual([]);
        expect(seen.filter(({ name }) => name !== "CodeBlock" && allowed[name] === undefined)).toEqual([]);
        for (const { props } of seen.filter(({ name }) => name === "a")) {
          expect(props).toEqual({ href: expect.stringMatching(/^https?:\/\/[^@/]+\//), target: "_blank", rel: "noopener noreferrer" });
        }
      }),
      { numRuns: 500 },
    );
  });

  it("are all there, whatever marks stand around them", () => {
    const marks = [
      "\n",
      "\n\n",
      " ",
      "    ",
      "*",
      "**",
      "_",
      "~~",
      "`",
      "- ",
      "1. ",
      "> ",
      "# ",
      "---",
      "[",
      "]",
      "<",
      ">",
      "<b>",
      "\\",
      "&",
      "<!--",
      "<div>",
    ];
    const words = fc.array(
      fc.oneof(
        fc.constantFrom(...marks),
        fc.integer({ min: 0, max: 99 }).map((number) => ` word${number}x `),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(words, (all) => {
        const text = all.join("");
        const said = text.match(/word\d+x/g) ?? [];
        expect(show(text).words.match(/word\d+x/g) ?? []).toEqual(said);
      }),
      { numRuns: 500 },
    );
  });

  it("M22 show where each link leads, and never load a picture", () => {
    const { words, seen } = show("[https://bank.example](https://evil.example/a) ![a mug](https://evil.example/b.png)");
    expect(words).toBe("https://bank.example (evil.example) a mug (picture, not loaded: https://evil.example/b.png)");
    expect(seen.filter(({ name }) => name === "a").map(({ props }) => props["href"])).toEqual(["https://evil.example/a"]);
  });

  it("have headings below those of the page, none of which skips a level", () => {
    const headings = show("#### a\n\n# b\n\n## c\n\n#### d\n\n## e\n\n> # f").seen.filter(({ name }) => /^h\d$/.test(name));
    expect(headings.map(({ name }) => name)).toEqual(["h3", "h3", "h4", "h5", "h4"]);
  });

  it("are read again only where they have changed while they grow", () => {
    const reader = createWordsReader();
    const before = reader.read("# a\n\n**b**\n\n- c", true);
    const after = reader.read("# a\n\n**b**\n\n- c and d", true);
    expect(after.slice(0, 2).every((part, place) => part === before[place])).toBe(true);
    expect(after[2]).not.toBe(before[2]);
    expect(createWordsReader().read("# a\n\n**b**\n\n- c and d", false)).toEqual(after);
  });

  it("end as they are read again, however they were cut while they came", () => {
    fc.assert(
      fc.property(fc.array(markdown, { maxLength: 6 }), (pieces) => {
        const reader = createWordsReader();
        let text = "";
        for (const piece of pieces) reader.read((text += piece), true);
        expect(reader.read(text, false)).toEqual(createWordsReader().read(text, false));
      }),
    );
  });
});
