import { describe, expect, test } from "vitest";
import { knownText, withKnownText } from "../src/known-text.ts";

describe("the text of an answer", () => {
  test("is known for the answer that it was noted for", () => {
    const answer = withKnownText({ bodyUsed: false }, "text");
    expect(knownText(answer)).toBe("text");
  });

  test("is unknown for a copy and for any other answer", () => {
    const answer = withKnownText({ bodyUsed: false }, "text");
    expect(knownText({ ...answer })).toBeUndefined();
    expect(knownText({ bodyUsed: false })).toBeUndefined();
  });

  test("is unknown once somebody has read the body", () => {
    const answer = withKnownText({ bodyUsed: false }, "text");
    answer.bodyUsed = true;
    expect(knownText(answer)).toBeUndefined();
  });
});
