import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { record } from "./stand-ins/record.ts";
import { createTown, storeUrl, type Town } from "./stand-ins/town.ts";

let town: Town;
let order: string;
let paymentId: string;
beforeEach(async () => {
  town = await createTown();
  await buy();
});
afterEach(async () => {
  await town.close();
});

/** Two mugs over 37.80 EUR, paid by usr_1. */
async function buy(): Promise<void> {
  const made = await town.call("create_checkout", { items: [{ product_id: "stoneware-mug", quantity: 2 }] });
  const id = String(record(made.structured["checkout"])["id"]);
  const request = /payment:(\S+)/.exec((await town.call("pay", { checkout_id: id })).scope ?? "")?.[1] ?? "";
  paymentId = `pay_${await town.wallet.approve(request, "usr_1")}`;
  const paid = await town.call("pay", { checkout_id: id }, await town.wallet.token("usr_1", `payment:${request}`));
  order = String(record(paid.structured["order"])["id"]);
}

async function read(): Promise<Record<string, unknown>> {
  const owner = await town.wallet.token("usr_1", "orders:read");
  return record((await town.call("get_order", { order_id: order }, owner)).structured["order"]);
}

async function push(token: string, changes: RequestInit = {}): Promise<Response> {
  const headers = { "content-type": "application/secevent+jwt", host: "store.test" };
  const answer = await town.store.fetch(new Request(`${storeUrl}/webhooks/bank`, { method: "POST", headers, body: token, ...changes }));
  await town.store.idle();
  return answer;
}

describe("an event of the bank", () => {
  test("is a hint to read the payment: the order shows what was given back there", async () => {
    town.bank.refundByItself(paymentId, 780);
    expect(await read()).toMatchObject({ status: "complete", refunded: { amount: 0 } });
    const answer = await push(await town.bank.event(paymentId));
    expect([answer.status, await answer.text()]).toEqual([202, ""]);
    expect(await read()).toMatchObject({ status: "partly_refunded", refunded: { amount: 780 } });
    expect(town.events.filter((event) => event === "order_sums_changed")).toHaveLength(1);
  });

  test("P18 doubled, late or out of order changes nothing more, and one that says more than the bank does nothing at all", async () => {
    const boast = { events: { "urn:countersign:event:payment": { status: "refunded", sequence: 7 } } };
    expect((await push(await town.bank.event(paymentId, { claims: boast }))).status).toBe(202);
    expect(await read()).toMatchObject({ status: "complete" });
    town.bank.refundByItself(paymentId, 780);
    const token = await town.bank.event(paymentId);
    const older = await town.bank.event(paymentId, { claims: { events: { "urn:countersign:event:payment": { status: "captured", sequence: 0 } } } });
    for (const each of [token, token, older]) expect((await push(each)).status).toBe(202);
    expect(await read()).toMatchObject({ status: "partly_refunded", refunded: { amount: 780 } });
    expect(town.events.filter((event) => event === "order_sums_changed")).toHaveLength(1);
  });

  test("P18 about a payment that the store does not know is not even read", async () => {
    const asked = town.bank.requests.length;
    expect((await push(await town.bank.event("pay_somebody-elses"))).status).toBe(202);
    expect(town.bank.requests).toHaveLength(asked);
  });

  test.each([
    ["of another signer", { forged: true }],
    ["of another issuer", { claims: { iss: "https://other.test" } }],
    ["of the wallet", { claims: { iss: "https://wallet.test" } }],
    ["for another payee", { claims: { aud: "rival" } }],
    ["for two payees", { claims: { aud: ["store", "rival"] } }],
    ["six minutes old", { claims: { iat: -360 } }],
    ["six minutes early", { claims: { iat: 360 } }],
    ["of another type", { typ: "JWT" }],
    ["without an id", { claims: { jti: undefined } }],
    ["about no payment", { claims: { sub_id: { format: "opaque", id: "../x" } } }],
    ["of another kind", { claims: { events: { "urn:countersign:event:payment-request": { status: "approved", sequence: 1 } } } }],
  ])("P18 %s is refused without an effect", async (_name, change) => {
    town.bank.refundByItself(paymentId, 780);
    const age = "claims" in change && "iat" in change.claims ? { claims: { iat: Math.floor(town.clock.now() / 1000) + change.claims.iat } } : change;
    const asked = town.bank.requests.length;
    const answer = await push(await town.bank.event(paymentId, age));
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ err: "authentication_failed" });
    expect(town.bank.requests).toHaveLength(asked);
    expect(await read()).toMatchObject({ status: "complete" });
    expect(town.events.filter((event) => event === "bank_event_refused")).toHaveLength(1);
    expect((await push(await town.bank.event(paymentId))).status).toBe(202);
    expect(await read()).toMatchObject({ status: "partly_refunded" });
  });

  test("is one token of its type and size, by POST", async () => {
    const token = await town.bank.event(paymentId);
    expect((await push(token, { headers: { "content-type": "application/json", host: "store.test" } })).status).toBe(400);
    expect((await push("x".repeat(20_000))).status).toBe(400);
    expect((await push("not a token")).status).toBe(400);
    expect((await push("", { method: "GET", body: null })).status).toBe(405);
  });

  test("is asked for again while the bank's keys cannot be read", async () => {
    town.bank.refundByItself(paymentId, 780);
    town.bank.keysDown = true;
    const token = await town.bank.event(paymentId);
    const answer = await push(token);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
    town.bank.keysDown = false;
    expect((await push(token)).status).toBe(202);
    expect(await read()).toMatchObject({ status: "partly_refunded" });
  });

  test("P14 ends a refund whose answer was lost, at once", async () => {
    town.bank.refundFaults.push("lost");
    town.bank.readFaults.push("unreachable");
    const owner = await town.wallet.token("usr_1", "orders:write");
    expect(await town.call("refund_order", { order_id: order }, owner)).toMatchObject({ structured: { refund: { status: "pending" } } });
    await push(await town.bank.event(paymentId));
    expect(await read()).toMatchObject({ status: "refunded", refunds: [{ status: "done" }] });
    expect(town.bank.refunded).toHaveLength(1);
  });
});
