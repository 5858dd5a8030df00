import { randomUUID } from "node:crypto";
import { paymentScope } from "@countersign/protocol/scope";
import { openDatabase } from "@countersign/storage/open";
import { decodeJwt } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { walletMigrations } from "../../src/migrations.ts";
import { findReceipt } from "../../src/payment-requests/receipts.ts";
import { formOf, type LoadedPage } from "../peers/browser.ts";
import { isPaymentPage } from "../peers/payments.ts";
import { authorizationRequest, type AuthorizationRequest, checkout, codeFields, Person, redeem, startWorld, type World } from "../peers/world.ts";

let world: World;
let person: Person;
let subject: string;
beforeAll(async () => {
  world = await startWorld();
  person = new Person(world);
  const request = authorizationRequest(world);
  const tokens = await redeem(world, codeFields(await person.signUp(request), request));
  subject = decodeJwt(String(tokens.body["access_token"])).sub ?? "";
});
afterAll(() => world.close());
afterEach(() => {
  world.clock.offsetMs = 0;
  world.bank.available = 100_000;
});

const refund = (amount = 4_250): object => ({
  ...checkout,
  id: `ref_${randomUUID()}`,
  amount,
  items: [{ name: "Refund of order ord_7", quantity: 1, amount }],
  refund_of: "ord_7",
});

async function lodged(terms: object = refund()): Promise<{ readonly id: string; readonly request: AuthorizationRequest }> {
  const { status, body } = await world.payee.lodge(await world.payee.signCheckout(terms), subject);
  expect([status, body["status"]]).toEqual([201, "created"]);
  const id = String(body["id"]);
  return { id, request: authorizationRequest(world, { scope: paymentScope(id) }) };
}

async function shown(request: AuthorizationRequest, who = person): Promise<LoadedPage> {
  return who.browser.open(request.url);
}

describe("a refund that is to be approved", () => {
  test("says on its page that money comes back, from whom, how much and for which order", async () => {
    const { request } = await lodged();
    const page = await shown(request);
    expect(isPaymentPage(page)).toBe(true);
    for (const words of [
      "Refund from Harbour Goods",
      "You get money back from",
      "€42.50",
      "For order",
      "ord_7",
      "To your account",
      "Take €42.50 back",
    ]) {
      expect(page.html).toContain(words);
    }
    expect(page.html).not.toContain("Pay from");
    expect(page.html).not.toContain("Pay Harbour Goods");
  });

  test("is approved by the passkey, gives the scope once, and no mandate to anybody", async () => {
    const { id, request } = await lodged();
    const end = new URL((await person.usePasskey(await shown(request), "/approve")).url);
    expect(await redeem(world, codeFields(end, request))).toMatchObject({ status: 200, body: { scope: paymentScope(id) } });
    const { body } = await world.payee.call(`/payment-requests/${id}`);
    expect(body).toMatchObject({ id, status: "approved" });
    expect(body).not.toHaveProperty("mandate");
    const again = await shown(authorizationRequest(world, { scope: paymentScope(id) }));
    expect(isPaymentPage(again)).toBe(false);
  });

  test("counts toward no limit, needs no money, and is no payment in the account", async () => {
    world.bank.available = 0;
    const { id, request } = await lodged(refund(900_000_00));
    await person.usePasskey(await shown(request), "/approve");
    expect((await world.payee.call(`/payment-requests/${id}`)).body["status"]).toBe("approved");
    const database = await openDatabase<unknown>({ url: world.databaseUrl, schema: "wallet", migrations: walletMigrations });
    expect(await findReceipt(database, subject, id, Date.now())).toBeUndefined();
    await database.close();
  });

  test("is nobody else's: another user is refused before a passkey is asked for", async () => {
    const { id, request } = await lodged();
    const other = new Person(world);
    await other.signUp();
    const page = await shown(request, other);
    expect(isPaymentPage(page)).toBe(false);
    expect((await world.payee.call(`/payment-requests/${id}`)).body["status"]).toBe("created");
    expect(isPaymentPage(await shown(request))).toBe(true);
  });

  test("names who gets it, or is not lodged", async () => {
    const jwt = await world.payee.signCheckout(refund());
    expect(await world.payee.lodge(jwt)).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect(await world.payee.lodge(jwt, "usr_nobody")).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect((await world.payee.lodge(jwt, subject)).status).toBe(201);
  });

  test.each([[""], ["../x"], [7], [null], ["a".repeat(101)]])("of order %j is not lodged", async (order) => {
    const jwt = await world.payee.signCheckout({ ...refund(), refund_of: order });
    expect((await world.payee.lodge(jwt, subject)).status).toBe(400);
  });

  test("can be declined, and then nobody approves it", async () => {
    const { id, request } = await lodged();
    const page = await shown(request);
    await person.browser.submit(formOf(page.html, "/decline"));
    expect((await world.payee.call(`/payment-requests/${id}`)).body["status"]).toBe("denied");
  });

  test("is not asked for by authorization details, whose token would say that somebody paid", async () => {
    const { id } = await lodged();
    const details = JSON.stringify([{ type: "payment", payment_request_id: id }]);
    const answer = await person.browser.open(authorizationRequest(world, { authorization_details: details }).url);
    expect(isPaymentPage(answer)).toBe(false);
  });
});
