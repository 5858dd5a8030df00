import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { zoneOf } from "../../src/checkout/shipping.ts";
import { homeRegion, taxOn, taxOnAll, taxRegionOf, taxRules } from "../../src/checkout/tax.ts";

function tax(amount: number, currency: string, rate: number, included: boolean): number | string {
  const result = taxOn({ amount, currency }, { rate, included });
  return result.ok ? result.value.amount : result.error.code;
}

describe("tax on an amount", () => {
  test.each([
    // amount, currency, basis points, included, expected
    [12_100, "EUR", 2100, true, 2100],
    [1890, "EUR", 2100, true, 328],
    [3780, "EUR", 725, false, 274],
    [1000, "JPY", 1000, false, 100],
    [1100, "JPY", 1000, true, 100],
    [1, "JPY", 1000, false, 0],
    [5, "JPY", 1000, false, 1],
    [12_345, "KWD", 500, false, 617],
    [0, "EUR", 2100, true, 0],
    [1890, "EUR", 0, true, 0],
    [2, "EUR", 2500, false, 1],
    [1, "EUR", 2500, false, 0],
    [Number.MAX_SAFE_INTEGER, "EUR", 10_000, true, 4_503_599_627_370_496],
    [Number.MAX_SAFE_INTEGER, "EUR", 10_000, false, Number.MAX_SAFE_INTEGER],
  ])("%s %s at %s basis points, included %s, is %s", (amount, currency, rate, included, expected) => {
    expect(tax(amount, currency, rate, included)).toBe(expected);
  });

  test.each([-1, 10_001, 0.5, Number.NaN])("P03 refuses a rate of %s", (rate) => {
    expect(tax(100, "EUR", rate, false)).toBe("invalid_amount");
  });

  test("is within half a minor unit of the exact one, halves up, and is at most what contains it", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 0, max: 10_000 }), fc.boolean(), (amount, rate, included) => {
        const result = tax(amount, "EUR", rate, included);
        // An added tax never exceeds what it is on, because a rate is at most 100 %: so every result is money.
        const rounded = BigInt(typeof result === "number" ? result : -1);
        const whole = included ? 10_000n + BigInt(rate) : 10_000n;
        const off = 2n * (rounded * whole - BigInt(amount) * BigInt(rate));
        expect(off > -whole && off <= whole && rounded <= BigInt(amount)).toBe(true);
      }),
    );
  });

  test("of several is the sum of each one's, so that a line given back gives back its own", () => {
    const three = [1, 1, 1].map(() => ({ amount: 5, currency: "JPY" }));
    expect(taxOnAll(three, { rate: 1000, included: false }, "JPY")).toEqual({ ok: true, value: { amount: 3, currency: "JPY" } });
    expect(taxOnAll(three, { rate: 1000, included: false }, "EUR")).toMatchObject({ error: { code: "invalid_amount" } });
  });
});

describe("the place", () => {
  test("is a subdivision where that has its own rule, else the country", () => {
    expect(taxRegionOf("US", "CA")).toBe("US-CA");
    expect(taxRegionOf("NL", "NH")).toBe("NL");
    expect(taxRegionOf("NL", undefined)).toBe("NL");
    expect(taxRegionOf("US", undefined)).toBeUndefined();
    expect(taxRegionOf("constructor", undefined)).toBeUndefined();
  });

  test("that is taxed is one that something is sent to, and the shop's own is among them", () => {
    for (const region of Object.keys(taxRules)) expect(zoneOf(region.slice(0, 2))).toMatch(/^[a-z]+$/);
    expect(Object.keys(taxRules)).toContain(homeRegion);
    expect(zoneOf("AQ")).toBeUndefined();
    expect(zoneOf("toString")).toBeUndefined();
  });
});
