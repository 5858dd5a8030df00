import { describe, expect, it } from "vitest";
import { cutJson, cutText } from "../src/cut-secrets.ts";

describe("cutText", () => {
  it("cuts a secret wherever it is, in whatever case, with its signs taken as they are", () => {
    expect(cutText("a A+b.c= x a+B.C=", ["A+b.c="])).toBe("a [redacted] x [redacted]");
    expect(cutText("Axb.c=", ["A+b.c="])).toBe("Axb.c=");
    expect(cutText("nothing here", ["", "secret"])).toBe("nothing here");
  });

  it("cuts the whole of a longer secret that begins with a shorter one", () => {
    expect(cutText("abcdef", ["abc", "abcdef"])).toBe("[redacted]");
  });
});

describe("cutJson", () => {
  it("cuts texts and names, and leaves JSON that is still the same JSON, also with a secret that looks like a part of it", () => {
    const value = { list: ["Tok-1", 1, true, null], "x-tok-1": { deep: "a tok-1" } };
    expect(cutJson(value, ["Tok-1"])).toEqual({ list: ["[redacted]", 1, true, null], "x-[redacted]": { deep: "a [redacted]" } });
    expect(cutJson({ a: true, b: 1, c: [] }, ["1", "tru", "[", '"', ":"])).toEqual({ a: true, b: 1, c: [] });
  });
});
