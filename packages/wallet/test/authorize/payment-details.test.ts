import { decodeJwt } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { formOf } from "../peers/browser.ts";
import { readAnswer } from "../peers/listen.ts";
import { isPaymentPage, lodge } from "../peers/payments.ts";
import {
  type AuthorizationRequest,
  authorizationRequest,
  checkout,
  codeFields,
  Person,
  redeem,
  startWorld,
  storeResource,
  type World,
} from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
afterEach(() => {
  world.clock.offsetMs = 0;
});

const detailsOf = (id: string, more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify([{ type: "payment", payment_request_id: id, ...more }]);

async function detailed(
  changes: Readonly<Record<string, string | undefined>> = {},
): Promise<{ readonly id: string; readonly request: AuthorizationRequest }> {
  const { id } = await lodge(world);
  return { id, request: authorizationRequest(world, { scope: undefined, authorization_details: detailsOf(id), ...changes }) };
}

async function signedUp(): Promise<Person> {
  const person = new Person(world);
  await person.signUp();
  return person;
}

async function payFor(person: Person, request: AuthorizationRequest) {
  const page = await person.browser.open(request.url);
  expect(isPaymentPage(page)).toBe(true);
  return person.usePasskey(page, "/approve");
}

const status = async (id: string) => (await world.payee.call(`/payment-requests/${id}`)).body["status"];

describe("authorization_details of a payment (RFC 9396)", () => {
  test("L28 lead to the payment page, and the token names what was approved", async () => {
    const { id, request } = await detailed({ scope: "orders:read" });
    const end = new URL((await payFor(await signedUp(), request)).url);
    const tokens = await redeem(world, codeFields(end, request));
    const details = [
      {
        type: "payment",
        payment_request_id: id,
        locations: [storeResource],
        payee: { id: "store", name: "Harbour Goods", website: "https://harbour.example/" },
        amount: checkout.amount,
        currency: "EUR",
        checkout_hash: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      },
    ];
    expect(tokens).toMatchObject({ status: 200, body: { scope: "orders:read", authorization_details: details } });
    expect(decodeJwt(String(tokens.body["access_token"]))).toMatchObject({
      aud: storeResource,
      scope: "orders:read",
      authorization_details: details,
    });
    expect(await status(id)).toBe("approved");
  });

  test("a refresh never carries them again, and a later sign-in does not either", async () => {
    const person = await signedUp();
    const { request } = await detailed({ scope: "orders:read" });
    const { body } = await redeem(world, codeFields(new URL((await payFor(person, request)).url), request));
    const refreshed = await redeem(world, { grant_type: "refresh_token", refresh_token: String(body["refresh_token"]), resource: storeResource });
    expect(refreshed.status).toBe(200);
    expect(refreshed.body).not.toHaveProperty("authorization_details");
    expect(decodeJwt(String(refreshed.body["access_token"]))).not.toHaveProperty("authorization_details");
    const plain = authorizationRequest(world);
    const page = await person.browser.open(plain.url);
    const next = new URL((await person.browser.submit(formOf(page.html, "/consent"))).url);
    const tokens = await redeem(world, codeFields(next, plain));
    expect(tokens.status).toBe(200);
    expect(decodeJwt(String(tokens.body["access_token"]))).not.toHaveProperty("authorization_details");
  });

  test("alone they are enough, and there is no refresh token for them", async () => {
    const { request } = await detailed();
    const tokens = await redeem(world, codeFields(new URL((await payFor(await signedUp(), request)).url), request));
    expect(tokens).toMatchObject({ status: 200, body: { authorization_details: [{ type: "payment" }] } });
    expect(tokens.body).not.toHaveProperty("refresh_token");
  });

  test("beside the scope of the same payment they are one payment with one approval", async () => {
    const { id, request: byScope } = await lodge(world);
    const url = new URL(byScope.url);
    url.searchParams.set("authorization_details", detailsOf(id, { locations: [storeResource] }));
    const end = await payFor(await signedUp(), { ...byScope, url: url.href });
    const tokens = await redeem(world, codeFields(new URL(end.url), byScope));
    expect(tokens).toMatchObject({ status: 200, body: { scope: `payment:${id}`, authorization_details: [{ payment_request_id: id }] } });
  });

  test("they can be pushed", async () => {
    const { id, request } = await detailed();
    const body = new URLSearchParams(new URL(request.url).searchParams);
    const pushed = await readAnswer(await fetch(`${world.url}/par`, { method: "POST", body }));
    expect(pushed.status).toBe(201);
    const search = new URLSearchParams({ client_id: "countersign-host", request_uri: String(pushed.body["request_uri"]) });
    // What is swapped beside the pushed request counts for nothing.
    search.set("authorization_details", detailsOf((await lodge(world)).id));
    const end = await payFor(await signedUp(), { ...request, url: `${world.url}/authorize?${search.toString()}` });
    const tokens = await redeem(world, codeFields(new URL(end.url), request));
    expect(tokens).toMatchObject({ status: 200, body: { authorization_details: [{ payment_request_id: id }] } });
  });

  test("one that is spent, or over, is told on a page and gives no token", async () => {
    const person = await signedUp();
    const { request } = await detailed({ scope: "orders:read" });
    await payFor(person, request);
    const again = await person.browser.open(request.url);
    expect(again.html).toContain("This payment is already approved");
    const late = await detailed({ scope: "orders:read" });
    world.clock.offsetMs = 3_600_000;
    expect((await person.browser.open(late.request.url)).html).toContain("The time to approve this payment is over");
  });

  test.each([
    ["an unknown request", () => detailsOf("pr_unknown")],
    ["an amount of the client's own", (id: string) => detailsOf(id, { amount: 1 })],
    ["another location", (id: string) => detailsOf(id, { locations: ["http://127.0.0.1:4301/mcp"] })],
    ["another type", (id: string) => JSON.stringify([{ type: "transfer", payment_request_id: id }])],
    ["two elements", (id: string) => JSON.stringify([JSON.parse(detailsOf(id))[0], JSON.parse(detailsOf(id))[0]])],
    ["no JSON", () => "["],
  ])("with %s are refused before any page", async (_name, make) => {
    const { id } = await lodge(world);
    const request = authorizationRequest(world, { authorization_details: make(id) });
    const page = await (await signedUp()).browser.open(request.url);
    expect(new URL(page.url).searchParams.get("error")).toBe("invalid_authorization_details");
    expect(await status(id)).toBe("created");
  });

  test("of a payment for a resource that the request does not name are refused", async () => {
    const { id } = await lodge(world);
    const request = authorizationRequest(world, { authorization_details: detailsOf(id), resource: "http://127.0.0.1:4301/mcp" });
    const page = await world.newBrowser().open(request.url);
    expect(new URL(page.url).searchParams.get("error")).toBe("invalid_authorization_details");
  });

  test("O19 nothing is added to them at the token endpoint", async () => {
    const { request } = await detailed({ scope: "orders:read" });
    const end = new URL((await payFor(await signedUp(), request)).url);
    const other = await lodge(world);
    const refused = await redeem(world, { ...codeFields(end, request), authorization_details: detailsOf(other.id) });
    expect(refused).toMatchObject({ status: 400, body: { error: "invalid_authorization_details" } });
    expect((await redeem(world, codeFields(end, request))).status).toBe(200);
  });

  test("the metadata names their type (RFC 9396 section 10)", async () => {
    const { body } = await readAnswer(await fetch(`${world.url}/.well-known/oauth-authorization-server`));
    expect(body["authorization_details_types_supported"]).toEqual(["payment"]);
  });
});
