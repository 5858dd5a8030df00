import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { record } from "../stand-ins/record.ts";
import { createTown, storeUrl, type Town } from "../stand-ins/town.ts";

let town: Town;
beforeEach(async () => {
  town = await createTown();
});
afterEach(async () => {
  await town.close();
});

/** A checkout that the user was asked to approve. */
async function asked(): Promise<{ readonly id: string; readonly request: string }> {
  const made = await town.call("create_checkout", { items: [{ product_id: "stoneware-mug", quantity: 2 }] });
  const id = String(record(made.structured["checkout"])["id"]);
  const request = /payment:(\S+)/.exec((await town.call("pay", { checkout_id: id })).scope ?? "")?.[1] ?? "";
  return { id, request };
}

async function push(paymentId: string): Promise<number> {
  const headers = { "content-type": "application/secevent+jwt", host: "store.test" };
  const body = await town.bank.event(paymentId);
  const { status } = await town.store.fetch(new Request(`${storeUrl}/webhooks/bank`, { method: "POST", headers, body }));
  await town.store.idle();
  return status;
}

describe("an approval that comes to nothing", () => {
  test.each(["canceled", "expired"])("of a %s checkout is taken back at the wallet, and nothing is charged", async (status) => {
    const { id, request } = await asked();
    await town.db.sql.updateTable("checkouts").set({ status }).where("id", "=", id).execute();
    await town.wallet.approve(request, "usr_1");
    await town.store.idle();
    expect(town.wallet.requests.get(request)?.status).toBe("revoked");
    expect(town.bank.captured).toEqual([]);
    expect(town.events.filter((event) => event === "approval_unused")).toHaveLength(1);
  });

  test("one that is charged is not taken back", async () => {
    const { request } = await asked();
    await town.wallet.approve(request, "usr_1");
    await town.store.idle();
    expect(town.wallet.requests.get(request)?.status).toBe("approved");
    expect(town.bank.captured).toHaveLength(1);
  });
});

describe("a charge that comes to no order", () => {
  /** A capture that the store gave up, because no bank could be at it any more. */
  async function givenUp(): Promise<{ readonly id: string; readonly payment: string }> {
    const { id, request } = await asked();
    town.bank.captureFaults.push(...Array.from({ length: 8 }, () => "dropped" as const));
    const payment = `pay_${await town.wallet.approve(request, "usr_1")}`;
    await town.store.idle();
    town.clock.advance(20 * 60_000);
    await town.store.recover();
    expect(record((await town.call("get_checkout", { checkout_id: id })).structured["checkout"])["status"]).toBe("priced");
    return { id, payment };
  }

  test("is given back, once, as soon as the bank tells of it", async () => {
    const { payment } = await givenUp();
    town.bank.captureByItself(payment, 3780);
    town.bank.readFaults.push("unreachable");
    expect(await push(payment)).toBe(503);
    expect(town.bank.refunded).toEqual([]);
    for (const _ of [1, 2]) expect(await push(payment)).toBe(202);
    expect(town.bank.refunded.map(({ id, amount }) => ({ id, amount }))).toEqual([{ id: payment, amount: 3780 }]);
    expect(town.events.filter((event) => event === "charge_taken_back")).toHaveLength(1);
    expect(await town.db.sql.selectFrom("orders").selectAll().execute()).toEqual([]);
  });

  test("P14 is given back by the recovery when the answer to that is lost", async () => {
    const { payment } = await givenUp();
    town.bank.captureByItself(payment, 3780);
    town.bank.refundFaults.push("dropped", "dropped");
    await push(payment);
    expect(town.bank.refunded).toEqual([]);
    await town.restart();
    town.clock.advance(60_000);
    await town.store.recover();
    expect(town.bank.refunded).toHaveLength(1);
    expect(await town.db.sql.selectFrom("refunds").select("state").execute()).toEqual([{ state: "done" }]);
  });

  test("is given back though the bank refused that at first, and then once", async () => {
    const { payment } = await givenUp();
    town.bank.captureByItself(payment, 3780);
    town.bank.refundFaults.push("poor", "poor");
    await push(payment);
    expect(town.bank.refunded).toEqual([]);
    town.clock.advance(60_000);
    await town.store.recover();
    expect(town.bank.refunded).toEqual([]);
    // Not at every look: each refusal makes it wait longer.
    town.clock.advance(60_000);
    await town.store.recover();
    expect(town.bank.refunded).toEqual([]);
    town.clock.advance(60_000);
    await town.store.recover();
    expect(town.bank.refunded.map(({ id, amount }) => ({ id, amount }))).toEqual([{ id: payment, amount: 3780 }]);
    await push(payment);
    await town.store.recover();
    expect(town.bank.refunded).toHaveLength(1);
  });

  test("that never happened is left alone", async () => {
    const { payment } = await givenUp();
    await push(payment);
    expect(town.bank.refunded).toEqual([]);
    expect(await town.db.sql.selectFrom("refunds").selectAll().execute()).toEqual([]);
  });
});
