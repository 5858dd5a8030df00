import { isJsonObject } from "@countersign/protocol/shape";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readPartialObject } from "../../src/chat/partial-json.ts";

describe("arguments that are still written", () => {
  it.each([
    ["", undefined],
    ["{", {}],
    ['{"qu', {}],
    ['{"query"', {}],
    ['{"query":', {}],
    ['{"query":"bl', { query: "bl" }],
    ['{"query":"bl\\', { query: "bl" }],
    ['{"query":"bl\\u00', { query: "bl" }],
    ['{"query":"bl\\\\', { query: "bl\\" }],
    ['{"query":"say \\"hi', { query: 'say "hi' }],
    ['{"query":"blue", "si', { query: "blue" }],
    ['{"count":1', {}],
    ['{"count":12,', { count: 12 }],
    ['{"open":tru', {}],
    ['{"tags":["a","b', { tags: ["a", "b"] }],
    ['{"tags":[1,2', { tags: [1] }],
    ['{"to":{"name":"Ada","zip":', { to: { name: "Ada" } }],
    ['{"a":{"b":[{"c":1}]}}', { a: { b: [{ c: 1 }] } }],
    ["[1]", undefined],
    ['"text', undefined],
    ["{]", undefined],
    ['{"a":1 "b', undefined],
    ["null", undefined],
  ])("%j tells of %j", (text, expected) => {
    expect(readPartialObject(text)).toEqual(expected);
  });

  it("are an object at every point of any object's text, and in the end the object", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }), (value) => {
        const text = JSON.stringify(value);
        const parts = Array.from({ length: text.length - 1 }, (_, at) => readPartialObject(text.slice(0, at + 1)));
        expect(parts.every(isJsonObject)).toBe(true);
        expect(readPartialObject(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 60 },
    );
  });

  it("X04 never throw, whatever the text, and are not followed to any depth", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("{", "}", "[", "]", '"', "\\", ":", ",", "u", "1") }), (text) => void readPartialObject(text)),
    );
    expect(readPartialObject(`{"a":${"[".repeat(63)}`)).toBeDefined();
    expect(readPartialObject(`{"a":${"[".repeat(64)}`)).toBeUndefined();
  });
});
