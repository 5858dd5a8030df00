import { describe, expect, it } from "vitest";
import { boundedText, hasOnlyMembers, isJsonObject, member, textList } from "../src/shape.ts";

describe("member", () => {
  it("V13: reads own members only", () => {
    expect(member({ a: 1 }, "a")).toBe(1);
    expect(member({ a: 1 }, "toString")).toBeUndefined();
    expect(member({}, "constructor")).toBeUndefined();
    expect(member({}, "__proto__")).toBeUndefined();
    expect(member(Object.create({ a: 1 }), "a")).toBeUndefined();
  });

  it.each([[null], [undefined], ["text"], [5], [[1]]])("finds nothing in %j", (value) => {
    expect(member(value, "length")).toBeUndefined();
    expect(isJsonObject(value)).toBe(false);
  });
});

describe("boundedText", () => {
  it.each([
    ["a", 1, "a"],
    ["Ünïcode 🔒", 20, "Ünïcode 🔒"],
    ["", 5, undefined],
    ["abcdef", 5, undefined],
    ["a\u0000", 5, undefined],
    ["a\n", 5, undefined],
    ["a\u007f", 5, undefined],
    ["a\u009f", 5, undefined],
    [5, 5, undefined],
    [undefined, 5, undefined],
  ])("of %j within %i gives %j", (value, lengthMax, expected) => {
    expect(boundedText(value, lengthMax)).toBe(expected);
  });
});

describe("textList", () => {
  it.each([
    [
      ["a", "b"],
      ["a", "b"],
    ],
    [[], []],
    [["a", "b", "c"], undefined],
    [["a", 5], undefined],
    [["abcdef"], undefined],
    ["ab", undefined],
    [{ length: 0 }, undefined],
  ])("of %j gives %j", (value, expected) => {
    expect(textList(value, 2, 5)).toEqual(expected);
  });
});

describe("hasOnlyMembers", () => {
  it("closes a shape", () => {
    expect(hasOnlyMembers({ a: 1 }, ["a", "b"])).toBe(true);
    expect(hasOnlyMembers({ a: 1, c: 1 }, ["a", "b"])).toBe(false);
  });
});
