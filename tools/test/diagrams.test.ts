import { readdirSync, readFileSync } from "node:fs";
import { traceToMermaid } from "@countersign/protocol/trace-to-mermaid";
import { toTraceDocument, type TracedCall } from "@countersign/protocol/trace-document";
import { traceStepNames } from "@countersign/protocol/trace-step";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diagramsOf, readDiagram } from "../read-diagram.ts";

const root = new URL("../../", import.meta.url);
const documents = [
  "README.md",
  "ARCHITECTURE.md",
  ...readdirSync(new URL("docs", root), { recursive: true, encoding: "utf8" }).map((path) => `docs/${path}`),
]
  .filter((path) => path.endsWith(".md"))
  .toSorted();
const diagrams = documents.flatMap((path) =>
  diagramsOf(readFileSync(new URL(path, root), "utf8")).map((text, index) => ({ path, name: `${path}, diagram ${index + 1}`, text })),
);
const sequences = diagrams.filter(({ text }) => text.startsWith("sequenceDiagram"));

describe("the diagrams of the documents", () => {
  it("are found: each page of a flow has one", () => {
    const flows = documents.filter((path) => path.startsWith("docs/flows/") && !path.endsWith("README.md"));
    expect(flows.length).toBeGreaterThan(5);
    expect(flows.filter((path) => !diagrams.some((diagram) => diagram.path === path))).toEqual([]);
  });

  it.each(sequences)("are understood by Mermaid: $name", async ({ text }) => {
    expect((await readDiagram(text)).messages.length).toBeGreaterThan(2);
  });

  it("are sequences, but for the one that only a browser can read", () => {
    expect(diagrams.filter((diagram) => !sequences.includes(diagram)).map(({ path }) => path)).toEqual(["ARCHITECTURE.md"]);
  });

  it("would be found broken: a message without an arrow is refused", async () => {
    await expect(readDiagram("sequenceDiagram\n  A nothing B: text")).rejects.toThrow();
  });
});

/** What diagrams are made of, and what would end or begin something in them. */
const hostile = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        ..."; # : % { } [ ] < > & \" ' ` | + - \n \r \t \u2028 \u202e".split(" "),
        "end",
        "%%{init: {}}%%",
        "%% comment",
        "A->>B: x",
        "#35;",
        "#quot;",
        "ﬂ°°35¶ß",
        "<script>alert(1)</script>",
        "<br/>",
        "loop",
        "title:",
        "wrap:",
        "participant X as Y",
        '@{ "type": "queue" }',
        "---\ntitle: x\n---",
        "accDescr { x }",
        "as",
        "$$x$$",
        "autonumber",
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join(" ")),
);
const time = fc.integer({ min: 0, max: 2e12 });
const step = fc.record({
  seq: fc.nat(200),
  at: time,
  step: fc.constantFrom(...traceStepNames),
  title: hostile,
  detail: fc.dictionary(
    fc.constantFrom("url", "issuer", "scope", "code", "action", "endpoint", "status", "error", "method"),
    fc.oneof(hostile, fc.nat(599)),
  ),
});
const call: fc.Arbitrary<TracedCall> = fc.record({
  id: hostile,
  parentId: fc.option(hostile, { nil: undefined }),
  tool: hostile,
  origin: fc.constantFrom("user", "widget", "model"),
  state: fc.constantFrom("completed", "failed", "authorizing"),
  error: fc.option(fc.record({ code: hostile }), { nil: undefined }),
  createdAt: fc.option(time, { nil: undefined }),
  connector: fc.option(fc.record({ name: hostile, url: fc.oneof(hostile, fc.webUrl()), protocol: fc.constant(undefined) }), { nil: undefined }),
  steps: fc.array(step, { maxLength: 12 }),
  ladder: fc.array(
    fc.record({ at: time, tool: hostile, rung: fc.constantFrom("host_resumes", "link"), outcome: fc.constantFrom("begun", "failed") }),
    { maxLength: 3 },
  ),
});

/** As the diagram is to say it: what is invisible is a blank, what is long is cut, and Mermaid trims. */
function asSaid(text: string, signsMax: number): string {
  const signs = Array.from(text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu, " "));
  return (signs.length > signsMax ? [...signs.slice(0, signsMax - 1), "…"] : signs).join("").trim();
}

describe("traceToMermaid, read by the real Mermaid", () => {
  it("whatever tools, servers and services call themselves, is a diagram with the steps and nothing else, and every name is read back as it was", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 3 }), async (calls) => {
        const text = traceToMermaid(toTraceDocument(calls, 0));
        const read = await readDiagram(text);
        const lines = text.split("\n").slice(2);
        const declared = lines.filter((line) => /^ {2}(participant|actor) /.test(line));
        expect(read.parties.length).toBe(declared.length);
        expect(read.messages.length).toBe(lines.length - declared.length);
        const labels = read.parties.map(({ label }) => label.trim());
        for (const { connector, steps } of calls) {
          if (connector === undefined || asSaid(connector.name, 60) === "" || !steps.some((each) => each.step === "result")) continue;
          expect(labels).toContain(asSaid(connector.name, 60));
        }
        for (const { tool, id } of calls) expect(read.messages.map((message) => message.text.trim())).toContain(asSaid(`${tool}, ${id}`, 140));
      }),
      { numRuns: 60 },
    );
  });
});
