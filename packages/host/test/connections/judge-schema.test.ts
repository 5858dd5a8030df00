import { describe, expect, it } from "vitest";
import { judgeBounds, judgeSchema } from "../../src/connections/judge-schema.ts";
import { readToolDefinition } from "../../src/connections/tool-definition.ts";

function nested(depth: number): Record<string, unknown> {
  let value: Record<string, unknown> = {};
  for (let level = 0; level < depth; level += 1) value = { properties: value };
  return value;
}

const good = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: { id: { type: "string", pattern: "^[a-z]{2,8}(-[0-9]+)?$" } },
  properties: {
    id: { $ref: "#/$defs/id" },
    kind: { anyOf: [{ const: "a" }, { const: "b" }] },
    when: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
  },
  patternProperties: { "^x-[a-z]+$": {} },
};

/** User CPU time of the quickest of five runs, in ms: the compiler and the collector take theirs in the others. */
function quickestMs(run: () => void): number {
  const times = Array.from({ length: 5 }, () => {
    const began = process.cpuUsage();
    run();
    return process.cpuUsage(began).user / 1000;
  });
  return Math.min(...times);
}

describe("a tool's schema", () => {
  it("M16 is taken with local references, few alternatives and plain patterns", () => {
    expect(judgeSchema(good)).toBeUndefined();
    expect(readToolDefinition({ name: "t", inputSchema: good })?.inputSchema).toEqual(good);
  });

  it.each([
    ["remote_reference", { properties: { a: { $ref: "https://evil.example/schema.json" } } }],
    ["remote_reference", { properties: { a: { $ref: "file:///etc/passwd" } } }],
    ["remote_reference", { properties: { a: { $ref: "//evil.example/x" } } }],
    ["remote_reference", { items: [{ $dynamicRef: "http://10.0.0.1/#x" }] }],
    ["too_many_alternatives", { allOf: Array.from({ length: 10_000 }, () => ({})) }],
    ["costly_pattern", { properties: { a: { pattern: "^(a+)+$" } } }],
    ["costly_pattern", { properties: { a: { pattern: "^(a|aa)*$" } } }],
    ["costly_pattern", { properties: { a: { pattern: "(?:x{1,9}){1,9}y" } } }],
    ["costly_pattern", { properties: { a: { pattern: "(a)\\1" } } }],
    ["costly_pattern", { patternProperties: { "(.*)*x": {} } }],
    ["costly_pattern", { pattern: "a".repeat(300) }],
  ])("M16 is refused for %s", (problem, schema) => {
    const spent = quickestMs(() => {
      expect(judgeSchema(schema)).toBe(problem);
      expect(readToolDefinition({ name: "t", inputSchema: { type: "object", ...schema } })).toBeUndefined();
      expect(readToolDefinition({ name: "t", inputSchema: { type: "object" }, outputSchema: schema })).toBeUndefined();
    });
    expect(spent).toBeLessThan(50);
  });

  it.each([
    ["too_deep", nested(100_000)],
    ["too_large", { properties: Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`p${index}`, {}])) }],
  ])("M16 is refused for being %s, wherever it stands in the definition", (problem, value) => {
    expect(judgeBounds(value)).toBe(problem);
    for (const place of ["inputSchema", "outputSchema", "annotations", "_meta"]) {
      expect(
        quickestMs(() => expect(readToolDefinition({ name: "t", inputSchema: { type: "object" }, [place]: value })).toBeUndefined()),
      ).toBeLessThan(50);
    }
  });

  it("M12 hides no order in the texts inside it", () => {
    const hidden = "The\u200b number\u202e of\u{e0041} items\u001b[8m";
    const definition = readToolDefinition({
      name: "t",
      inputSchema: { type: "object", properties: { a: { type: "integer", description: hidden, enum: [1], title: hidden } } },
      annotations: { title: hidden },
    });
    expect(definition?.inputSchema).toEqual({
      type: "object",
      properties: { a: { type: "integer", description: "The number of items[8m", enum: [1], title: "The number of items[8m" } },
    });
    expect(definition?.annotations).toEqual({ title: "The number of items[8m" });
  });
});
