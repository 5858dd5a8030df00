import { describe, expect, it } from "vitest";
import type { PaymentRequestStatus } from "../src/payment.ts";
import { judgeRedemption, judgeSettlement, judgeVoid, judgeWithdrawal, type MandateStanding } from "../src/redemption.ts";

const bank = { by: "https://bank.example", reference: "pay_1" };
const standing = (status: PaymentRequestStatus, captured?: number): MandateStanding => ({
  status,
  amount: 100,
  captured,
  audience: ["store", "https://bank.example"],
  redemption: status === "redeemed" || status === "voided" ? bank : undefined,
});

const statuses = ["created", "approved", "redeemed", "denied", "expired", "canceled", "revoked", "voided"] as const;
const strangers = [
  ["another reference", { ...bank, reference: "pay_2" }],
  ["another party of its audience", { ...bank, by: "store" }],
] as const;

describe("judgeRedemption", () => {
  it.each([
    ["created", "mandate_invalid"],
    ["approved", "apply"],
    ["redeemed", "repeat"],
    ["denied", "mandate_invalid"],
    ["expired", "mandate_invalid"],
    ["canceled", "mandate_invalid"],
    ["revoked", "mandate_revoked"],
    ["voided", "mandate_spent"],
  ] as const)("P04 P16 a mandate that is %s: %s", (status, expected) => {
    const verdict = judgeRedemption(standing(status), bank);
    expect(verdict.ok ? verdict.value : verdict.error.code).toBe(expected);
  });

  it.each(strangers)("P04 a redeemed mandate is spent for %s", (_name, claim) => {
    expect(judgeRedemption(standing("redeemed"), claim)).toMatchObject({ ok: false, error: { code: "mandate_spent" } });
  });

  it.each(statuses)("P12 nobody but the audience redeems a mandate that is %s", (status) => {
    expect(judgeRedemption(standing(status), { ...bank, by: "rival" })).toMatchObject({ ok: false, error: { code: "client_not_allowed" } });
  });
});

describe("judgeVoid", () => {
  it.each(statuses)("only a redemption is voided, once: %s", (status) => {
    const verdict = judgeVoid(standing(status), bank);
    const expected = status === "redeemed" ? "apply" : status === "voided" ? "repeat" : "conflict";
    expect(verdict.ok ? verdict.value : verdict.error.code).toBe(expected);
  });

  it.each(strangers)("a redemption is not voided with %s", (_name, claim) => {
    expect(judgeVoid(standing("redeemed"), claim)).toMatchObject({ ok: false, error: { code: "conflict" } });
  });

  it("P12 nobody but the audience voids a redemption", () => {
    expect(judgeVoid(standing("redeemed"), { ...bank, by: "rival" })).toMatchObject({ ok: false, error: { code: "client_not_allowed" } });
  });
});

describe("judgeSettlement", () => {
  const settling = { ...bank, captured: 60 };
  it.each(statuses)("only a redemption is settled: %s", (status) => {
    const verdict = judgeSettlement(standing(status), settling);
    expect(verdict.ok ? verdict.value : verdict.error.code).toBe(status === "redeemed" ? "apply" : "conflict");
  });

  it.each([
    ["the same sum again", 60, 60, "repeat"],
    ["another sum", 60, 59, "conflict"],
    ["all that was approved", undefined, 100, "apply"],
    ["more than was approved", undefined, 101, "exceeds_payment"],
  ] as const)("P06 one sum is said, within what was approved: %s", (_name, before, captured, expected) => {
    const verdict = judgeSettlement(standing("redeemed", before), { ...bank, captured });
    expect(verdict.ok ? verdict.value : verdict.error.code).toBe(expected);
  });

  it("what was settled is not voided", () => {
    expect(judgeVoid(standing("redeemed"), bank)).toEqual({ ok: true, value: "apply" });
    expect(judgeVoid(standing("redeemed", 60), bank)).toMatchObject({ ok: false, error: { code: "conflict" } });
  });

  it.each(strangers)("a redemption is not settled with %s", (_name, claim) => {
    expect(judgeSettlement(standing("redeemed"), { ...claim, captured: 60 })).toMatchObject({ ok: false, error: { code: "conflict" } });
  });

  it("P12 nobody but the audience settles a redemption", () => {
    expect(judgeSettlement(standing("redeemed"), { ...settling, by: "rival" })).toMatchObject({ ok: false, error: { code: "client_not_allowed" } });
  });
});

describe("judgeWithdrawal", () => {
  it.each(statuses)("P16 what can be withdrawn is open or approved: %s", (status) => {
    const outcomeOf = (by: "payee" | "user"): string => {
      const verdict = judgeWithdrawal(status, by);
      if (!verdict.ok) return verdict.error.code;
      return verdict.value.verdict === "apply" ? verdict.value.to : "repeat";
    };
    const expected: Partial<Record<PaymentRequestStatus, readonly [payee: string, user: string]>> = {
      created: ["canceled", "conflict"],
      approved: ["revoked", "revoked"],
      revoked: ["repeat", "repeat"],
      canceled: ["repeat", "conflict"],
    };
    expect([outcomeOf("payee"), outcomeOf("user")]).toEqual(expected[status] ?? ["conflict", "conflict"]);
  });
});
