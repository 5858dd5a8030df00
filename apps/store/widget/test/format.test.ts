import { describe, expect, test } from "vitest";
import { createFormat } from "../src/format.ts";

describe("the words of a locale", () => {
  test.each([
    [{ amount: 1890, currency: "EUR" }, "€18.90"],
    [{ amount: 0, currency: "EUR" }, "€0.00"],
    [{ amount: 500, currency: "JPY" }, "¥500"],
    [{ amount: 12_345, currency: "KWD" }, "KWD\u00a012.345"],
    [{ amount: 7, currency: "???" }, "7 ???"],
  ])("write %j as %s", (money, text) => {
    expect(createFormat("en").money(money)).toBe(text);
  });

  test("name countries, and leave what is no country as it is", () => {
    const format = createFormat("en");
    expect(["NL", "KW", "nl", ""].map((code) => format.country(code))).toEqual(["Netherlands", "Kuwait", "nl", ""]);
  });

  test("are the browser's own for a locale that it does not know", () => {
    expect(createFormat("no locale at all").money({ amount: 100, currency: "EUR" })).toMatch(/1/);
  });
});
