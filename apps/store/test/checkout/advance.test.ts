import type { SignedCheckout } from "@countersign/kit/payment/payee";
import type { CheckoutStatus } from "@countersign/protocol/payment";
import { describe, expect, test } from "vitest";
import { advanceCheckout, type CheckoutEvent } from "../../src/checkout/advance.ts";
import { termsOf } from "../../src/checkout/bill.ts";
import { approvalGraceMs, type Checkout, checkoutMsMax, newCheckout, pastVersionsMax } from "../../src/checkout/checkout.ts";
import type { CheckoutPrice } from "../../src/checkout/price.ts";

const now = 1_000_000;
const late = now + checkoutMsMax + approvalGraceMs;
const price = { amount: 500, currency: "EUR" };
const line = { product_id: "p", variant_id: "p", title: "P", quantity: 1, unit_price: price, amount: price };
const free = { amount: 0, currency: "EUR" };
const collected = { option: "collect", title: "Collect", amount: free, address: null, offers: [] };
const tax = { region: "NL", name: "VAT", rate: 0, included: true, amount: free };
const offered: CheckoutPrice = { lines: [line], shipping: collected, tax, total: price };
const two: CheckoutPrice = {
  ...offered,
  lines: [{ ...line, quantity: 2, amount: { amount: 1000, currency: "EUR" } }],
  total: { amount: 1000, currency: "EUR" },
};
const fresh = newCheckout("chk_1", offered, now);
const signed: SignedCheckout = { terms: termsOf(fresh, "https://store.test/mcp"), jwt: "a.b.c", hash: "hash-1", expiresAt: now + 1_500_000 };

/** A checkout as it is in each status. */
const inStatus: Readonly<Record<CheckoutStatus, Checkout>> = {
  open: { ...fresh, status: "open" },
  priced: fresh,
  awaiting_approval: { ...fresh, status: "awaiting_approval", signed, requestId: "pr_1", expiresAt: signed.expiresAt },
  authorized: { ...fresh, status: "authorized", signed, requestId: "pr_1", paymentId: "pay_1" },
  completing: { ...fresh, status: "completing", signed, requestId: "pr_1", paymentId: "pay_1" },
  completed: { ...fresh, status: "completed", signed, requestId: "pr_1", paymentId: "pay_1" },
  expired: { ...fresh, status: "expired" },
  canceled: { ...fresh, status: "canceled" },
};

const events: Readonly<Record<string, { readonly event: CheckoutEvent; readonly at: number }>> = {
  changed: { event: { type: "changed", price: two, from: 1 }, at: now },
  canceled: { event: { type: "canceled" }, at: now },
  pay_started: { event: { type: "pay_started", signed }, at: now },
  lodged: { event: { type: "lodged", requestId: "pr_2", checkoutHash: "hash-1", expiresAt: now + 900_000 }, at: now },
  denied: { event: { type: "denied", requestId: "pr_1" }, at: now },
  lapsed: { event: { type: "lapsed", requestId: "pr_1" }, at: now },
  approved: { event: { type: "approved", checkoutHash: "hash-1", paymentId: "pay_1" }, at: now },
  captured: { event: { type: "captured", paymentId: "pay_1" }, at: now },
  declined: { event: { type: "declined", paymentId: "pay_1", code: "payment_declined" }, at: now },
  timed_out: { event: { type: "timed_out" }, at: late },
};

/** Every pair that is allowed: what it leads to and what the stock does. All other pairs are refused. */
const allowed: Readonly<Record<string, readonly [CheckoutStatus, string]>> = {
  "priced changed": ["priced", "none"],
  "priced canceled": ["canceled", "none"],
  "awaiting_approval changed": ["priced", "release"],
  "awaiting_approval canceled": ["canceled", "release"],
  "priced pay_started": ["awaiting_approval", "reserve"],
  "priced timed_out": ["expired", "none"],
  "awaiting_approval lodged": ["awaiting_approval", "none"],
  "awaiting_approval denied": ["priced", "release"],
  "awaiting_approval lapsed": ["expired", "release"],
  "awaiting_approval approved": ["completing", "none"],
  "awaiting_approval timed_out": ["expired", "release"],
  "completing captured": ["completed", "sell"],
  "completing declined": ["priced", "release"],
};

const pairs = Object.values(inStatus).flatMap((checkout) =>
  Object.keys(events).map((event) => ({ pair: `${checkout.status} ${event}`, checkout, event })),
);

