import { describe, expect, it } from "vitest";
import type { MandateExpectation, MandateFacts } from "../src/mandate.ts";
import { judgeMandate, mandateClaims, mandateTtlSeconds, parseMandate } from "../src/mandate.ts";
import type { PaymentDetails } from "../src/payment.ts";

const hash = "h".repeat(43);
const thumbprint = "t".repeat(43);
const details: PaymentDetails = {
  type: "payment",
  payee: { id: "store", name: "Harbour Goods", website: "https://store.example" },
  amount: 3500,
  currency: "USD",
  items: [{ name: "Mug", quantity: 1, amount: 3500 }],
  checkout_id: "chk_1",
  checkout_version: 1,
  checkout_hash: hash,
  payment_instrument: { type: "bank_account", id: "acc_1", description: "Current account" },
};
const issuedAt = 1_800_000_000;
const facts: MandateFacts = {
  issuer: "https://wallet.example",
  bank: "https://bank.example",
  subject: "usr_1",
  jti: "mnd_1",
  issuedAt,
  keyThumbprint: thumbprint,
  details,
  evidence: "e".repeat(43),
  humanPresent: true,
  requestId: "pr_1",
};
const expected: MandateExpectation = {
  issuer: "https://wallet.example",
  audience: "https://bank.example",
  payeeId: "store",
  amount: 3500,
  currency: "USD",
  checkoutHash: hash,
  keyThumbprint: thumbprint,
};
const claims = mandateClaims(facts);
const nowMs = issuedAt * 1000;

describe("judgeMandate", () => {
  it("accepts what the wallet builds, at the bank and at the payee, also after JSON", () => {
    const parsed: unknown = JSON.parse(JSON.stringify(claims));
    expect(judgeMandate(parsed, expected, nowMs)).toEqual({ ok: true, value: claims });
    expect(judgeMandate(parsed, { ...expected, audience: "store" }, nowMs).ok).toBe(true);
  });

  it("names the app that asked where there was one", () => {
    const asked = mandateClaims({ ...facts, clientId: "https://app.example/client.json" });
    expect(judgeMandate(JSON.parse(JSON.stringify(asked)), expected, nowMs)).toEqual({ ok: true, value: asked });
    expect(asked.client_id).toBe("https://app.example/client.json");
    expect("client_id" in claims).toBe(false);
    for (const wrong of [7, "", "x".repeat(2_049), null]) {
      expect(judgeMandate({ ...asked, client_id: wrong }, expected, nowMs)).toMatchObject({ ok: false, error: { code: "mandate_invalid" } });
    }
  });

  it.each([
    ["issuer", { issuer: "https://wallet.example/" }, "mandate_invalid"],
    ["audience", { audience: "https://other-bank.example" }, "mandate_invalid"],
    ["audience by a part of its name", { audience: "https://bank.exampl" }, "mandate_invalid"],
    ["key", { keyThumbprint: "u".repeat(43) }, "mandate_invalid"],
    ["payee", { payeeId: "other" }, "consent_mismatch"],
    ["amount", { amount: 3501 }, "consent_mismatch"],
    ["smaller amount", { amount: 3499 }, "consent_mismatch"],
    ["currency", { currency: "EUR" }, "consent_mismatch"],
    ["checkout hash", { checkoutHash: "x".repeat(43) }, "consent_mismatch"],
  ])("L01 L20 refuses a mandate for another %s", (_, change, code) => {
    expect(judgeMandate(claims, { ...expected, ...change }, nowMs)).toMatchObject({ ok: false, error: { code } });
  });

  it.each([
    [-60_001, false],
    [-60_000, true],
    [0, true],
    [mandateTtlSeconds * 1000 + 59_999, true],
    [mandateTtlSeconds * 1000 + 60_000, false],
    [Number.MAX_SAFE_INTEGER, false],
  ])("at %i ms from its issue says %s", (offsetMs, accepted) => {
    const verdict = judgeMandate(claims, expected, nowMs + offsetMs);
    expect(verdict.ok || verdict.error.code).toBe(accepted || "mandate_invalid");
  });

  it.each([
    ["has an unknown claim", { nbf: 1 }],
    ["ends before it begins", { exp: issuedAt }],
    ["lives longer than 15 minutes", { exp: issuedAt + mandateTtlSeconds + 1 }],
  ])("refuses a mandate that %s", (_, change) => {
    expect(judgeMandate({ ...claims, ...change }, expected, nowMs)).toMatchObject({ ok: false, error: { code: "mandate_invalid" } });
  });

  it("keeps a shorter lifetime and more audiences as signed", () => {
    const signed = { ...claims, exp: issuedAt + 60, aud: ["store", "https://a.example", "https://bank.example"] };
    expect(judgeMandate(signed, expected, nowMs)).toEqual({ ok: true, value: signed });
  });
});

describe("parseMandate", () => {
  it.each([
    ["an unknown claim", { nbf: 1 }],
    ["another type", { vct: "mandate.checkout.1" }],
    ["an issuer that is no text", { iss: 5 }],
    ["an audience in one text", { aud: "https://bank.example" }],
    ["no subject", { sub: undefined }],
    ["a malformed jti", { jti: "a b" }],
    ["a malformed request id", { request_id: 5 }],
    ["an issue time in text", { iat: "1" }],
    ["a fractional expiry", { exp: 1.5 }],
    ["no key", { cnf: undefined }],
    ["a key that is no thumbprint", { cnf: { jkt: "x" } }],
    ["a key with more in it", { cnf: { jkt: thumbprint, jwk: {} } }],
    ["no evidence", { evidence: undefined }],
    ["human presence in text", { human_present: "true" }],
    ["no details", { authorization_details: [] }],
    ["two details", { authorization_details: [details, details] }],
    ["an unknown field in its details", { authorization_details: [{ ...details, tip: 1 }] }],
    ["details of money that comes back", { authorization_details: [{ ...details, refund_of: "ord_1" }] }],
    ["another amount than its details", { payment_amount: { amount: 1, currency: "USD" } }],
    ["another currency than its details", { payment_amount: { amount: 3500, currency: "EUR" } }],
    ["a third member of its amount", { payment_amount: { amount: 3500, currency: "USD", exponent: 3 } }],
    ["an amount that is no object", { payment_amount: 3500 }],
    ["another payee than its details", { payee: { ...details.payee, id: "other" } }],
    ["another account than its details", { payment_instrument: { ...details.payment_instrument, id: "acc_2" } }],
    ["another checkout than its details", { transaction_id: "x".repeat(43) }],
  ])("refuses a mandate with %s", (_, change) => {
    expect(parseMandate(claims).ok).toBe(true);
    expect(parseMandate({ ...claims, ...change })).toMatchObject({ ok: false, error: { code: "mandate_invalid" } });
  });

  it.each([[null], ["x"], [[claims]]])("refuses %j", (value) => {
    expect(parseMandate(value)).toMatchObject({ ok: false, error: { code: "mandate_invalid" } });
  });

  it("L12 tells the truth about human presence", () => {
    expect(parseMandate(mandateClaims({ ...facts, humanPresent: false }))).toMatchObject({ ok: true, value: { human_present: false } });
  });
});
