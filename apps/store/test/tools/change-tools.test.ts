import { readApprovalAnswer } from "@countersign/protocol/approval-answer";
import { decodeJwt } from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { checkoutMsMax } from "../../src/checkout/checkout.ts";
import { record } from "../stand-ins/record.ts";
import { type CallAnswer, createTown, type Town } from "../stand-ins/town.ts";

let town: Town;
beforeEach(async () => {
  town = await createTown();
});
afterEach(async () => {
  await town.close();
});

const mugs = [{ product_id: "stoneware-mug", quantity: 2 }];
const clock = [{ product_id: "wall-clock", quantity: 1 }];
const oakland = { name: "A. Buyer", line1: "Broadway 1", postal_code: "94607", city: "Oakland", region: "CA", country: "US" };

const viewOf = (answer: CallAnswer): Record<string, unknown> => record(answer.structured["checkout"]);
const requestOf = (answer: CallAnswer): string => /payment:(\S+)/.exec(answer.scope ?? "")?.[1] ?? "";
const update = (id: string, change: object): Promise<CallAnswer> => town.call("update_checkout", { checkout_id: id, ...change });
const cancel = (id: string): Promise<CallAnswer> => town.call("cancel_checkout", { checkout_id: id });
const get = (id: string): Promise<CallAnswer> => town.call("get_checkout", { checkout_id: id });

async function create(more: object = {}): Promise<string> {
  return String(viewOf(await town.call("create_checkout", { items: mugs, ...more }))["id"]);
}

async function press(id: string): Promise<string> {
  return requestOf(await town.call("pay", { checkout_id: id }));
}

async function finish(id: string, request: string): Promise<CallAnswer> {
  await town.wallet.approve(request, "usr_1");
  return town.call("complete_checkout", { checkout_id: id }, await town.wallet.token("usr_1", `payment:${request}`));
}

async function reserved(product: string): Promise<number> {
  const row = await town.db.sql.selectFrom("stock").select("reserved").where("product_id", "=", product).executeTakeFirstOrThrow();
  return row.reserved;
}

