import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { displayMoney, displayText } from "../../src/pages/display-text.ts";

describe("displayText", () => {
  test.each([
    ["plain text stays", "Harbour Goods", "Harbour Goods"],
    ["P02 bidi marks go", "\u202eabc\u2066def\u200f", "abcdef"],
    ["P02 zero-width characters go", "pay\u200bpal\ufeff\u2060", "paypal"],
    ["P02 hangul fillers go", "a\u3164\uffa0b", "ab"],
    ["lines and tabs become one blank", " a\n\n b\tc ", "a b c"],
    ["P02 piles of marks are cut", "e\u0301\u0301\u0301\u0301\u0301\u0301", "é\u0301\u0301\u0301"],
    ["markup is text", "<b>x</b>", "<b>x</b>"],
    ["emoji count as one", "🥝🥝🥝", "🥝🥝🥝"],
  ])("%s", (_name, input, expected) => {
    expect(displayText(input, 20)).toBe(expected);
  });

  test("P02 is never longer than its bound and never holds a control", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), fc.integer({ min: 1, max: 80 }), (input, lengthMax) => {
        const shown = displayText(input, lengthMax);
        expect(Array.from(shown).length).toBeLessThanOrEqual(lengthMax);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
      }),
    );
  });
});

describe("displayMoney", () => {
  test.each([
    [4_250, "EUR", "€42.50"],
    [0, "USD", "$0.00"],
    [1_000, "JPY", "¥1,000"],
    [1_234_567, "KWD", "KWD 1,234.567"],
    [Number.MAX_SAFE_INTEGER, "USD", "$90,071,992,547,409.91"],
  ])("%d minor units of %s read %s", (amount, currency, expected) => {
    expect(displayMoney({ amount, currency }).replace(/\s/g, " ")).toBe(expected);
  });
});
