import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formOf, type LoadedPage } from "../peers/browser.ts";
import type { JsonAnswer } from "../peers/listen.ts";
import { lodge } from "../peers/payments.ts";
import { checkout, Person, startWorld, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

async function signedUp(): Promise<Person> {
  const person = new Person(world);
  await person.signUp();
  return person;
}

const open = (person: Person, path: string): Promise<LoadedPage> => person.browser.open(`${world.url}/account/${path}`);

/** Fills a form of the account and confirms it with the passkey. */
async function confirm(person: Person, page: LoadedPage, ending: string, values: Readonly<Record<string, string>>): Promise<JsonAnswer> {
  const form = formOf(page.html, ending);
  const options = await person.browser.postJson(form.options ?? "", { ...form.fields, ...values });
  if (options.status !== 200) return options;
  return person.browser.postJson(form.action, { ...form.fields, credential: person.authenticator.get(options.body["options"]) });
}

const tight = { payment: "42.49", otherDevice: "10.00", day: "100.00", month: "200.00", payee: "200.00" };

describe("the limits of an account", () => {
  test("are changed with the passkey, count at once, and leave a line in the log", async () => {
    const person = await signedUp();
    expect((await open(person, "limits")).html).toContain("€0.00 of €2,000.00");
    expect(await confirm(person, await open(person, "limits"), "/currency/EUR", tight)).toMatchObject({
      status: 200,
      body: { next: "/account/limits" },
    });
    const { request } = await lodge(world);
    expect((await person.browser.open(request.url)).html).toContain("over your limit for one payment");
    expect(await confirm(person, await open(person, "limits"), "/currency/EUR", { ...tight, payment: "42.50" })).toMatchObject({ status: 200 });
    expect((await person.usePasskey(await person.browser.open(request.url), "/approve")).url).toContain("code=");
    expect((await open(person, "limits")).html).toContain("€42.50 of €100.00");
    expect((await open(person, "activity")).html.toLowerCase()).toContain("limit");
  });

  test("the account's pages show their times as the clocks of its time zone do", async () => {
    const person = await signedUp();
    expect((await open(person, "activity")).html).toMatch(/\d\d:\d\d UTC</);
    expect(await confirm(person, await open(person, "limits"), "/time-zone", { time_zone: "Asia/Kolkata" })).toMatchObject({ status: 200 });
    for (const page of ["activity", "sessions", "passkeys"]) expect((await open(person, page)).html).toMatch(/\d\d:\d\d GMT\+5:30</);
  });

  test.each([
    ["a fraction of a cent", { payment: "1.005" }, "invalid_amount"],
    ["an exponent", { day: "1e3" }, "invalid_amount"],
    ["a negative sum", { payee: "-1.00" }, "invalid_amount"],
    ["nothing", { month: "" }, "invalid_amount"],
    ["a payment over the day", { payment: "100.01" }, "invalid_request"],
  ])("%s is refused before the passkey is asked for", async (_name, change, code) => {
    const person = await signedUp();
    const page = await open(person, "limits");
    expect(await confirm(person, page, "/currency/EUR", { ...tight, ...change })).toMatchObject({ status: 400, body: { code } });
    expect((await open(person, "limits")).html).toContain("€0.00 of €2,000.00");
  });

  test("a passkey's answer for one change makes no other, and none twice", async () => {
    const person = await signedUp();
    const page = await open(person, "limits");
    const form = formOf(page.html, "/currency/EUR");
    const options = await person.browser.postJson(form.options ?? "", { ...form.fields, ...tight });
    const credential = person.authenticator.get(options.body["options"]);
    const policies = formOf(page.html, "/time-zone");
    expect(await person.browser.postJson(form.action, { ...form.fields, ...policies.fields, credential })).toMatchObject({ status: 403 });
    // What was signed is what is done, whatever the second post says.
    expect(await person.browser.postJson(form.action, { ...form.fields, ...tight, payment: "99.00", credential })).toMatchObject({ status: 200 });
    expect((await open(person, "limits")).html).toContain('value="42.49"');
    expect(await person.browser.postJson(form.action, { ...form.fields, credential })).toMatchObject({ body: { code: "challenge_expired" } });
  });

  test.each([
    ["the browser's time zone from its first moment on", "Asia/Tokyo", "Asia/Tokyo"],
    ["the operator's when the browser tells none that is known", "Mars/Olympus", "UTC"],
    ["the operator's when the browser tells an offset", "+09:00", "UTC"],
    ["the operator's when the browser tells no text", 9, "UTC"],
  ])("a new account has %s, and may change it at once", async (_name, told, zone) => {
    const person = new Person(world);
    const form = formOf((await open(person, "limits")).html, "/register");
    const options = await person.browser.postJson(form.options ?? "", { ...form.fields, display_name: "Ada", time_zone: told });
    const credential = person.authenticator.create(options.body["options"]);
    const done = await person.browser.postJson(form.action, { ...form.fields, time_zone: "America/Lima", credential });
    const page = await person.browser.open(String(done.body["next"]));
    expect(page.html).toContain(`<option selected>${zone}</option>`);
    expect(await confirm(person, page, "/time-zone", { time_zone: "Africa/Lagos" })).toMatchObject({ status: 200 });
  });

  test("the buttons of every ceremony of the account come disabled, because a press before the script is there would send the form without a passkey", async () => {
    const person = await signedUp();
    await person.usePasskey(await person.browser.open((await lodge(world)).request.url), "/approve");
    const pages = await Promise.all(["limits", "policies", "passkeys", "passkeys/new", "recovery"].map((each) => open(person, each)));
    const ceremonies = pages.flatMap(({ html }) => html.match(/<form[^>]* data-ceremony=[\s\S]*?<\/form>/g) ?? []);
    expect(ceremonies.length).toBeGreaterThan(6);
    for (const form of ceremonies) expect(form.match(/<button[^>]*>/g)).toEqual([expect.stringMatching(/ disabled>$/)]);
  });

  test("the time zone changes once in two days", async () => {
    const person = await signedUp();
    expect(await confirm(person, await open(person, "limits"), "/time-zone", { time_zone: "Asia/Tokyo" })).toMatchObject({ status: 200 });
    expect((await open(person, "limits")).html).toContain("<option selected>Asia/Tokyo</option>");
    expect(await confirm(person, await open(person, "limits"), "/time-zone", { time_zone: "America/Lima" })).toMatchObject({
      body: { code: "rate_limited" },
    });
    expect(await confirm(person, await open(person, "limits"), "/time-zone", { time_zone: "Nowhere" })).toMatchObject({
      body: { code: "invalid_request" },
    });
  });
});

describe("the policies of an account", () => {
  const terms = { currency: "EUR", ceiling: "42.50", budget: "85.00", period: "month", days: "30", payee_id: "store" };
  const subjectOf = async (person: Person): Promise<string> =>
    /usr_[A-Za-z0-9_-]+/.exec((await person.browser.open(`${world.url}/account`)).html)?.[0] ?? "";
  async function lodgeFor(subject: string): Promise<JsonAnswer> {
    const checkout_jwt = await world.payee.signCheckout({ ...checkout, id: `co_${randomUUID()}` });
    const body = JSON.stringify({ checkout_jwt, subject });
    return world.payee.call("/payment-requests", { method: "POST", headers: { "content-type": "application/json" }, body });
  }

  test("never for a first payment: there is nothing to choose, and a forged form is refused", async () => {
    const person = await signedUp();
    const page = await open(person, "policies");
    expect(page.html).toContain("never for a first payment");
    await person.usePasskey(await person.browser.open((await lodge(world)).request.url), "/approve");
    expect(await confirm(person, await open(person, "policies"), "/new", { ...terms, payee_id: "other-store" })).toMatchObject({
      body: { code: "not_found" },
    });
    expect(await confirm(person, await open(person, "policies"), "/new", { ...terms, days: "31" })).toMatchObject({
      body: { code: "invalid_request" },
    });
  });

  test("one approves as soon as the payee lodges, until its budget is used or it is ended", async () => {
    const person = await signedUp();
    const subject = await subjectOf(person);
    expect(await lodgeFor(subject)).toMatchObject({ status: 201, body: { status: "created" } });
    await person.usePasskey(await person.browser.open((await lodge(world)).request.url), "/approve");
    expect(await lodgeFor(subject)).toMatchObject({ body: { status: "created" } });
    expect(await confirm(person, await open(person, "policies"), "/new", terms)).toMatchObject({ status: 200, body: { next: "/account/policies" } });

    const approved = await lodgeFor(subject);
    expect(approved).toMatchObject({ status: 201, body: { status: "approved" } });
    expect(JSON.stringify(approved.body)).not.toContain("mandate");
    expect((await world.payee.call(`/payment-requests/${String(approved.body["id"])}`)).body["mandate"]).toEqual(expect.stringMatching(/~$/));
    expect((await open(person, "policies")).html).toContain("€42.50 of €85.00");
    expect(await lodgeFor(await subjectOf(await signedUp()))).toMatchObject({ body: { status: "created" } });
    expect(await lodgeFor(subject)).toMatchObject({ body: { status: "approved" } });
    expect(await lodgeFor(subject)).toMatchObject({ body: { status: "created" } });
    expect((await open(person, "policies")).html).toContain("€85.00 of €85.00");

    expect(await confirm(person, await open(person, "policies"), "/new", { ...terms, budget: "1000.00" })).toMatchObject({ status: 200 });
    expect(await lodgeFor(subject)).toMatchObject({ body: { status: "approved" } });
    await person.browser.submit(formOf((await open(person, "policies")).html, "/end"));
    await person.browser.submit(formOf((await open(person, "policies")).html, "/end"));
    expect(await lodgeFor(subject)).toMatchObject({ body: { status: "created" } });
    expect((await open(person, "policies")).html).toContain("Ended");
  });

  test("another account cannot end it, and a subject that is no text is refused", async () => {
    const [person, other] = [await signedUp(), await signedUp()];
    await person.usePasskey(await person.browser.open((await lodge(world)).request.url), "/approve");
    await confirm(person, await open(person, "policies"), "/new", terms);
    const form = formOf((await open(person, "policies")).html, "/end");
    expect((await other.browser.submit(form)).status).toBe(403);
    expect((await open(person, "policies")).html).toContain("Active");
    const body = JSON.stringify({ checkout_jwt: await world.payee.signCheckout(checkout), subject: 5 });
    const headers = { "content-type": "application/json" };
    expect(await world.payee.call("/payment-requests", { method: "POST", headers, body })).toMatchObject({
      status: 400,
      body: { code: "invalid_request" },
    });
  });
});