describe("update_checkout", () => {
  test("prices what is changed anew under a new version, and keeps what is not", async () => {
    const id = await create();
    expect(viewOf(await update(id, { address: oakland }))).toMatchObject({
      version: 2,
      status: "priced",
      items: [{ variant_id: "stoneware-mug", quantity: 2 }],
      shipping: { option: "standard", amount: { amount: 2195 }, address: oakland },
      shipping_options: [{ id: "collect" }, { id: "standard" }],
      tax: { region: "US-CA", rate: 725, included: false, amount: { amount: 274 } },
      total: { amount: 3780 + 2195 + 274, currency: "EUR" },
    });
    expect(viewOf(await update(id, { items: clock }))).toMatchObject({
      version: 3,
      items: [{ product_id: "wall-clock" }],
      shipping: { address: oakland },
      tax: { amount: { amount: 609 } },
    });
    const collected = viewOf(await update(id, { shipping_option: "collect" }));
    expect(collected).toMatchObject({ version: 4, total: { amount: 8400 }, shipping: { option: "collect" } });
    expect(JSON.stringify(collected)).not.toContain("Broadway");
    expect((await get(id)).structured["past_versions"]).toMatchObject([
      { version: 1, total: { amount: 3780 }, why: "changed" },
      { version: 2, total: { amount: 6249 } },
      { version: 3 },
    ]);
  });

  test("what is signed has shipping with its place, and the added tax, as lines of their own", async () => {
    const id = await create({ address: oakland });
    const request = town.wallet.requests.get(await press(id));
    expect(record(decodeJwt(request?.jwt ?? "")["checkout"])).toMatchObject({
      version: 1,
      amount: 6249,
      items: [
        { name: "Stoneware mug, Harbour blue", quantity: 2, amount: 3780 },
        { name: "Standard delivery to Broadway 1, 94607 Oakland, CA US", quantity: 1, amount: 2195 },
        { name: "Sales tax 7.25 % (US-CA)", quantity: 1, amount: 274 },
      ],
    });
    const paid = await finish(id, request?.id ?? "");
    expect(paid.structured).toMatchObject({ order: { total: { amount: 6249 }, shipping: { address: oakland }, tax: { region: "US-CA" } } });
    const items = record(paid.structured["receipt"])["items"];
    expect(Array.isArray(items) && items.reduce((sum: number, item) => sum + Number(record(record(item)["amount"])["amount"]), 0)).toBe(6249);
    expect(JSON.stringify((await get(id)).structured)).not.toContain("Broadway");
  });

  test("P12 P16 while the user is asked ends that request at the wallet and gives the goods back; what is approved next are the new terms", async () => {
    const id = await create();
    const first = await press(id);
    expect(await reserved("stoneware-mug")).toBe(2);
    expect(viewOf(await update(id, { items: clock }))).toMatchObject({ status: "priced", version: 2 });
    await town.store.idle();
    expect(town.wallet.requests.get(first)?.status).toBe("canceled");
    expect(viewOf(await get(id))).toMatchObject({ status: "priced", version: 2 });
    expect(await reserved("stoneware-mug")).toBe(0);
    const second = await press(id);
    expect(second).not.toBe(first);
    expect((await finish(id, second)).structured).toMatchObject({ order: { total: { amount: 8400 } } });
    expect(town.bank.captured).toMatchObject([{ amount: 8400 }]);
    expect(town.events).toContain("request_withdrawn");
  });

  test("P12 an approval of what the checkout was before is not charged, and is taken back at the wallet", async () => {
    const id = await create();
    const first = await press(id);
    town.wallet.down = true;
    await update(id, { items: clock });
    await vi.waitFor(() => expect(town.events).toContain("withdrawal_failed"), 15_000);
    town.wallet.down = false;
    await town.wallet.approve(first, "usr_1");
    const token = await town.wallet.token("usr_1", `payment:${first}`);
    expect(await town.call("pay", { checkout_id: id }, token)).toMatchObject({ status: 403 });
    town.clock.advance(60_000);
    await town.restart();
    await town.store.recover();
    for (const request of town.wallet.requests.values()) if (request.status === "created") town.wallet.deny(request.id);
    await town.store.idle();
    expect(town.wallet.requests.get(first)?.status).toBe("revoked");
    expect(town.bank.captured).toEqual([]);
    expect(viewOf(await get(id))["status"]).toBe("priced");
  });

  test("may take what the checkout itself has reserved, and not what others have", async () => {
    const id = await create({ items: [{ product_id: "wall-clock", quantity: 6 }] });
    await press(id);
    expect(await update(id, { items: [{ product_id: "wall-clock", quantity: 7 }] })).toMatchObject({ code: "out_of_stock" });
    const beside = await update(id, { items: [...mugs, { product_id: "wall-clock", quantity: 7 }] });
    expect(beside.structured).toEqual({
      error: { code: "out_of_stock", message: "There is not enough left of Quiet wall clock.", retryable: false, variant_id: "wall-clock" },
    });
    expect(viewOf(await get(id))).toMatchObject({ status: "awaiting_approval", version: 1 });
    expect((await update(id, { items: [{ product_id: "wall-clock", quantity: 5 }] })).isError).toBe(false);
  });

  test("P05 two changes at the same time never lose one that was answered", async () => {
    const id = await create();
    const [goods, place] = await Promise.all([update(id, { items: clock }), update(id, { address: oakland })]);
    const view = JSON.stringify(viewOf(await get(id)));
    expect([goods.isError, place.isError]).toContain(false);
    expect(view.includes("wall-clock")).toBe(!goods.isError);
    expect(view.includes("Broadway")).toBe(!place.isError);
  });

  test.each<[string, object, string]>([
    ["nothing to change", {}, "invalid_arguments"],
    ["another version", { items: clock, version: 7 }, "conflict"],
    ["an unknown variant", { items: [{ product_id: "wall-clock", variant_id: "wall-clock-gold", quantity: 1 }] }, "invalid_arguments"],
    ["a way of shipping without an address", { shipping_option: "standard" }, "invalid_arguments"],
    ["a place where it does not sell", { address: { ...oakland, country: "AQ" } }, "invalid_arguments"],
    ["a price of the caller's", { address: { ...oakland, amount: 1 } }, "invalid_arguments"],
    ["hidden text in an address", { address: { ...oakland, line1: "Broadway\u202e1" } }, "invalid_arguments"],
    ["half a character in an address", { address: { ...oakland, city: "Oak\ud83d" } }, "invalid_arguments"],
    ["a long address", { address: { ...oakland, line1: "x".repeat(81) } }, "invalid_arguments"],
    ["an address without a town", { address: { ...oakland, city: "  " } }, "invalid_arguments"],
  ])("P03 refuses %s and leaves the checkout and the request as they are", async (_name, change, code) => {
    const id = await create();
    const request = await press(id);
    expect(await update(id, change)).toMatchObject({ isError: true, code });
    expect(viewOf(await get(id))).toMatchObject({ status: "awaiting_approval", version: 1, total: { amount: 3780 } });
    expect(town.wallet.requests.get(request)?.status).toBe("created");
  });

  test("refuses one that is paid, given up, over or not there", async () => {
    const paid = await create();
    await finish(paid, await press(paid));
    const gone = await create();
    await cancel(gone);
    const old = await create();
    expect(await update(paid, { items: clock })).toMatchObject({ code: "checkout_not_open" });
    expect(await update(gone, { items: clock })).toMatchObject({ code: "checkout_not_open" });
    town.clock.advance(checkoutMsMax);
    expect(await update(old, { items: clock })).toMatchObject({ code: "checkout_expired" });
    expect(await update(`chk_${"A".repeat(22)}`, { items: clock })).toMatchObject({ code: "not_found" });
    expect(town.bank.captured).toHaveLength(1);
  });
});