describe("a checkout", () => {
  test.each(pairs)("P16 $pair", ({ pair, checkout, event }) => {
    const given = events[event];
    if (given === undefined) throw new Error("unknown event");
    const step = advanceCheckout(checkout, given.event, given.at);
    const [status, stock] = allowed[pair] ?? [];
    expect(step.ok ? [step.value.checkout.status, step.value.stock] : []).toEqual(status === undefined ? [] : [status, stock]);
  });

  test("that goes back to priced has a new version and nothing of the old approval", () => {
    const back = advanceCheckout(inStatus.completing, { type: "declined", paymentId: "pay_1", code: "insufficient_funds" }, now);
    expect(back).toMatchObject({
      ok: true,
      value: { checkout: { version: 2, signed: null, requestId: null, paymentId: null, lastRefusal: "insufficient_funds" } },
    });
  });

  test("P12 that is changed has a new version, a new price for as long as a new one's, and nothing of the old approval, whose request ends", () => {
    const later = now + 60_000;
    const step = advanceCheckout(inStatus.awaiting_approval, { type: "changed", price: two }, later);
    expect(step).toMatchObject({
      ok: true,
      value: {
        checkout: { version: 2, total: { amount: 1000 }, signed: null, requestId: null, paymentId: null, expiresAt: later + checkoutMsMax },
        withdraw: "pr_1",
      },
    });
    expect(step.ok && step.value.checkout.past).toEqual([{ version: 1, total: price, endedAt: later, why: "changed" }]);
    expect(advanceCheckout(fresh, { type: "changed", price: two }, fresh.expiresAt)).toMatchObject({ error: { code: "checkout_expired" } });
  });

  test("P12 takes a change only of the version that it was made from", () => {
    expect(advanceCheckout(fresh, { type: "changed", price: two, from: 1 }, now).ok).toBe(true);
    for (const from of [0, 2]) {
      expect(advanceCheckout(fresh, { type: "changed", price: two, from }, now)).toMatchObject({ error: { code: "conflict" } });
    }
  });

  test("that is canceled while the user is asked has its request ended", () => {
    expect(advanceCheckout(inStatus.awaiting_approval, { type: "canceled" }, now)).toMatchObject({
      value: { checkout: { requestId: null }, withdraw: "pr_1" },
    });
    expect(advanceCheckout(fresh, { type: "canceled" }, now)).toMatchObject({ value: { withdraw: null } });
  });

  test("remembers a bounded number of its versions, the newest", () => {
    let checkout = fresh;
    for (let change = 0; change < pastVersionsMax + 5; change += 1) {
      const step = advanceCheckout(checkout, { type: "changed", price: two }, now);
      if (!step.ok) throw new Error(step.error.code);
      checkout = step.value.checkout;
    }
    expect(checkout.past).toHaveLength(pastVersionsMax);
    expect(checkout.past.at(-1)).toMatchObject({ version: checkout.version - 1 });
  });

  test.each<CheckoutEvent>([
    { type: "lodged", requestId: "pr_0", checkoutHash: "hash-0", expiresAt: now + 900_000 },
    { type: "denied", requestId: "pr_0" },
    { type: "lapsed", requestId: "pr_0" },
    { type: "approved", checkoutHash: "hash-0", paymentId: "pay_1" },
  ])("P12 ignores the word on another request or other terms: %j", (event) => {
    expect(advanceCheckout(inStatus.awaiting_approval, event, now).ok).toBe(false);
  });

  test.each<CheckoutEvent>([
    { type: "captured", paymentId: "pay_0" },
    { type: "declined", paymentId: "pay_0", code: "payment_declined" },
  ])("P11 ignores the word on another payment: %j", (event) => {
    expect(advanceCheckout(inStatus.completing, event, now).ok).toBe(false);
  });

  test("P01 takes only signed terms of its own id, version and sum", () => {
    const start = (terms: Partial<typeof signed.terms>): boolean =>
      advanceCheckout(fresh, { type: "pay_started", signed: { ...signed, terms: { ...signed.terms, ...terms } } }, now).ok;
    expect(start({})).toBe(true);
    expect(start({ id: "chk_2" })).toBe(false);
    expect(start({ version: 2 })).toBe(false);
    expect(start({ amount: 499 })).toBe(false);
  });

  test("keeps its goods for an approval given in time until no mandate can be redeemed any more", () => {
    const waiting = inStatus.awaiting_approval;
    expect(advanceCheckout(waiting, { type: "timed_out" }, waiting.expiresAt + approvalGraceMs - 1).ok).toBe(false);
    expect(advanceCheckout(waiting, { type: "timed_out" }, waiting.expiresAt + approvalGraceMs).ok).toBe(true);
    expect(advanceCheckout(fresh, { type: "timed_out" }, fresh.expiresAt - 1).ok).toBe(false);
    expect(advanceCheckout(fresh, { type: "pay_started", signed }, fresh.expiresAt)).toMatchObject({ error: { code: "checkout_expired" } });
  });

  test.each([
    ["shorter than was signed", now + 900_000, now + 900_000],
    ["longer than was signed", now + 9_000_000, signed.expiresAt],
  ])("is held as long as the wallet asks for it when that is %s", (_name, expiresAt, expected) => {
    const step = advanceCheckout(inStatus.awaiting_approval, { type: "lodged", requestId: "pr_2", checkoutHash: "hash-1", expiresAt }, now);
    expect(step).toMatchObject({ ok: true, value: { checkout: { requestId: "pr_2", expiresAt: expected } } });
  });
});
