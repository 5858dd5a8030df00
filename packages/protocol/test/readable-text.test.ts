import { describe, expect, it } from "vitest";
import { readableText } from "../src/readable-text.ts";

describe("readableText", () => {
  it.each([
    ["plain text", "Pay 5 EUR", "Pay 5 EUR"],
    ["lines and tabs", "one\n\ttwo", "one\n\ttwo"],
    ["letters of any script", "日本語 ñ 👍", "日本語 ñ 👍"],
    ["text turned around", "safe\u202Elive\u202C", "safelive"],
    ["zero-width characters", "pay\u200b\u2060\ufeffpal", "paypal"],
    ["tags that only a model reads", `hi${String.fromCodePoint(0xe0041, 0xe0042)}`, "hi"],
    ["escape sequences", "\u001b[31mred", "[31mred"],
    ["blanks around", "  a  ", "a"],
    ["nothing left", "\u200b \u200b", undefined],
    ["no text", 5, undefined],
  ])("M12 reads %s as a person would", (_, value, expected) => {
    expect(readableText(value, 100)).toBe(expected);
  });

  it("cuts to its length", () => {
    expect(readableText("x".repeat(300), 100)).toHaveLength(100);
  });
});