describe("cancel_checkout", () => {
  test("P16 gives the goods back and ends the request at the wallet; twice is once, and nothing can be paid any more", async () => {
    const id = await create();
    const request = await press(id);
    expect(viewOf(await cancel(id))).toMatchObject({ status: "canceled" });
    expect(viewOf(await cancel(id))).toMatchObject({ status: "canceled" });
    await town.store.idle();
    expect(town.wallet.requests.get(request)?.status).toBe("canceled");
    expect(await reserved("stoneware-mug")).toBe(0);
    expect(await town.call("pay", { checkout_id: id })).toMatchObject({ code: "checkout_not_open" });
    expect(town.wallet.requests.size).toBe(1);
    expect(town.events.filter((event) => event === "checkout_canceled")).toHaveLength(1);
  });

  test("P16 one that is paid, or being charged, is refused, and its payment stands", async () => {
    const paid = await create();
    await finish(paid, await press(paid));
    expect(await cancel(paid)).toMatchObject({ isError: true, code: "checkout_not_open" });
    const charged = await create();
    town.bank.captureFaults.push("dropped", "dropped");
    town.bank.readFaults.push("unreachable", "unreachable");
    expect(await finish(charged, await press(charged))).toMatchObject({ code: "payment_outcome_unknown" });
    expect(await cancel(charged)).toMatchObject({ code: "checkout_not_open" });
    expect(viewOf(await get(charged))["status"]).toBe("completing");
  });

  test("while the wallet cannot be reached, the request is withdrawn later, across a restart", async () => {
    const id = await create();
    const request = await press(id);
    town.wallet.down = true;
    expect((await cancel(id)).isError).toBe(false);
    await town.restart();
    town.wallet.down = false;
    expect(town.wallet.requests.get(request)?.status).toBe("created");
    town.clock.advance(60_000);
    await town.store.recover();
    await town.store.idle();
    expect(town.wallet.requests.get(request)?.status).toBe("canceled");
    expect(await town.db.sql.selectFrom("withdrawals").selectAll().execute()).toEqual([]);
  });

  test("a request that has ended otherwise meanwhile needs no withdrawal any more", async () => {
    const id = await create();
    const request = await press(id);
    town.wallet.down = true;
    await cancel(id);
    await vi.waitFor(() => expect(town.events).toContain("withdrawal_failed"), 15_000);
    town.wallet.down = false;
    town.wallet.expire(request);
    town.clock.advance(60_000);
    await town.store.recover();
    await town.store.idle();
    expect(await town.db.sql.selectFrom("withdrawals").selectAll().execute()).toEqual([]);
  });

  test("a view that waits for the approval learns that it is over", async () => {
    const id = await create();
    const asked = await town.call("complete_checkout", { checkout_id: id }, undefined, { userAgent: "claude-user/1.0" });
    const read = readApprovalAnswer(asked.meta, town.clock.now());
    const handle = read.ok ? read.value?.handle : undefined;
    const waiting = town.call("await_approval", { handle }, undefined, { userAgent: "claude-user/1.0" });
    await cancel(id);
    const told = await waiting;
    expect(told.structured["state"]).not.toBe("approved");
    expect(JSON.stringify(told.raw)).not.toContain("receipt");
  });
});

describe("complete_checkout", () => {
  test("P15 is pay by another name: one payment request, one capture, one receipt", async () => {
    const id = await create();
    const request = await press(id);
    expect(requestOf(await town.call("complete_checkout", { checkout_id: id }))).toBe(request);
    const paid = await finish(id, request);
    const again = await town.call("pay", { checkout_id: id }, await town.wallet.token("usr_1", "orders:read"));
    expect(again.structured["receipt"]).toEqual(paid.structured["receipt"]);
    expect(town.bank.captured).toHaveLength(1);
  });
});
