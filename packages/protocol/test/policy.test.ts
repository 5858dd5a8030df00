import { describe, expect, it, test } from "vitest";
import type { LimitCalendar } from "../src/limits.ts";
import { budgetsOf, judgePolicy, type JudgedPayment, type JudgedPolicy, parsePolicyTerms, policyLifeMaxMs, type PolicyTerms } from "../src/policy.ts";

const now = Date.UTC(2026, 2, 28, 12);
const utc: LimitCalendar = { timeZone: "UTC", former: null };
const terms: PolicyTerms = { payeeIds: ["store", "bakery"], currency: "EUR", ceiling: 50, budget: 200, period: "month", expiresAt: now + 1_000 };
const policy: JudgedPolicy = { id: "pol_1", terms, endedAt: null };
const payment: JudgedPayment = {
  payeeId: "store",
  currency: "EUR",
  amount: 50,
  keyThumbprint: "k1",
  knownKeys: ["k2", "k1"],
  isDenied: false,
  at: now,
};

describe("judgePolicy", () => {
  it("approves what its owner signed, and names the sum that must have room", () => {
    expect(judgePolicy(policy, payment, utc)).toMatchObject({
      verdict: "approve",
      budgets: [{ limit: "budget", bucket: "policy:pol_1:2026-03", ceiling: 200 }],
    });
  });

  test.each([
    ["ended", { endedAt: now }, {}, "ended"],
    ["at its end", {}, { at: now + 1_000 }, "expired"],
    ["for another payee", {}, { payeeId: "other" }, "other_payee"],
    ["for another currency", {}, { currency: "USD" }, "other_currency"],
    ["for one unit more", {}, { amount: 51 }, "over_ceiling"],
    ["for a fraction", {}, { amount: 0.5 }, "over_ceiling"],
    ["for less than nothing", {}, { amount: -1 }, "over_ceiling"],
    ["for a first payment", {}, { knownKeys: [] }, "first_payment"],
    ["for a payee with another key", {}, { keyThumbprint: "k3" }, "other_key"],
    ["for what its owner said no to", {}, { isDenied: true }, "denied"],
  ] as const)("a policy %s asks the user", (_name, changedPolicy, changedPayment, reason) => {
    expect(judgePolicy(policy, payment, utc).verdict).toBe("approve");
    expect(judgePolicy({ ...policy, ...changedPolicy }, { ...payment, ...changedPayment }, utc)).toEqual({ verdict: "ask", reason });
  });

  test.each([
    ["day", ["policy:pol_1:2026-03-28"]],
    ["month", ["policy:pol_1:2026-03"]],
    ["all", ["policy:pol_1:all"]],
  ] as const)("a budget for each %s is one sum", (period, buckets) => {
    expect(budgetsOf({ id: "pol_1", terms: { ...terms, period } }, now, utc).map((each) => each.bucket)).toEqual(buckets);
  });

  it("L15 P13 counts in both zones while a former one counts, and keeps the sum of a policy's life to its end", () => {
    const moved: LimitCalendar = { timeZone: "Pacific/Kiritimati", former: { timeZone: "UTC", until: now + 1 } };
    expect(budgetsOf({ id: "pol_1", terms: { ...terms, period: "day" } }, now, moved).map((each) => each.bucket)).toEqual([
      "policy:pol_1:2026-03-29",
      "policy:pol_1:2026-03-28",
    ]);
    const [all] = budgetsOf({ id: "pol_1", terms: { ...terms, period: "all" } }, now, utc);
    expect(all?.expiresAt).toBeGreaterThan(now + policyLifeMaxMs);
  });
});

describe("parsePolicyTerms", () => {
  it("reads terms, up to 30 days ahead", () => {
    const longest = { ...terms, expiresAt: now + policyLifeMaxMs };
    expect(parsePolicyTerms(longest, now)).toEqual({ ok: true, value: longest });
  });

  test.each([
    ["31 days", { expiresAt: now + policyLifeMaxMs + 1 }, "invalid_request"],
    ["no time", { expiresAt: now }, "invalid_request"],
    ["no payee", { payeeIds: [] }, "invalid_request"],
    ["eleven payees", { payeeIds: Array.from({ length: 11 }, (_, index) => `p${index}`) }, "invalid_request"],
    ["a payee twice", { payeeIds: ["store", "store"] }, "invalid_request"],
    ["a ceiling over the budget", { ceiling: 201 }, "invalid_request"],
    ["a ceiling of nothing", { ceiling: 0 }, "invalid_amount"],
    ["a fraction", { ceiling: 1.5 }, "invalid_amount"],
    ["no money", { currency: "XXX" }, "invalid_amount"],
    ["another period", { period: "year" }, "invalid_request"],
    ["an unknown member", { payees: [] }, "invalid_request"],
  ])("a policy with %s is refused", (_name, change, code) => {
    expect(parsePolicyTerms({ ...terms, ...change }, now)).toMatchObject({ ok: false, error: { code } });
  });
});
