import { Secret } from "@countersign/protocol/secret";
import { openDatabase } from "@countersign/storage/open";
import { createSealer } from "@countersign/storage/sealed";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, expect, test } from "vitest";
import { receiptHandle } from "../../src/orders/receipt-handle.ts";
import { storeMigrations, type StoreTables } from "../../src/tables.ts";
import { record } from "../stand-ins/record.ts";
import { createTown } from "../stand-ins/town.ts";

const folder = mkdtempSync(join(tmpdir(), "countersign-older-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const price = { amount: 1890, currency: "EUR" };
const lines = [{ product_id: "stoneware-mug", title: "Stoneware mug", quantity: 1, unit_price: price, amount: price }];
const id = `chk_${"B".repeat(22)}`;
const orderId = `ord_${"C".repeat(22)}`;

test("checkouts, orders and stock from before there were variants, shipping and tax are read, paid and changed as they are", async () => {
  const url = pathToFileURL(join(folder, "store.sqlite")).href;
  const now = Date.UTC(2026, 10, 22, 12, 0, 0);
  const db = await openDatabase<StoreTables>({ url, schema: "store", migrations: storeMigrations.slice(0, 2) });
  const body = JSON.stringify({ version: 1, lines, total: price, createdAt: now, signed: null, paymentId: null, lastRefusal: null });
  await db.sql
    .insertInto("checkouts")
    .values({ id, revision: 1, status: "priced", expires_at: now + 60_000, request_id: null, body })
    .execute();
  await db.sql.insertInto("stock").values({ product_id: "stoneware-mug", on_hand: 5, reserved: 0 }).execute();
  const orderBody = JSON.stringify({ lines, total: price, humanPresent: true, paidWith: "Account 4821" });
  await db.sql
    .insertInto("orders")
    .values({ id: orderId, checkout_id: "chk_0", payment_id: "pay_0", subject: "usr_1", created_at: now, body: orderBody })
    .execute();
  await db.close();

  const town = await createTown({}, url);
  try {
    const read = (await town.call("get_checkout", { checkout_id: id })).structured["checkout"];
    expect(read).toMatchObject({ version: 1, items: [{ product_id: "stoneware-mug", variant_id: "stoneware-mug" }], total: price });
    expect(record(read)["shipping"]).toBeUndefined();
    const sealer = createSealer({ current: "k1", keys: { k1: new Secret(Buffer.alloc(32, 7).toString("base64url")) } });
    const order = await town.call("get_order", { order_id: orderId, receipt_handle: receiptHandle(sealer, orderId) });
    expect(order.structured).toMatchObject({ order: { id: orderId, total: price }, receipt: { items: [{ name: "Stoneware mug", amount: price }] } });
    const product = record((await town.call("get_product", { product_id: "stoneware-mug" })).structured["product"]);
    expect(product).toMatchObject({ stock: 5, variants: [{ stock: 5 }, { stock: 30 }, { stock: 24 }] });

    const changed = await town.call("update_checkout", { checkout_id: id, items: [{ product_id: "stoneware-mug", quantity: 2 }] });
    expect(changed.structured).toMatchObject({ checkout: { version: 2, shipping: { option: "collect" }, total: { amount: 3780 } } });
    const request = /payment:(\S+)/.exec((await town.call("pay", { checkout_id: id })).scope ?? "")?.[1] ?? "";
    await town.wallet.approve(request, "usr_1");
    await town.store.idle();
    expect(town.bank.captured).toMatchObject([{ amount: 3780 }]);
  } finally {
    await town.close();
  }
});
