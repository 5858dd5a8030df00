import { randomUUID } from "node:crypto";
import { paymentScope } from "@countersign/protocol/scope";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formsOf } from "../peers/browser.ts";
import { approveWithNumber, confirmDevice, deviceClients, enterCode, startDevice } from "../peers/devices.ts";
import { isPaymentPage, lodge } from "../peers/payments.ts";
import { checkout, Person, startWorld, type World } from "../peers/world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld({ clients: deviceClients });
});
afterAll(() => world.close());

const lettersOf = (userCode: string): string => userCode.slice(0, 9);
const numberOf = (userCode: string): string => userCode.slice(10);
const otherThan = (number: string): string => (number === "00" ? "01" : "00");

async function startPayment(terms: unknown = { ...checkout, id: `co_${randomUUID()}` }, scope = "") {
  const { id } = await lodge(world, { checkout: terms });
  const device = await startDevice(world, { scope: [paymentScope(id), scope].filter(Boolean).join(" ") });
  const status = async (): Promise<unknown> => (await world.payee.call(`/payment-requests/${id}`)).body["status"];
  return { id, device, status };
}

describe("a payment on a second device", () => {
  test("D07 needs the number that only the first device shows, within three minutes", async () => {
    const { id, device, status } = await startPayment();
    expect(device.answer.body).toMatchObject({ expires_in: 180, user_code: expect.stringMatching(/^[A-Z]{4}-[A-Z]{4}-\d{2}$/) });
    expect(device.complete).toBe(`${world.url}/device?user_code=${lettersOf(device.userCode)}`);
    const person = new Person(world);
    const page = await person.register(await enterCode(person.browser, lettersOf(device.userCode)));
    expect(isPaymentPage(page)).toBe(true);
    expect(page.html).toContain("Number on your other device");
    expect(page.html).not.toContain(device.userCode);
    expect(page.html).toContain("The network of this device");
    expect(page.html).toMatch(/<dd>[23] minutes<\/dd>/);
    const approved = await approveWithNumber(person, page, numberOf(device.userCode));
    expect(approved.status).toBe(200);
    expect((await person.browser.open(String(approved.body["next"]))).html).toContain("Your other device goes on by itself.");
    expect(await status()).toBe("approved");
    const tokens = await device.poll();
    expect(tokens).toMatchObject({ status: 200, body: { scope: paymentScope(id) } });
    expect(tokens.body).not.toHaveProperty("refresh_token");
  });

  test("D07 is denied and burned by one wrong number: nothing is paid, the right one comes too late", async () => {
    const { device, status } = await startPayment();
    const person = new Person(world);
    const page = await person.register(await enterCode(person.browser, lettersOf(device.userCode)));
    const wrong = await approveWithNumber(person, page, otherThan(numberOf(device.userCode)));
    expect(wrong).toMatchObject({ status: 403, body: { error: "number_mismatch" } });
    const right = await approveWithNumber(person, page, numberOf(device.userCode));
    expect(right.status).toBeGreaterThanOrEqual(400);
    expect(await device.poll()).toMatchObject({ status: 400, body: { error: "access_denied" } });
    expect(await status()).toBe("created");
    expect(JSON.stringify(wrong.body)).not.toContain(numberOf(device.userCode));
  });

  test("D07 judges the number once, also when both answers come at the same time", async () => {
    const { device, status } = await startPayment();
    const person = new Person(world);
    const page = await person.register(await enterCode(person.browser, lettersOf(device.userCode)));
    const numbers = Array.from({ length: 20 }, (_, at) => (at === 10 ? numberOf(device.userCode) : otherThan(numberOf(device.userCode))));
    const answers = await Promise.all(numbers.map((number) => approveWithNumber(person, page, number)));
    const approved = answers.filter((each) => each.status === 200);
    // Whoever came first decided for all of them: approved and still undecided at the device, or burned and still open at the payee.
    const outcome = { approved: approved.length, request: await status(), device: (await device.poll()).body["error"] };
    expect([
      { approved: 1, request: "approved", device: "authorization_pending" },
      { approved: 0, request: "created", device: "access_denied" },
    ]).toContainEqual(outcome);
  });

  test("D07 does not start the ceremony without the number", async () => {
    const { device, status } = await startPayment();
    const person = new Person(world);
    const page = await person.register(await enterCode(person.browser, lettersOf(device.userCode)));
    expect(await person.tryPasskey(page, "/approve")).toMatchObject({ status: 400, body: { error: "invalid_request" } });
    expect((await approveWithNumber(person, page, numberOf(device.userCode))).status).toBe(200);
    expect(await status()).toBe("approved");
  });

  test("asks for no number when the whole code was typed, and is over after a wrong one", async () => {
    const typed = await startPayment();
    const person = new Person(world);
    const page = await person.register(await enterCode(person.browser, typed.device.userCode));
    expect(isPaymentPage(page)).toBe(true);
    expect(page.html).not.toContain("Number on your other device");
    await person.usePasskey(page, "/approve");
    expect(await typed.status()).toBe("approved");

    const mistyped = await startPayment();
    const code = `${lettersOf(mistyped.device.userCode)}-${otherThan(numberOf(mistyped.device.userCode))}`;
    expect((await enterCode(person.browser, code)).status).toBe(403);
    expect((await enterCode(person.browser, mistyped.device.userCode)).status).toBe(403);
    expect(await mistyped.device.poll()).toMatchObject({ body: { error: "access_denied" } });
  });

  test("L11 D07 is refused above the limit for other devices, which the same device may pay", async () => {
    const terms = { ...checkout, id: `co_${randomUUID()}`, amount: 50_000, items: [{ name: "Chair", quantity: 1, amount: 50_000 }] };
    const { device, status } = await startPayment(terms);
    const person = new Person(world);
    const page = await person.register(await enterCode(person.browser, device.userCode));
    expect(isPaymentPage(page)).toBe(true);
    expect(formsOf(page.html).map((form) => form.action.split("/").at(-1))).toEqual(["decline"]);
    expect(await status()).toBe("created");
    const { request } = await lodge(world, { checkout: { ...terms, id: `co_${randomUUID()}` } });
    const here = await person.usePasskey(await person.browser.open(request.url), "/approve");
    expect(new URL(here.url).searchParams.has("code")).toBe(true);
  });

  test("is over after three minutes, for the page and for the device", async () => {
    const { device, status } = await startPayment();
    const person = new Person(world);
    const page = await person.register(await enterCode(person.browser, device.userCode));
    world.clock.offsetMs += 181_000;
    expect((await person.tryPasskey(page, "/approve")).body).toMatchObject({ error: "challenge_expired" });
    expect(await device.poll()).toMatchObject({ body: { error: "expired_token" } });
    world.clock.offsetMs -= 181_000;
    expect(await status()).toBe("created");
  });

  test("asks about everything else that the device would get on a page of its own", async () => {
    const { id, device } = await startPayment(undefined, "orders:read");
    const person = new Person(world);
    const page = await person.register(await enterCode(person.browser, device.userCode));
    const next = await person.usePasskey(page, "/approve");
    expect(next.html).toContain("Sign in to Living Room TV on your other device?");
    expect(next.html).toContain("See your orders");
    expect(await device.poll()).toMatchObject({ body: { error: "authorization_pending" } });
    await confirmDevice(person, next);
    const tokens = await device.poll();
    expect(String(tokens.body["scope"]).split(" ").toSorted()).toEqual(["orders:read", paymentScope(id)]);
  });
});
