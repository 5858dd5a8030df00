import { describe, expect, it } from "vitest";
import { formatElapsed, formatMoney, formatRelative } from "../src/format.ts";
import { readNewReceipts, readReceipt } from "../src/receipt.ts";
import type { CallResult } from "../src/wire.ts";

const receipt = {
  payee: { id: "store", name: "Harbour Goods" },
  total: { amount: 4800, currency: "EUR" },
  date: "2026-11-22T10:00:00Z",
  items: [{ name: "Mug", quantity: 2, amount: 4800 }],
};

describe("readReceipt", () => {
  it("reads payee, total, date and items", () => {
    expect(readReceipt({ receipt })).toMatchObject({
      payee: "Harbour Goods",
      total: { amount: 4800, currency: "EUR" },
      at: Date.UTC(2026, 10, 22, 10),
      items: [{ name: "Mug", quantity: 2, amount: { amount: 4800, currency: "EUR" } }],
    });
  });
  it("takes the payee as a text and the currency from beside the amount", () => {
    expect(readReceipt({ receipt: { payee: "Shop", amount: 5, currency: "JPY", created_at: 1 } })).toMatchObject({
      payee: "Shop",
      total: { amount: 5, currency: "JPY" },
      at: 1,
    });
  });
  const lacking: readonly (readonly [string, unknown])[] = [
    ["no receipt", { order: {} }],
    ["no payee", { receipt: { ...receipt, payee: undefined } }],
    ["no date", { receipt: { ...receipt, date: undefined } }],
    ["a date that is none", { receipt: { ...receipt, date: "soon" } }],
    ["no total", { receipt: { ...receipt, total: undefined } }],
    ["a fraction of a minor unit", { receipt: { ...receipt, total: { amount: 1.5, currency: "EUR" } } }],
    ["a currency that is none", { receipt: { ...receipt, total: { amount: 1, currency: "<b>" } } }],
    ["a text", "receipt"],
  ];
  it.each(lacking)("is none with %s", (_title, json) => {
    expect(readReceipt(json)).toBeUndefined();
  });
});

describe("format", () => {
  it.each([
    [4800, "EUR", "€48.00"],
    [4800, "JPY", "¥4,800"],
    [4800, "KWD", "KWD 4.800"],
    [1, "???", "1 ???"],
  ])("writes %d %s as %s", (amount, currency, text) => {
    expect(formatMoney(amount, currency, "en").replaceAll("\u00a0", " ")).toBe(text);
  });
  it.each([
    [0, "0 ms"],
    [999.4, "999 ms"],
    [1240, "1.24 s"],
    [125_000, "2 min 5 s"],
    [-3, "0 ms"],
  ])("writes %d ms as %s", (ms, text) => {
    expect(formatElapsed(ms)).toBe(text);
  });
  it("writes how far away a time is", () => {
    expect([formatRelative(600_000, 0, "en"), formatRelative(5000, 0, "en"), formatRelative(0, 7_200_000, "en")]).toEqual([
      "in 10 minutes",
      "in 5 seconds",
      "2 hours ago",
    ]);
  });
});

describe("readNewReceipts", () => {
  const resultOf = (number: string | undefined, payee = "Shop", isError = false): CallResult => ({
    content: [],
    structuredContent: {
      receipt: { payee, total: { amount: 500, currency: "EUR" }, paid_at: "2026-11-22T10:00:00Z", ...(number === undefined ? {} : { number }) },
    },
    isError,
    meta: undefined,
    raw: {},
  });
  const numbers = (...results: readonly (CallResult | undefined)[]): unknown =>
    readNewReceipts(results).map((each) => each?.reference ?? each?.payee);

  it("gives each receipt where it came first, and not where it is looked at again", () => {
    expect(numbers(resultOf("ord_1"), undefined, resultOf("ord_2"), resultOf("ord_1"))).toEqual(["ord_1", undefined, "ord_2", undefined]);
  });
  it("takes receipts of different payees, and those without a number, for different ones", () => {
    expect(numbers(resultOf("ord_1"), resultOf("ord_1", "Other"), resultOf(undefined), resultOf(undefined))).toEqual([
      "ord_1",
      "ord_1",
      "Shop",
      "Shop",
    ]);
  });
  it("takes none from an error", () => {
    expect(numbers(resultOf("ord_1", "Shop", true), resultOf("ord_1"))).toEqual([undefined, "ord_1"]);
  });
});
