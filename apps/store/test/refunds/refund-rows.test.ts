import { openDatabase } from "@countersign/storage/open";
import { expect, test } from "vitest";
import type { Refund } from "../../src/refunds/refund.ts";
import { allowRefund, endRefundApproval, insertRefund, readRefund } from "../../src/refunds/refund-rows.ts";
import { storeMigrations, type StoreTables } from "../../src/tables.ts";

const waiting: Refund = {
  id: "ref_1",
  paymentId: "pay_1",
  orderId: "ord_1",
  amount: { amount: 500, currency: "EUR" },
  before: 0,
  captured: 900,
  state: "awaiting_approval",
  attempts: 0,
  reason: null,
  createdAt: 1,
  refusedWith: null,
  isApproved: false,
  signed: null,
  requestId: "pr_1",
};

test("P16 a yes is taken once, and not by a refund that is over", async () => {
  const db = await openDatabase<StoreTables>({ url: "memory:", schema: "store", migrations: storeMigrations });
  await insertRefund(db, waiting, 1);
  expect([await allowRefund(db, "ref_1", 2), await allowRefund(db, "ref_1", 3)]).toEqual([true, false]);
  expect(await readRefund(db, "ref_1")).toMatchObject({ state: "pending", isApproved: true });
  expect(await endRefundApproval(db, waiting, "payment_denied")).toBe(false);
  await insertRefund(db, { ...waiting, id: "ref_2", paymentId: "pay_2" }, 1);
  expect(await endRefundApproval(db, { ...waiting, id: "ref_2" }, "payment_denied")).toBe(true);
  expect(await allowRefund(db, "ref_2", 2)).toBe(false);
  expect(await readRefund(db, "ref_2")).toMatchObject({ state: "refused", isApproved: false });
  await db.close();
});
