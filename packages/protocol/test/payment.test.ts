import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ApprovalFacts, PaymentDetails, Transitions } from "../src/payment.ts";
import {
  approvalPreimage,
  canTransition,
  checkoutTransitions,
  itemCountMax,
  parseAuthorizationDetails,
  parseCheckoutTerms,
  parsePaymentDetails,
  paymentRequestTransitions,
  paymentTransitions,
} from "../src/payment.ts";

const digest = "A".repeat(43);
const mug = { name: "Mug", quantity: 2, amount: 3000 };
const items = [mug, { name: "Shipping", quantity: 1, amount: 500 }];
const terms = { id: "chk_1", version: 3, amount: 3500, currency: "USD", items, resource: "https://store.example/mcp" };
const details: PaymentDetails = {
  type: "payment",
  payee: { id: "store", name: "Harbour Goods", website: "https://store.example" },
  amount: 3500,
  currency: "USD",
  items,
  checkout_id: "chk_1",
  checkout_version: 3,
  checkout_hash: digest,
  payment_instrument: { type: "bank_account", id: "acc_1", description: "Current account ••42" },
};

const badPrices: readonly (readonly [string, object, string])[] = [
  ["items that do not add up", { amount: 3501 }, "invalid_amount"],
  ["a fractional amount", { amount: 3500.5 }, "invalid_amount"],
  ["an amount in text", { amount: "3500" }, "invalid_amount"],
  ["an unknown currency", { currency: "ABC" }, "invalid_amount"],
  ["no items", { items: [] }, "shape"],
  ["items that are no list", { items: { 0: mug } }, "shape"],
  ["51 items", { items: Array.from({ length: itemCountMax + 1 }, () => ({ ...mug, amount: 0 })), amount: 0 }, "shape"],
  ["an item that is a text", { items: ["Mug"] }, "shape"],
  ["an item without a name", { items: [{ quantity: 1, amount: 3500 }] }, "shape"],
  ["an item with an overlong name", { items: [{ ...mug, name: "n".repeat(121), amount: 3500 }] }, "shape"],
  ["an item name with a control character", { items: [{ ...mug, name: "Mug\u0000", amount: 3500 }] }, "shape"],
  ["an item of no pieces", { items: [{ ...mug, quantity: 0, amount: 3500 }] }, "shape"],
  ["an item of half a piece", { items: [{ ...mug, quantity: 0.5, amount: 3500 }] }, "shape"],
  ["an item of 10000 pieces", { items: [{ ...mug, quantity: 10_000, amount: 3500 }] }, "shape"],
  [
    "a negative item",
    {
      items: [
        { ...mug, amount: 4000 },
        { ...mug, amount: -500 },
      ],
    },
    "shape",
  ],
  ["an unknown field of an item", { items: [{ ...mug, amount: 3500, tip: 1 }] }, "shape"],
];

describe("parseCheckoutTerms", () => {
  it("reads priced terms and makes the resource canonical", () => {
    expect(parseCheckoutTerms({ ...terms, resource: "HTTPS://Store.example:443/mcp" })).toEqual({ ok: true, value: terms });
    expect(parseCheckoutTerms({ ...terms, items: Array.from({ length: itemCountMax }, () => ({ ...mug, amount: 70 })) }).ok).toBe(true);
  });

  it.each<readonly [string, object, string]>([
    ...badPrices.map(([what, change, code]) => [what, change, code === "shape" ? "invalid_request" : code] as const),
    ["an unknown field", { tax: 1 }, "invalid_request"],
    ["an id outside the alphabet", { id: "chk 1" }, "invalid_request"],
    ["an overlong id", { id: "c".repeat(101) }, "invalid_request"],
    ["no id", { id: undefined }, "invalid_request"],
    ["a fractional version", { version: 1.5 }, "invalid_request"],
    ["a resource that is no URL", { resource: "store" }, "invalid_request"],
    ["no resource", { resource: undefined }, "invalid_request"],
  ])("P17: refuses %s", (_, change, code) => {
    expect(parseCheckoutTerms(terms).ok).toBe(true);
    expect(parseCheckoutTerms({ ...terms, ...change })).toMatchObject({ ok: false, error: { code } });
  });

  it("refuses what is no object", () => {
    for (const value of [null, [], "x", 5]) expect(parseCheckoutTerms(value).ok).toBe(false);
  });
});

