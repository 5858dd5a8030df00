import { mandateClaims } from "@countersign/protocol/mandate";
import { Secret } from "@countersign/protocol/secret";
import { type Database, openDatabase } from "@countersign/storage/open";
import { createSealer } from "@countersign/storage/sealed";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { applyToCheckout, insertCheckout, readCheckout } from "../../src/checkout/checkout-rows.ts";
import { termsOf } from "../../src/checkout/bill.ts";
import { newCheckout } from "../../src/checkout/checkout.ts";
import { completeCheckout } from "../../src/payment/complete.ts";
import { countAttempt, insertCapture, readCapture, settleCapture } from "../../src/payment/capture-rows.ts";
import type { Settlement } from "../../src/payment/settle.ts";
import { storeMigrations, type StoreTables } from "../../src/tables.ts";

const now = 1_000_000;
const total = { amount: 500, currency: "EUR" };
const free = { amount: 0, currency: "EUR" };
const line = { product_id: "p", variant_id: "p", title: "P", quantity: 1, unit_price: total, amount: total };
const collected = { option: "collect", title: "Collect", amount: free, address: null, offers: [] };
const tax = { region: "NL", name: "VAT", rate: 0, included: true, amount: free };
const fresh = newCheckout("chk_1", { lines: [line], shipping: collected, tax, total }, now);
const terms = termsOf(fresh, "https://store.test/mcp");
const hash = "h".repeat(43);
const sealer = createSealer({ current: "k", keys: { k: new Secret(Buffer.alloc(32, 1).toString("base64url")) } });

let db: Database<StoreTables>;
beforeEach(async () => {
  db = await openDatabase<StoreTables>({ url: "memory:", schema: "store", migrations: storeMigrations });
  await db.sql.insertInto("stock").values({ product_id: "p", on_hand: 1, reserved: 0 }).execute();
  await insertCheckout(db, fresh);
  const signed = { terms, jwt: "a.b.c", hash, expiresAt: now + 1_000_000 };
  await applyToCheckout(db, "chk_1", { type: "pay_started", signed }, now);
  await applyToCheckout(db, "chk_1", { type: "lodged", requestId: "pr_1", checkoutHash: hash, expiresAt: now + 900_000 }, now);
});
afterEach(() => db.close());

/** The approval of these terms, with a mandate over another sum where one is given. */
function approvalOf(sum: { readonly amount: number; readonly currency: string }) {
  const claims = mandateClaims({
    issuer: "https://wallet.test",
    bank: "https://bank.test",
    subject: "usr_1",
    jti: "m1",
    issuedAt: now / 1000,
    keyThumbprint: "k".repeat(43),
    details: {
      type: "payment",
      payee: { id: "store", name: "Store", website: "https://store.test" },
      ...sum,
      items: terms.items,
      checkout_id: terms.id,
      checkout_version: terms.version,
      checkout_hash: hash,
      payment_instrument: { type: "bank_account", id: "acc_1", description: "Account" },
    },
    evidence: "e".repeat(43),
    humanPresent: true,
    requestId: "pr_1",
  });
  return { requestId: "pr_1", mandate: new Secret("mandate"), claims, checkoutHash: hash };
}

const settled: string[] = [];
const settler = {
  settle: async (paymentId: string): Promise<Settlement> => {
    settled.push(paymentId);
    return { outcome: "unknown" };
  },
  idle: async () => undefined,
};
const complete = (sum: typeof total) =>
  completeCheckout({ db, sealer, settler, clock: () => now, report: () => undefined }, "chk_1", approvalOf(sum));

describe("a capture", () => {
  test.each([
    ["sum", { amount: 501, currency: "EUR" }],
    ["currency", { amount: 500, currency: "USD" }],
  ])("P01 of an approval over another %s is not begun", async (_what, sum) => {
    settled.length = 0;
    expect(await complete(sum)).toMatchObject({ ok: false, error: { code: "consent_mismatch" } });
    expect(await readCapture(db, "pay_m1")).toBeUndefined();
    expect((await readCheckout(db, "chk_1"))?.status).toBe("awaiting_approval");
    expect(settled).toEqual([]);
    expect(await complete(total)).toEqual({ ok: true, value: { outcome: "unknown" } });
    expect(settled).toEqual(["pay_m1"]);
  });

  test("L04 is settled once, and is sent no more afterwards", async () => {
    await complete(total);
    const capture = await readCapture(db, "pay_m1");
    if (capture === undefined) throw new Error("there is no capture");
    expect(await countAttempt(db, "pay_m1", now)).toBe(true);
    expect(await settleCapture(db, capture, "captured", null)).toBe(true);
    expect(await settleCapture(db, capture, "refused", "payment_declined")).toBe(false);
    expect(await countAttempt(db, "pay_m1", now)).toBe(false);
    expect(await readCapture(db, "pay_m1")).toMatchObject({ state: "captured", attempts: 1, sealedMandate: "" });
  });

  test("P05 of a checkout is one: a second living one breaks a rule of the database", async () => {
    await complete(total);
    const capture = await readCapture(db, "pay_m1");
    if (capture === undefined) throw new Error("there is no capture");
    await expect(insertCapture(db, { ...capture, paymentId: "pay_m2" }, now)).rejects.toThrow(/unique/i);
    await settleCapture(db, capture, "refused", "payment_declined");
    await insertCapture(db, { ...capture, paymentId: "pay_m2" }, now);
  });
});
