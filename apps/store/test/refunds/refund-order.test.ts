import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RefundFault } from "../stand-ins/bank.ts";
import { record } from "../stand-ins/record.ts";
import { type CallAnswer, createTown, type Town } from "../stand-ins/town.ts";

let town: Town;
let order: string;
let owner: string;
beforeEach(async () => {
  town = await createTown();
  order = await buy();
  owner = await town.wallet.token("usr_1", "orders:read orders:write");
});
afterEach(async () => {
  await town.close();
});

/** Two mugs over 37.80 EUR, paid by usr_1. */
async function buy(): Promise<string> {
  const made = await town.call("create_checkout", { items: [{ product_id: "stoneware-mug", quantity: 2 }] });
  const id = String(record(made.structured["checkout"])["id"]);
  const request = /payment:(\S+)/.exec((await town.call("pay", { checkout_id: id })).scope ?? "")?.[1] ?? "";
  await town.wallet.approve(request, "usr_1");
  const paid = await town.call("pay", { checkout_id: id }, await town.wallet.token("usr_1", `payment:${request}`));
  return String(record(paid.structured["order"])["id"]);
}

function refund(args: Record<string, unknown> = {}, token = owner, key?: string): Promise<CallAnswer> {
  return town.call("refund_order", { order_id: order, ...args }, token, key === undefined ? {} : { idempotencyKey: key });
}

async function read(): Promise<Record<string, unknown>> {
  return record((await town.call("get_order", { order_id: order }, owner)).structured["order"]);
}

describe("a refund", () => {
  test("of all gives all back, once, and the order says so", async () => {
    expect(await read()).toMatchObject({ status: "complete", refunded: { amount: 0, currency: "EUR" }, refunds: [] });
    const told = await refund({ reason: "Broken on arrival" });
    expect(told).toMatchObject({
      isError: false,
      structured: {
        order: { id: order, status: "refunded", total: { amount: 3780 }, refunded: { amount: 3780 }, payment: { status: "refunded" } },
        refund: { status: "done", amount: { amount: 3780, currency: "EUR" }, reason: "Broken on arrival" },
      },
    });
    expect(town.bank.refunded.map((each) => each.amount)).toEqual([3780]);
    expect(await read()).toMatchObject({ status: "refunded", refunds: [{ status: "done", amount: { amount: 3780 } }] });
    expect(town.events.filter((event) => event.startsWith("refund"))).toEqual(["refund_begun", "refund_sent", "refund_done"]);
  });

  test("in parts adds up, and the receipt stays what it was", async () => {
    const before = await town.call("get_order", { order_id: order }, owner);
    await refund({ amount_minor: 780 });
    expect(await read()).toMatchObject({ status: "partly_refunded", refunded: { amount: 780 }, payment: { status: "captured" } });
    await refund({ amount_minor: 1000 });
    await refund();
    expect(await read()).toMatchObject({ status: "refunded", refunded: { amount: 3780 } });
    expect(town.bank.refunded.map((each) => each.amount)).toEqual([780, 1000, 2000]);
    const after = await town.call("get_order", { order_id: order }, owner);
    expect(after.structured["receipt"]).toEqual(before.structured["receipt"]);
  });

  test("P07 over what is left is refused without a word to the bank", async () => {
    await refund({ amount_minor: 780 });
    const asked = town.bank.requests.length;
    expect((await refund({ amount_minor: 3001 })).code).toBe("exceeds_payment");
    await refund();
    const told = town.bank.requests.length;
    expect(await refund()).toMatchObject({ isError: false, structured: { refund: { amount: { amount: 3000 } } } });
    expect((await refund({ amount_minor: 1 })).code).toBe("payment_closed");
    expect([told - asked, town.bank.requests.length - told]).toEqual([1, 0]);
    expect(town.bank.refunded.map((each) => each.amount)).toEqual([780, 3000]);
  });

  test.each([[0], [-1], [1.5], ["780"], [2 ** 53]])("P03 of %j minor units is no refund", async (amount) => {
    expect((await refund({ amount_minor: amount })).code).toBe("invalid_arguments");
    expect(town.bank.refunded).toEqual([]);
  });

  test("needs a token with orders:write of the one who paid", async () => {
    expect(await town.call("refund_order", { order_id: order })).toMatchObject({ status: 401, scope: "orders:write" });
    expect(await refund({}, await town.wallet.token("usr_1", "orders:read"))).toMatchObject({ status: 403, scope: "orders:write" });
    const stranger = await refund({}, await town.wallet.token("usr_2", "orders:read orders:write"));
    const unknown = await town.call("refund_order", { order_id: `ord_${"a".repeat(22)}` }, owner);
    expect([stranger.code, unknown.code]).toEqual(["not_found", "not_found"]);
    expect(stranger.structured).toEqual(unknown.structured);
    expect(town.bank.refunded).toEqual([]);
    expect((await refund()).isError).toBe(false);
  });
});