describe("parsePaymentDetails", () => {
  it("reads the element as it stands", () => {
    expect(parsePaymentDetails(structuredClone(details))).toEqual({ ok: true, value: details });
  });

  it.each<readonly [string, object, string]>([
    ...badPrices.map(([what, change, code]) => [what, change, code === "shape" ? "invalid_authorization_details" : code] as const),
    ["an unknown type", { type: "transfer" }, "invalid_authorization_details"],
    ["an unknown field", { tip: 1 }, "invalid_authorization_details"],
    ["no payee", { payee: undefined }, "invalid_authorization_details"],
    ["an unknown field of the payee", { payee: { ...details.payee, iban: "x" } }, "invalid_authorization_details"],
    ["a payee without an id", { payee: { name: "n", website: "https://a.example" } }, "invalid_authorization_details"],
    ["a payee without a name", { payee: { id: "n", website: "https://a.example" } }, "invalid_authorization_details"],
    ["a payee without a website", { payee: { id: "n", name: "n" } }, "invalid_authorization_details"],
    ["a payee whose website runs script", { payee: { ...details.payee, website: "javascript:x" } }, "invalid_authorization_details"],
    ["no instrument", { payment_instrument: "acc_1" }, "invalid_authorization_details"],
    ["an unknown instrument", { payment_instrument: { ...details.payment_instrument, type: "card" } }, "invalid_authorization_details"],
    ["an instrument without a description", { payment_instrument: { type: "bank_account", id: "acc_1" } }, "invalid_authorization_details"],
    ["an instrument with a malformed id", { payment_instrument: { ...details.payment_instrument, id: "a/b" } }, "invalid_authorization_details"],
    ["an unknown field of the instrument", { payment_instrument: { ...details.payment_instrument, cvc: "1" } }, "invalid_authorization_details"],
    ["a malformed checkout id", { checkout_id: "" }, "invalid_authorization_details"],
    ["a malformed version", { checkout_version: -1 }, "invalid_authorization_details"],
    ["a hash that is none", { checkout_hash: "abc" }, "invalid_authorization_details"],
  ])("P17: refuses %s", (_, change, code) => {
    expect(parsePaymentDetails(details).ok).toBe(true);
    expect(parsePaymentDetails({ ...details, ...change })).toMatchObject({ ok: false, error: { code } });
  });

  it.each([
    ["no list", details],
    ["an empty list", []],
    ["two elements", [details, details]],
    ["another type", [{ type: "x" }]],
    ["a text", ["payment"]],
  ])("P17: refuses authorization_details with %s", (_, value) => {
    expect(parseAuthorizationDetails([details])).toEqual({ ok: true, value: details });
    expect(parseAuthorizationDetails(value)).toMatchObject({ ok: false, error: { code: "invalid_authorization_details" } });
  });

  it("V13: leaves Object.prototype as it is, whatever arrives", () => {
    const before = Object.getOwnPropertyNames(Object.prototype).length;
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom("__proto__", "constructor", "payee", "items"), (value, name) => {
        const hostile: unknown = JSON.parse(`{"${name}": ${JSON.stringify(value)}, "type": "payment"}`);
        expect(parsePaymentDetails(hostile).ok).toBe(false);
      }),
    );
    expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(before);
  });
});

function pairsOf<Status extends string>(table: Transitions<Status>): readonly string[] {
  const statuses = Object.keys(table) as Status[];
  return statuses.flatMap((from) => statuses.filter((to) => canTransition(table, from, to)).map((to) => `${from} > ${to}`));
}

describe("statuses", () => {
  it("P16 of a payment request are decided once, and an approval is used or withdrawn once", () => {
    expect(pairsOf(paymentRequestTransitions)).toEqual([
      "created > approved",
      "created > denied",
      "created > expired",
      "created > canceled",
      "approved > redeemed",
      "approved > expired",
      "approved > revoked",
      "redeemed > voided",
    ]);
  });

  it("of a checkout reach completed only through an approval", () => {
    expect(pairsOf(checkoutTransitions)).toEqual([
      "open > priced",
      "open > expired",
      "open > canceled",
      "priced > priced",
      "priced > awaiting_approval",
      "priced > expired",
      "priced > canceled",
      "awaiting_approval > priced",
      "awaiting_approval > authorized",
      "awaiting_approval > expired",
      "awaiting_approval > canceled",
      "authorized > completing",
      "authorized > expired",
      "authorized > canceled",
      "completing > priced",
      "completing > completed",
    ]);
  });

  it("of a payment never leave an end", () => {
    expect(pairsOf(paymentTransitions)).toEqual(["authorized > captured", "authorized > voided", "authorized > expired", "captured > refunded"]);
  });
});

describe("approvalPreimage", () => {
  const facts: ApprovalFacts = {
    requestId: "pr_1",
    nonce: "n",
    rpId: "wallet.example",
    clientId: "countersign-host",
    audience: "https://store.example/mcp",
    iat: 1_800_000_000,
    exp: 1_800_000_120,
    details,
    displayDigest: digest,
  };

  it("names everything that the passkey signs", () => {
    expect(approvalPreimage(facts)).toEqual({
      type: "countersign.payment-approval",
      version: 1,
      request_id: "pr_1",
      nonce: "n",
      rp_id: "wallet.example",
      client_id: "countersign-host",
      aud: "https://store.example/mcp",
      iat: 1_800_000_000,
      exp: 1_800_000_120,
      details,
      display_digest: digest,
    });
  });

  it.each([
    ["no time", { exp: facts.iat }],
    ["a fraction of a second", { iat: 1.5 }],
    ["an expiry that is no number", { exp: Number.NaN }],
    ["no digest", { displayDigest: "abc" }],
  ])("throws on %s", (_, change) => {
    expect(() => approvalPreimage({ ...facts, ...change })).toThrow(RangeError);
  });

  it("differs whenever one fact differs", () => {
    const base = JSON.stringify(approvalPreimage(facts));
    const changes: readonly Partial<ApprovalFacts>[] = [
      { requestId: "pr_2" },
      { nonce: "m" },
      { rpId: "evil.example" },
      { clientId: "other" },
      { audience: "https://evil.example" },
      { iat: facts.iat + 1 },
      { exp: facts.exp + 1 },
      { details: { ...details, amount: 1 } },
      { displayDigest: "B".repeat(43) },
    ];
    for (const change of changes) expect(JSON.stringify(approvalPreimage({ ...facts, ...change }))).not.toBe(base);
    expect(changes).toHaveLength(Object.keys(facts).length);
  });
});
