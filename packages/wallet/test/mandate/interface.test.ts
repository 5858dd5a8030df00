import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { lodge } from "../peers/payments.ts";
import { Person, startWorld, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
afterEach(() => {
  world.clock.offsetMs = 0;
});

/** A payment that a new user approved, and its mandate. */
async function approved(): Promise<{ readonly id: string; readonly mandate: string; readonly checkoutJwt: string }> {
  const { id, request, checkoutJwt } = await lodge(world, { scope: "orders:read" });
  const person = new Person(world);
  await person.usePasskey(await person.register(await person.browser.open(request.url)), "/approve");
  return { id, mandate: String((await world.payee.call(`/payment-requests/${id}`)).body["mandate"]), checkoutJwt };
}

const statusOf = async (id: string) => (await world.payee.call(`/payment-requests/${id}`)).body;
const cancel = (id: string, payee = world.payee) => payee.call(`/payment-requests/${id}/cancel`, { method: "POST" });

describe("the mandate interface", () => {
  test("P04 L17 the bank redeems a mandate once, and its payee sees it under the id that was lodged", async () => {
    const { id, mandate } = await approved();
    const first = await world.bank.ask("redeem", { mandate, reference: "pay_1" });
    expect(first).toMatchObject({ status: 200, body: { request_id: id, status: "redeemed", reference: "pay_1" } });
    expect(JSON.stringify(first.body)).not.toContain(mandate.slice(0, 40));
    expect(await world.bank.ask("redeem", { mandate, reference: "pay_1" })).toEqual(first);
    expect(await world.bank.ask("redeem", { mandate, reference: "pay_2" })).toMatchObject({ status: 409, body: { code: "mandate_spent" } });
    expect(await statusOf(id)).toMatchObject({ status: "redeemed", sequence: 2, mandate });
    expect(await cancel(id)).toMatchObject({ status: 409, body: { code: "conflict" } });
    expect(await world.bank.ask("void", { request_id: id, reference: "pay_1" })).toMatchObject({ status: 200, body: { status: "voided" } });
    const voided = await statusOf(id);
    expect(voided).toMatchObject({ status: "voided", sequence: 3 });
    expect(voided).not.toHaveProperty("mandate");
  });

  test("P13 what the bank settles counts with what it took, and the owner's receipt says so", async () => {
    const { id, request } = await lodge(world, { scope: "orders:read" });
    const person = new Person(world);
    await person.usePasskey(await person.register(await person.browser.open(request.url)), "/approve");
    const mandate = String((await world.payee.call(`/payment-requests/${id}`)).body["mandate"]);
    await world.bank.ask("redeem", { mandate, reference: "pay_1" });
    expect((await person.browser.open(`${world.url}/account/payments/${id}`)).html).toContain("<dd>Paid</dd>");
    const settling = { request_id: id, reference: "pay_1", captured: 1_250 };
    for (const captured of [0, -1, 1.5, "1"])
      expect(await world.bank.ask("settle", { ...settling, captured })).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    const settled = { status: 200, body: { request_id: id, status: "redeemed", reference: "pay_1", captured: 1_250 } };
    expect(await world.bank.ask("settle", settling)).toMatchObject(settled);
    expect(await world.bank.ask("settle", settling)).toMatchObject(settled);
    expect(await statusOf(id)).toMatchObject({ status: "redeemed", sequence: 2 });
    expect((await person.browser.open(`${world.url}/account/payments/${id}`)).html).toContain("Paid in part: €12.50");
    expect((await person.browser.open(`${world.url}/account/activity`)).html).toContain("took €12.50 in the end");
  });

  test("P16 a payee cancels what is open and withdraws what was approved; neither is redeemed or approved afterwards", async () => {
    const open = await lodge(world, { scope: "orders:read" });
    expect(await cancel(open.id, world.otherPayee)).toMatchObject({ status: 404 });
    expect(await cancel(open.id)).toMatchObject({ status: 200, body: { status: "canceled", sequence: 1 } });
    expect(await cancel(open.id)).toMatchObject({ status: 200, body: { status: "canceled", sequence: 1 } });
    const person = new Person(world);
    const page = await person.register(await person.browser.open(open.request.url));
    expect(page.html).not.toContain("total-amount");

    const { id, mandate } = await approved();
    expect(await cancel(id)).toMatchObject({ status: 200, body: { status: "revoked" } });
    expect(await world.bank.ask("redeem", { mandate, reference: "pay_1" })).toMatchObject({ status: 409, body: { code: "mandate_revoked" } });
    expect(await statusOf(id)).toMatchObject({ status: "revoked" });
  });

  test("a payment that the shop cancels while its page is open cannot be approved any more", async () => {
    const { id, request } = await lodge(world, { scope: "orders:read" });
    const person = new Person(world);
    const page = await person.register(await person.browser.open(request.url));
    expect(page.html).toContain("total-amount");
    await cancel(id);
    expect(await person.tryPasskey(page, "/approve")).toMatchObject({ body: { error: "cancelled" } });
    expect(await statusOf(id)).toMatchObject({ status: "canceled" });
  });

  test("L24 a withdrawn or voided payment may be asked for again; one that is approved or redeemed is the one that there is", async () => {
    const open = await lodge(world);
    await cancel(open.id);
    const again = await world.payee.lodge(open.checkoutJwt);
    expect(again.status).toBe(201);
    expect(again.body["id"]).not.toBe(open.id);

    const { id, mandate, checkoutJwt } = await approved();
    expect(await world.payee.lodge(checkoutJwt)).toMatchObject({ status: 200, body: { id, status: "approved" } });
    await world.bank.ask("redeem", { mandate, reference: "pay_1" });
    expect(await world.payee.lodge(checkoutJwt)).toMatchObject({ status: 200, body: { id, status: "redeemed" } });
    await world.bank.ask("void", { request_id: id, reference: "pay_1" });
    const voided = await world.payee.lodge(checkoutJwt);
    expect(voided.status).toBe(201);
    expect(voided.body["id"]).not.toBe(id);
  });

  test.each([
    ["no token", undefined, 401],
    ["a token of nobody", "abc", 401],
  ])("P12 %s is a 401 with a challenge", async (_name, token, status) => {
    for (const action of ["redeem", "void", "settle"]) {
      const headers = new Headers({ "content-type": "application/json" });
      if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
      const response = await fetch(`${world.url}/mandates/${action}`, { method: "POST", headers, body: "{}" });
      expect(response.status).toBe(status);
      expect(response.headers.get("www-authenticate")).toContain("Bearer");
    }
  });

  test("P12 a payee's token for its own interface, and a payee that the mandate is not for, redeem nothing", async () => {
    const { id, mandate } = await approved();
    const body = { mandate, reference: "pay_1" };
    expect((await world.bank.ask("redeem", body, await world.payee.token())).status).toBe(401);
    const rival = await world.otherPayee.token("mandates", "/mandates");
    expect(await world.bank.ask("redeem", body, rival)).toMatchObject({ status: 403, body: { code: "client_not_allowed" } });
    expect(await statusOf(id)).toMatchObject({ status: "approved" });
    expect((await world.bank.ask("redeem", body)).status).toBe(200);
  });

  test.each([
    ["no mandate", { reference: "pay_1" }],
    ["no reference", { mandate: "a.b.c~" }],
    ["a reference that is no id", { mandate: "a.b.c~", reference: "../x" }],
    ["another member", { mandate: "a.b.c~", reference: "pay_1", amount: 1 }],
    ["a mandate of 20,000 characters", { mandate: "a".repeat(20_000), reference: "pay_1" }],
    ["a list", []],
  ])("a redemption with %s is refused", async (_name, body) => {
    expect(await world.bank.ask("redeem", body)).toMatchObject({ status: 400, body: { code: "invalid_request" } });
  });
});
