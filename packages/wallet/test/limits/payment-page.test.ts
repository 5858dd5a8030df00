import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defaultLimits } from "../../src/limits/settings.ts";
import { formOf } from "../peers/browser.ts";
import { isPaymentPage, lodge } from "../peers/payments.ts";
import { checkout, Person, startWorld, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  // Where it is about noon, so that no day ends during a test.
  const hour = new Date().getUTCHours() - 12;
  world = await startWorld({ limits: { ...defaultLimits, timeZone: `Etc/GMT${hour < 0 ? "" : "+"}${hour}` } });
  world.bank.available = 10_000_000;
});
afterAll(() => world.close());

const priced = (id: string, amount: number, currency = "EUR") => ({
  ...checkout,
  id,
  amount,
  currency,
  items: [{ name: "Sofa", quantity: 1, amount }],
});

async function signedUp(): Promise<Person> {
  const person = new Person(world);
  await person.signUp();
  return person;
}

describe("the payment page of an account without limits of its own", () => {
  test("as much as a payment may be is approved, and the page has no button for more", async () => {
    const person = await signedUp();
    const most = await lodge(world, { checkout: priced("co_most", 100_000) });
    const redirect = await person.usePasskey(await person.browser.open(most.request.url), "/approve");
    expect(new URL(redirect.url).searchParams.get("code")).toBeTruthy();

    const over = await lodge(world, { checkout: priced("co_over", 100_001) });
    const page = await person.browser.open(over.request.url);
    expect(isPaymentPage(page)).toBe(true);
    expect(page.html).toContain("over your limit for one payment");
    expect(() => formOf(page.html, "/approve")).toThrow();
    expect((await world.payee.call(`/payment-requests/${over.id}`)).body["status"]).toBe("created");
  });

  test("L03 P13 several payments stop at the day's limit, also the one whose page was open already", async () => {
    const person = await signedUp();
    const open = await person.browser.open((await lodge(world, { checkout: priced("co_day_3", 50_000) })).request.url);
    for (const id of ["co_day_1", "co_day_2"]) {
      const { request } = await lodge(world, { checkout: priced(id, 100_000) });
      await person.usePasskey(await person.browser.open(request.url), "/approve");
    }
    expect(await person.tryPasskey(open, "/approve")).toMatchObject({
      status: 403,
      body: { code: "over_limit", error_description: expect.stringContaining("Nothing was charged") },
    });
    expect((await person.browser.open(open.url)).html).toContain("limit for today");
    const activity = (await person.browser.open(`${world.url}/account/activity`)).html;
    expect(activity.split("€500.00 for Harbour Goods was over a limit of yours")).toHaveLength(2);
  });

  test("a currency without limits cannot be paid", async () => {
    const person = await signedUp();
    const { request } = await lodge(world, { checkout: priced("co_yen", 100, "JPY") });
    expect((await person.browser.open(request.url)).html).toContain("no limit for this currency");
  });
});
