import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addMoney, exponentOf, formatMinorUnits, isMinorUnits, moneyOf, multiplyMoney, parseDecimal, parseMoney } from "../src/money.ts";

const max = Number.MAX_SAFE_INTEGER;
const currency = fc.constantFrom("JPY", "USD", "EUR", "KWD", "CLF");
const amount = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 1, 99, 100, max));

describe("exponentOf", () => {
  it.each([
    ["JPY", 0],
    ["KRW", 0],
    ["ISK", 0],
    ["UGX", 0],
    ["USD", 2],
    ["EUR", 2],
    ["MGA", 2],
    ["ZWG", 2],
    ["XCG", 2],
    ["KWD", 3],
    ["BHD", 3],
    ["TND", 3],
    ["CLF", 4],
    ["UYW", 4],
  ])("gives %s %i digits", (code, exponent) => {
    expect(exponentOf(code)).toBe(exponent);
  });

  it.each(["XAU", "XXX", "XTS", "XDR", "DEM", "HRK", "SLL", "ZWL", "ANG", "usd", "US", "USDX", "", "__proto__", "constructor"])(
    "knows no money called %j",
    (code) => {
      expect(exponentOf(code)).toBeUndefined();
    },
  );
});

describe("parseMoney", () => {
  it("reads whole minor units", () => {
    expect(parseMoney({ amount: 1250, currency: "USD" })).toEqual({ ok: true, value: { amount: 1250, currency: "USD" } });
    expect(parseMoney({ amount: 0, currency: "JPY" }).ok).toBe(true);
    expect(parseMoney({ amount: max, currency: "EUR" }).ok).toBe(true);
  });

  it.each([
    ["a fraction", { amount: 1.5, currency: "USD" }],
    ["a negative amount", { amount: -1, currency: "USD" }],
    ["minus zero", { amount: -0, currency: "USD" }],
    ["NaN", { amount: Number.NaN, currency: "USD" }],
    ["infinity", { amount: Infinity, currency: "USD" }],
    ["2^53", { amount: max + 1, currency: "USD" }],
    ["a text", { amount: "100", currency: "USD" }],
    ["a bigint", { amount: 100n, currency: "USD" }],
    ["no amount", { currency: "USD" }],
    ["no currency", { amount: 1 }],
    ["an unknown currency", { amount: 1, currency: "ABC" }],
    ["a lower case currency", { amount: 1, currency: "usd" }],
    ["another member", { amount: 1, currency: "USD", exponent: 3 }],
    ["a list", [1, "USD"]],
    ["nothing", null],
  ])("P03: refuses %s", (_, value) => {
    expect(parseMoney(value)).toMatchObject({ ok: false, error: { code: "invalid_amount" } });
  });
});

describe("parseDecimal", () => {
  it.each([
    ["12.50", "USD", 1250],
    ["12", "USD", 1200],
    ["0.01", "USD", 1],
    ["0", "USD", 0],
    ["1500", "JPY", 1500],
    ["1.005", "KWD", 1005],
    ["90071992547409.91", "USD", max],
    ["9007199254740991", "JPY", max],
  ])("reads %s %s", (text, code, minorUnits) => {
    expect(parseDecimal(text, code)).toEqual({ ok: true, value: { amount: minorUnits, currency: code } });
  });

  it.each([
    ["1e3", "USD"],
    ["0x10", "USD"],
    [" 10", "USD"],
    ["10 ", "USD"],
    ["10\n", "USD"],
    ["1,000", "USD"],
    ["1.005", "USD"],
    ["1.5", "USD"],
    ["1.", "USD"],
    [".5", "USD"],
    ["01", "USD"],
    ["-1", "USD"],
    ["+1", "USD"],
    ["-0", "USD"],
    ["NaN", "USD"],
    ["Infinity", "USD"],
    ["", "USD"],
    ["1.5", "JPY"],
    ["1.0", "JPY"],
    ["1.50", "KWD"],
    ["9007199254740992", "JPY"],
    ["9007199254740993", "JPY"],
    ["90071992547409.92", "USD"],
    ["99999999999999999999", "USD"],
    ["１２", "USD"],
    ["1", "ABC"],
  ])("P03: refuses %j %s", (text, code) => {
    expect(parseDecimal(text, code)).toMatchObject({ ok: false, error: { code: "invalid_amount" } });
  });

  it("reads back what formatMinorUnits writes", () => {
    fc.assert(
      fc.property(amount, currency, (minorUnits, code) => {
        const money = { amount: minorUnits, currency: code };
        expect(parseDecimal(formatMinorUnits(money), code)).toEqual({ ok: true, value: money });
      }),
    );
  });
});

describe("formatMinorUnits", () => {
  it.each([
    [1250, "USD", "12.50"],
    [5, "USD", "0.05"],
    [0, "USD", "0.00"],
    [1500, "JPY", "1500"],
    [0, "JPY", "0"],
    [1, "KWD", "0.001"],
    [12_345, "CLF", "1.2345"],
    [max, "USD", "90071992547409.91"],
  ])("writes %i %s as %s", (minorUnits, code, text) => {
    expect(formatMinorUnits({ amount: minorUnits, currency: code })).toBe(text);
  });

  it.each([
    { amount: 1.5, currency: "USD" },
    { amount: 1, currency: "ABC" },
  ])("throws on %j, which no parser of ours gives", (money) => {
    expect(() => formatMinorUnits(money)).toThrow(RangeError);
  });
});

describe("arithmetic", () => {
  it("adds and multiplies whole minor units", () => {
    expect(addMoney({ amount: 1, currency: "USD" }, { amount: 2, currency: "USD" })).toEqual({ ok: true, value: { amount: 3, currency: "USD" } });
    expect(multiplyMoney({ amount: 1999, currency: "USD" }, 3)).toEqual({ ok: true, value: { amount: 5997, currency: "USD" } });
  });

  it("refuses two currencies, and a quantity that is no count", () => {
    expect(addMoney({ amount: 1, currency: "USD" }, { amount: 2, currency: "EUR" })).toMatchObject({ error: { code: "invalid_amount" } });
    for (const quantity of [1.5, -1, Number.NaN]) {
      expect(multiplyMoney({ amount: 1, currency: "USD" }, quantity)).toMatchObject({ error: { code: "invalid_amount" } });
    }
  });

  it("L16 P03: is exact or refused, never rounded", () => {
    fc.assert(
      fc.property(amount, amount, (left, right) => {
        const sum = addMoney({ amount: left, currency: "EUR" }, { amount: right, currency: "EUR" });
        const product = multiplyMoney({ amount: left, currency: "EUR" }, right);
        const exactSum = BigInt(left) + BigInt(right);
        const exactProduct = BigInt(left) * BigInt(right);
        expect(sum.ok ? BigInt(sum.value.amount) : undefined).toBe(exactSum <= BigInt(max) ? exactSum : undefined);
        expect(product.ok ? BigInt(product.value.amount) : undefined).toBe(exactProduct <= BigInt(max) ? exactProduct : undefined);
      }),
    );
  });

  it("agrees with isMinorUnits on what an amount is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.integer(), fc.anything()), (value) => {
        expect(moneyOf(value, "USD").ok).toBe(isMinorUnits(value));
      }),
    );
  });
});
