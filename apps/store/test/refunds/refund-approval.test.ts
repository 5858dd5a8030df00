import { decodeJwt } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { record } from "../stand-ins/record.ts";
import { type CallAnswer, createTown, storeUrl, type Town } from "../stand-ins/town.ts";

let town: Town;
let order: string;
let owner: string;
beforeEach(async () => {
  town = await createTown({ refundLimits: { EUR: 1000 } });
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
  const request = requestOf(await town.call("pay", { checkout_id: id }));
  await town.wallet.approve(request, "usr_1");
  const paid = await town.call("pay", { checkout_id: id }, await town.wallet.token("usr_1", `payment:${request}`));
  return String(record(paid.structured["order"])["id"]);
}

function requestOf(answer: CallAnswer): string {
  return /payment:(\S+)/.exec(answer.scope ?? "")?.[1] ?? "";
}

function refund(args: Record<string, unknown> = {}, token = owner, key?: string): Promise<CallAnswer> {
  return town.call("refund_order", { order_id: order, ...args }, token, key === undefined ? {} : { idempotencyKey: key });
}

async function read(): Promise<Record<string, unknown>> {
  return record((await town.call("get_order", { order_id: order }, owner)).structured["order"]);
}

async function push(request: string): Promise<void> {
  const headers = { "content-type": "application/secevent+jwt", host: "store.test" };
  const body = await town.wallet.event(request);
  expect((await town.store.fetch(new Request(`${storeUrl}/webhooks/wallet`, { method: "POST", headers, body }))).status).toBe(202);
  await town.store.idle();
}

describe("a refund over the limit", () => {
  test("waits for the user's approval of exactly this refund, by the scope of a step-up, and is made once", async () => {
    const asked = await refund({}, owner, "press-1");
    expect(asked).toMatchObject({ status: 403, scope: expect.stringMatching(/^orders:write payment:pr_[0-9a-f]{32}$/) });
    const request = requestOf(asked);
    const terms = record(decodeJwt(town.wallet.requests.get(request)?.jwt ?? "")["checkout"]);
    expect(terms).toMatchObject({ refund_of: order, amount: 3780, currency: "EUR", resource: `${storeUrl}/mcp` });
    expect(town.wallet.requests.get(request)?.subject).toBe("usr_1");
    expect(town.bank.refunded).toEqual([]);
    expect(await read()).toMatchObject({ status: "complete", refunds: [{ status: "awaiting_approval" }] });
    await town.wallet.approve(request, "usr_1");
    const stepped = await town.wallet.token("usr_1", `orders:read orders:write payment:${request}`);
    for (const _ of [1, 2]) {
      expect(await refund({}, stepped, "press-1")).toMatchObject({ isError: false, structured: { refund: { status: "done" } } });
    }
    expect(town.bank.refunded.map((each) => each.amount)).toEqual([3780]);
    expect(await read()).toMatchObject({ status: "refunded" });
  });

  test("asks for one approval however often it is called, and the scope of a token is no approval", async () => {
    const request = requestOf(await refund());
    const claimed = await town.wallet.token("usr_1", `orders:read orders:write payment:${request}`);
    const answers = [await refund(), await refund({ refunded_minor: 0 }), await refund({}, claimed)];
    expect(answers.map(requestOf)).toEqual([request, request, request]);
    expect(town.bank.refunded).toEqual([]);
    expect(await town.db.sql.selectFrom("refunds").selectAll().execute()).toHaveLength(1);
  });

  test("P12 takes no approval of another refund, or of a payment", async () => {
    const small = requestOf(await refund({ amount_minor: 1001 }));
    await town.wallet.approve(small, "usr_1");
    const whole = await refund({}, await town.wallet.token("usr_1", `orders:write payment:${small}`));
    expect(whole.status).toBe(403);
    expect(requestOf(whole)).not.toBe(small);
    expect(town.bank.refunded).toEqual([]);
  });

  test("P12 takes no approval of other terms, also where its row names that request", async () => {
    await refund();
    const paid = [...town.wallet.requests.values()].find(({ status }) => status === "approved");
    await town.db.sql
      .updateTable("refunds")
      .set({ request_id: paid?.id ?? "" })
      .execute();
    town.clock.advance(11_000);
    await town.store.recover();
    expect(await read()).toMatchObject({ status: "complete", refunds: [{ status: "awaiting_approval" }] });
    expect(town.bank.refunded).toEqual([]);
  });

  test("P13 is also one that small ones add up to", async () => {
    expect((await refund({ amount_minor: 600 })).isError).toBe(false);
    expect((await refund({ amount_minor: 401 })).status).toBe(403);
    expect((await refund({ amount_minor: 400 })).isError).toBe(false);
    expect((await refund({ amount_minor: 1 })).status).toBe(403);
    expect(town.bank.refunded.map((each) => each.amount)).toEqual([600, 400]);
  });

  test("P16 that was denied is not made, and is asked for anew when it is called again", async () => {
    const request = requestOf(await refund());
    town.wallet.deny(request);
    await push(request);
    expect(await read()).toMatchObject({ status: "complete", refunds: [{ status: "refused" }] });
    const again = await refund();
    expect(again.status).toBe(403);
    expect(requestOf(again)).not.toBe(request);
    expect(town.bank.refunded).toEqual([]);
  });

  test("that was approved is made as soon as the wallet tells of it, whoever looks", async () => {
    const request = requestOf(await refund());
    await town.restart();
    await town.wallet.approve(request, "usr_1");
    await push(request);
    await push(request);
    expect(await read()).toMatchObject({ status: "refunded", refunds: [{ status: "done" }] });
    expect(town.bank.refunded).toHaveLength(1);
  });

  test.each([
    ["the token that shows the approval", {}, undefined],
    ["its key", {}, "press-1"],
    ["what it had seen", { refunded_minor: 0 }, undefined],
  ])("that was made before its call came back is the answer to it, by %s", async (how, seen, key) => {
    const wish = { amount_minor: 1500, ...seen };
    const request = requestOf(await refund(wish, owner, key));
    await town.wallet.approve(request, "usr_1");
    await push(request);
    expect(town.bank.refunded).toHaveLength(1);
    const token = how.includes("token") ? await town.wallet.token("usr_1", `orders:write payment:${request}`) : owner;
    expect(await refund(wish, token, key)).toMatchObject({ isError: false, structured: { refund: { status: "done", amount: { amount: 1500 } } } });
    expect(town.bank.refunded).toHaveLength(1);
    // Somebody who wants as much once more says so, and is asked again.
    expect((await refund({ amount_minor: 1500, refunded_minor: 1500 }, token, "press-2")).status).toBe(403);
  });

  test("that was approved is made by the recovery, when nobody tells of it", async () => {
    const request = requestOf(await refund());
    await town.wallet.approve(request, "usr_1");
    await town.restart();
    town.clock.advance(11_000);
    await town.store.recover();
    expect(await read()).toMatchObject({ status: "refunded" });
    expect(town.bank.refunded).toHaveLength(1);
  });

  test("P16 that nobody approves in time ends", async () => {
    const request = requestOf(await refund());
    town.wallet.expire(request);
    town.clock.advance(11_000);
    await town.store.recover();
    expect(await read()).toMatchObject({ status: "complete", refunds: [{ status: "refused" }] });
  });

  test("that is replaced by another one is withdrawn at the wallet", async () => {
    const request = requestOf(await refund());
    expect((await refund({ amount_minor: 500 })).isError).toBe(false);
    await town.store.recover();
    await town.store.idle();
    expect(town.wallet.requests.get(request)?.status).toBe("canceled");
    expect(town.bank.refunded.map((each) => each.amount)).toEqual([500]);
  });

  test("is approved by no policy", async () => {
    town.wallet.policies.add("usr_1");
    expect((await refund()).status).toBe(403);
    expect(town.bank.refunded).toEqual([]);
  });
});
