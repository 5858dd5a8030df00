import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inspectJson } from "../src/json-guard.ts";

const limits = { maxDepth: 32, maxElements: 2000 };

function countValues(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, each) => sum + countValues(each), 1);
}

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

const reserved = (value: unknown): boolean => /"(__proto__|constructor|prototype)"/.test(JSON.stringify(value));

describe("JSON before it is parsed", () => {
  it("passes when it is harmless, at exactly its own depth and count, and not one below", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 1, "\t"), (value, space) => {
        fc.pre(!reserved(value));
        const text = JSON.stringify(value, null, space);
        const [depth, count] = [depthOf(value), countValues(value)];
        expect(inspectJson(text, { maxDepth: depth, maxElements: count })).toBeUndefined();
        expect(inspectJson(text, { maxDepth: depth, maxElements: count - 1 })).toMatchObject({ code: "request_too_large" });
        const tooDeep = inspectJson(text, { maxDepth: depth - 1, maxElements: count });
        expect(tooDeep?.code).toBe(depth === 0 ? undefined : "invalid_request");
      }),
    );
  });

  it.each([
    ['{"a":1,"b":1}', '{"a":1,"a":1}'],
    ['{"a":1,"\\u0062":1}', '{"a":1,"\\u0061":1}'],
    ['[{"a":1},{"a":1}]', '[{"a":1},{"a":1,"b":{},"a":2}]'],
    ['{"x":{"a":{"a":{}}},"a":1}', '{"x":{"a":{}},"a":[],"x":1}'],
    ['{"a\\"":1,"a":2}', '{"a\\"":1,"a\\"":2}'],
    ['{"":1}', '{"":1,"":2}'],
    ['{"a":"{\\"a\\":1,\\"a\\":2}"}', '{"a":"}","a":"{"}'],
  ])("passes as %s and is refused with a doubled name as %s (M07)", (good, bad) => {
    expect(inspectJson(good, limits)).toBeUndefined();
    expect(inspectJson(bad, limits)).toMatchObject({ code: "invalid_request", detail: "a member name occurs twice" });
  });

  it.each([
    ['{"proto":1,"value":"__proto__"}', '{"__proto__":{"admin":true}}'],
    ['["__proto__"]', '[[{"a":{"\\u005f_proto__":1}}]]'],
    ['{"constructor":"x"}', '{"constructor":{"prototype":{"admin":true}}}'],
    ['{"prototype":{"constructor":{}}}', '{"a":[{"constructor":{"x":1,"prototype":0}}]}'],
  ])("passes as %s and is refused where it reaches a prototype as %s (M07)", (good, bad) => {
    expect(inspectJson(good, limits)).toBeUndefined();
    expect(inspectJson(bad, limits)).toMatchObject({ code: "invalid_request", detail: "a member name is reserved" });
  });

  it("is refused at depth 33 and at 2001 values, before the rest is read (X06)", () => {
    expect(inspectJson("[".repeat(32) + "]".repeat(32), limits)).toBeUndefined();
    expect(inspectJson("[".repeat(33) + "]".repeat(33), limits)).toMatchObject({ code: "invalid_request" });
    expect(inspectJson(JSON.stringify(Array.from({ length: 1999 }, () => 1)), limits)).toBeUndefined();
    expect(inspectJson(JSON.stringify(Array.from({ length: 2000 }, () => 1)), limits)).toMatchObject({ code: "request_too_large" });
    // What comes after the limit would be refused for another reason, if it were looked at.
    const million = `{${Array.from({ length: 1_000_000 }, (_, index) => `"k${index}":0`).join(",")},"__proto__":0}`;
    expect(inspectJson(million, limits)).toMatchObject({ code: "request_too_large" });
  });

  it("that is no JSON at all never throws here; the parser refuses it", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("{", "}", "[", "]", '"', "\\", ",", ":", "a", "1", " ", "\\u0061") }), (text) => {
        expect(() => inspectJson(text, limits)).not.toThrow();
      }),
    );
  });
});