describe("a refund that is asked for again", () => {
  test("P08 P15 under one key is one refund with one answer, and the key stands for nothing else", async () => {
    const first = await refund({ amount_minor: 100 }, owner, "press-1");
    const again = await refund({ amount_minor: 100 }, owner, "press-1");
    expect(again.structured).toEqual(first.structured);
    expect((await refund({ amount_minor: 101 }, owner, "press-1")).code).toBe("idempotency_conflict");
    expect(town.bank.refunded.map((each) => each.amount)).toEqual([100]);
    await refund({ amount_minor: 100 }, owner, "press-2");
    expect(town.bank.refunded.map((each) => each.amount)).toEqual([100, 100]);
  });

  test("P15 of the same seen sum is one refund, of another amount a conflict", async () => {
    const first = await refund({ amount_minor: 100, refunded_minor: 0 });
    const again = await refund({ amount_minor: 100, refunded_minor: 0 });
    expect(record(again.structured["refund"])["id"]).toBe(record(first.structured["refund"])["id"]);
    expect((await refund({ amount_minor: 200, refunded_minor: 0 })).code).toBe("conflict");
    expect((await refund({ amount_minor: 200, refunded_minor: 100 })).isError).toBe(false);
    expect(town.bank.refunded.map((each) => each.amount)).toEqual([100, 200]);
  });

  test("P07 fifty times at once is one refund", async () => {
    const told = await Promise.all(Array.from({ length: 50 }, () => refund({ amount_minor: 1000, refunded_minor: 0 })));
    expect(new Set(told.map((each) => record(each.structured["refund"])["id"]))).toHaveLength(1);
    expect(town.bank.refunded.map((each) => each.amount)).toEqual([1000]);
  });

  test("P07 at once with other amounts is one of them", async () => {
    const told = await Promise.all([2000, 1900, 1800].map((amount) => refund({ amount_minor: amount, refunded_minor: 0 })));
    expect(told.map((each) => each.code ?? "done").toSorted()).toEqual(["conflict", "conflict", "done"]);
    expect(town.bank.refunded).toHaveLength(1);
  });
});

describe("a refund whose answer is lost", () => {
  test.each<[RefundFault, number]>([
    ["lost", 1],
    ["dropped", 1],
    ["status-500-after", 1],
    ["status-500-before", 1],
  ])("P14 %s: is read before it is sent again, and made once", async (fault, count) => {
    town.bank.refundFaults.push(fault);
    expect(await refund({ amount_minor: 500 })).toMatchObject({ isError: false, structured: { refund: { status: "done" } } });
    expect(town.bank.refunded).toHaveLength(count);
    expect(town.bank.sentBlindly).toEqual([]);
    expect(await read()).toMatchObject({ refunded: { amount: 500 } });
  });

  test("P14 and whose payment cannot be read is pending, and the recovery ends it after a restart", async () => {
    town.bank.refundFaults.push("lost");
    town.bank.readFaults.push("unreachable");
    const told = await refund({ amount_minor: 500 });
    expect(told).toMatchObject({ isError: false, structured: { order: { status: "complete" }, refund: { status: "pending" } } });
    expect(await read()).toMatchObject({ status: "complete", refunds: [{ status: "pending" }] });
    expect((await refund({ amount_minor: 100 })).code).toBe("conflict");
    await town.restart();
    town.clock.advance(60_000);
    await town.store.recover();
    expect(await read()).toMatchObject({ status: "partly_refunded", refunded: { amount: 500 }, refunds: [{ status: "done" }] });
    expect(town.bank.refunded).toHaveLength(1);
    expect(town.bank.sentBlindly).toEqual([]);
  });

  test("P14 is never given up on a refusal before a read has shown that it did not happen", async () => {
    town.bank.refundFaults.push("poor");
    town.bank.readFaults.push("status-500");
    expect(await refund({ amount_minor: 500 })).toMatchObject({ isError: false, structured: { refund: { status: "pending" } } });
    town.bank.refundFaults.push("poor");
    expect((await refund({ amount_minor: 500 })).code).toBe("insufficient_funds");
    expect(await read()).toMatchObject({ status: "complete", refunds: [{ status: "refused" }] });
    expect((await refund({ amount_minor: 500 })).isError).toBe(false);
    expect(town.bank.refunded).toHaveLength(1);
  });

  test("P11 a payment that is not the ordered one ends nothing", async () => {
    town.bank.tamper = (payment) => ({ ...payment, currency: "USD" });
    expect(await refund({ amount_minor: 500 })).toMatchObject({ structured: { refund: { status: "pending" } } });
    expect(town.events.filter((event) => event === "refund_mismatch")).toHaveLength(1);
    expect(await read()).toMatchObject({ status: "complete" });
    town.bank.tamper = undefined;
    town.clock.advance(61_000);
    await town.store.recover();
    expect(await read()).toMatchObject({ status: "partly_refunded" });
    expect(town.bank.refunded).toHaveLength(1);
  });
});
