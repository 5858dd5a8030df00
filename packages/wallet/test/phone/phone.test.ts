import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { formOf, formsOf, type LoadedPage } from "../peers/browser.ts";
import { approveWithNumber } from "../peers/devices.ts";
import { isPaymentPage, lodge } from "../peers/payments.ts";
import { handToPhone, openTicket } from "../peers/phones.ts";
import { authorizationRequest, checkout, Person, startWorld, type World } from "../peers/world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const otherThan = (number: string): string => (number === "00" ? "01" : "00");

async function openLink(amount = 4_250) {
  const terms = { ...checkout, id: `co_${randomUUID()}`, amount, items: [{ name: "Mug", quantity: 1, amount }] };
  const { id } = await lodge(world, { checkout: terms });
  const desktop = world.newBrowser();
  const page = await desktop.open(`${world.url}/approve/${id}`);
  const status = async (): Promise<unknown> => (await world.payee.call(`/payment-requests/${id}`)).body["status"];
  return { id, desktop, page, status, url: `${world.url}/approve/${id}` };
}

async function handOver() {
  const link = await openLink();
  const shown = await handToPhone(link.desktop, link.page);
  const waitAddress = `${new URL(shown.page.url).pathname}/wait?state=`;
  const wait = async (state: string): Promise<unknown> => (await link.desktop.send(`${world.url}${waitAddress}${state}`)).json();
  return { ...link, ...shown, linkPage: link.page, wait, look: () => link.desktop.open(shown.page.url) };
}

const activityOf = async (person: Person): Promise<string> => (await person.browser.open(`${world.url}/account/activity`)).html;

describe("an approval link", () => {
  test("D08 belongs to the browser that opens it first; another is refused on a clear page and can do nothing", async () => {
    const { desktop, page, url, status } = await openLink();
    expect(page.status).toBe(200);
    const other = await world.newBrowser().open(url);
    expect(other.status).toBe(403);
    expect(other.html).toContain("opened in another browser first");
    expect(formsOf(other.html)).toEqual([]);
    expect((await desktop.open(url)).status).toBe(200);
    expect(await status()).toBe("created");
  });

  test("D08 opened by two before it was claimed, is decided by the claimant alone", async () => {
    const { id, desktop, page, status } = await openLink();
    const thief = new Person(world);
    // The interaction of the claimant, without its cookie of the browser.
    for (const name of ["wallet_interaction", "wallet_interaction.sig"])
      thief.browser.setCookie(name, desktop.cookieValue(name) ?? "", new URL(page.url).pathname);
    const form = formOf(page.html, "/login");
    expect(await thief.browser.postJson(form.options ?? "", form.fields)).toMatchObject({ status: 400 });
    await thief.browser.open(`${world.url}/approve/${id}`);
    expect(await thief.browser.postJson(form.options ?? "", form.fields)).toMatchObject({ status: 403 });
    expect(await desktop.postJson(form.options ?? "", form.fields)).toMatchObject({ status: 200 });
    expect(await status()).toBe("created");
  });

  test("D07 is refused above the limit for other devices, which an app on the same device may pay", async () => {
    const { id, desktop, page, status } = await openLink(50_000);
    const person = new Person(world);
    Object.assign(person, { browser: desktop });
    const shown = await person.register(page);
    expect(isPaymentPage(shown)).toBe(true);
    expect(shown.html).toContain("on another device");
    expect(formsOf(shown.html).some((form) => form.action.endsWith("/approve"))).toBe(false);
    expect(await status()).toBe("created");
    const here = await person.browser.open(authorizationRequest(world, { scope: `payment:${id}` }).url);
    expect(new URL((await person.usePasskey(here, "/approve")).url).searchParams.has("code")).toBe(true);
  });

  test("of a request that was put together with two payments, is refused", async () => {
    const [first, second] = [await lodge(world), await lodge(world)];
    const { desktop } = await openLink();
    const scope = `payment:${first.id} payment:${second.id}`;
    const page = await desktop.open(authorizationRequest(world, { client_id: "approval-link", redirect_uri: `${world.url}/approved`, scope }).url);
    expect(page.status).toBeGreaterThanOrEqual(400);
    expect(formsOf(page.html)).toEqual([]);
  });
});

describe("an approval link that is handed to a phone", () => {
  test("D07 is paid there after the number on the first screen, which learns of it at once", async () => {
    const { page, address, number, wait, look, status } = await handOver();
    expect(page.html).toContain("<svg");
    expect(page.headers.get("content-security-policy")).not.toContain("unsafe-inline");
    expect(page.html).not.toMatch(/ style=/);
    expect(await wait("opened")).toEqual({ state: "waiting" });
    const opening = wait("waiting");
    const phone = new Person(world);
    const signIn = await openTicket(phone.browser, address);
    expect(await opening).toEqual({ state: "opened" });
    expect((await look()).html).toContain("Continue on your phone");
    const payment = await phone.register(signIn);
    expect(isPaymentPage(payment)).toBe(true);
    expect(payment.html).toContain("Number on your other device");
    expect(payment.html).toMatch(/<dd>[23] minutes<\/dd>/);
    expect(payment.html).not.toMatch(new RegExp(`>${number}<`));
    expect(formsOf(payment.html).some((form) => form.action.endsWith("/phone"))).toBe(false);
    expect(await phone.tryPasskey(payment, "/approve")).toMatchObject({ status: 400, body: { error: "invalid_request" } });
    const deciding = wait("opened");
    const approved = await approveWithNumber(phone, payment, number);
    expect(approved.status).toBe(200);
    expect(await deciding).toEqual({ state: "approved" });
    expect((await phone.browser.open(String(approved.body["next"]))).html).toContain("<h1>Approved</h1>");
    expect((await look()).html).toContain("<h1>Approved</h1>");
    expect(await status()).toBe("approved");
    expect((await activityOf(phone)).match(/You approved €42\.50 for/g)).toHaveLength(1);
  });

  test("D07 is not paid after a wrong number, which ends the ticket, is logged, and is told on the first screen", async () => {
    const { address, number, wait, look, status } = await handOver();
    const phone = new Person(world);
    const payment = await phone.register(await openTicket(phone.browser, address));
    const told = wait("opened");
    const wrong = await approveWithNumber(phone, payment, otherThan(number));
    expect(wrong).toMatchObject({ status: 403, body: { error: "number_mismatch" } });
    expect(JSON.stringify(wrong.body)).not.toContain(number);
    expect(await told).toEqual({ state: "wrong_number" });
    expect((await approveWithNumber(phone, payment, number)).status).toBe(403);
    expect((await openTicket(phone.browser, address)).status).toBe(403);
    expect((await look()).html).toContain("The number was wrong");
    expect((await activityOf(phone)).match(/The number for .* did not match/g)).toHaveLength(1);
    expect(await status()).toBe("created");
  });

  test("D08 is decided by the phone alone: not by another phone, nor by the first screen", async () => {
    const { desktop, page: shown, linkPage, url, address, status } = await handOver();
    const phone = new Person(world);
    const first = await openTicket(phone.browser, address);
    expect(first.status).toBe(200);
    const late = await openTicket(world.newBrowser(), address);
    expect(late.status).toBe(403);
    expect(formsOf(late.html)).toEqual([]);
    const base = new URL(shown.url).pathname.replace(/\/phone$/, "");
    const back = await desktop.open(`${world.url}${base}`);
    expect(back.url).toBe(shown.url);
    expect((await desktop.open(url)).html).toContain("Continue on your phone");
    const again = await desktop.submit(formOf(linkPage.html, "/phone"));
    expect(again.status).toBe(403);
    const form = formOf(linkPage.html, "/register");
    expect(await desktop.postJson(form.options ?? "", form.fields)).toMatchObject({ status: 403, body: { error: "claimed_elsewhere" } });
    expect(await status()).toBe("created");
  });

  test("D06 looking at a ticket's address neither opens nor spends it, nor does a form of another page", async () => {
    const { address, wait } = await handOver();
    const phone = world.newBrowser();
    const page = await phone.open(address);
    for (let count = 0; count < 3; count += 1) expect((await world.newBrowser().open(address)).status).toBe(200);
    const form = formOf(page.html, new URL(address).pathname);
    expect((await phone.submit({ ...form, fields: {} })).status).toBe(403);
    expect((await phone.submit(form, { origin: "https://evil.example", "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await world.newBrowser().submit(form)).status).toBe(403);
    expect(await wait("x")).toEqual({ state: "waiting" });
    expect((await phone.submit(form)).status).toBe(200);
  });

  test("D10 tells nothing about a ticket: unknown, used and over look the same, before and after", async () => {
    const used = await handOver();
    await openTicket(world.newBrowser(), used.address);
    const over = await handOver();
    const unknown = `${world.url}/approve/phone/${"A".repeat(43)}`;
    world.clock.offsetMs += 181_000;
    const pages: LoadedPage[] = [];
    const answers: LoadedPage[] = [];
    for (const address of [used.address, over.address, unknown]) {
      const browser = world.newBrowser();
      const page = await browser.open(address);
      pages.push(page);
      answers.push(await browser.submit(formOf(page.html, new URL(address).pathname)));
    }
    world.clock.offsetMs -= 181_000;
    const plain = (html: string): string => html.replaceAll(/\/approve\/phone\/[\w-]{43}|value="[\w-]+"/g, "");
    expect(new Set(pages.map((each) => `${each.status} ${plain(each.html)}`)).size).toBe(1);
    expect(new Set(answers.map((each) => `${each.status} ${each.html}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(403);
  });

  test("is over after three minutes, and the first screen decides again or makes a new ticket", async () => {
    const { desktop, page: shown, address, number, look, status } = await handOver();
    const phone = new Person(world);
    const payment = await phone.register(await openTicket(phone.browser, address));
    world.clock.offsetMs += 181_000;
    try {
      expect((await approveWithNumber(phone, payment, number)).body).toMatchObject({ error: "challenge_expired" });
      const over = await look();
      expect(over.html).toContain("The time is over");
      expect(isPaymentPage(await phone.browser.open(payment.url))).toBe(false);
      const next = await handToPhone(desktop, over);
      expect(next.address).not.toBe(address);
      expect((await desktop.open(shown.url.replace(/\/phone$/, ""))).html).toContain("Sign in");
      expect(await status()).toBe("created");
    } finally {
      world.clock.offsetMs -= 181_000;
    }
  });

  test("tells the first screen that it was declined", async () => {
    const { address, look, status } = await handOver();
    const phone = new Person(world);
    const payment = await phone.register(await openTicket(phone.browser, address));
    await phone.browser.submit(formOf(payment.html, "/decline"));
    expect(await status()).toBe("denied");
    expect((await look()).html).toContain("<h1>Declined</h1>");
  });

  test("is shown to nobody but the browser that holds the link", async () => {
    const { page: shown } = await handOver();
    const other = await world.newBrowser().send(`${shown.url}/wait?state=waiting`);
    expect(other.status).toBeGreaterThanOrEqual(400);
    expect(await other.text()).not.toContain("state");
  });

  test("is made at most five times in a row for one payment", async () => {
    const bounded = await startWorld({ rateFactor: 1 });
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const { id } = await lodge(bounded);
      const desktop = bounded.newBrowser();
      const page = await desktop.open(`${bounded.url}/approve/${id}`);
      for (let count = 0; count < 5; count += 1) await handToPhone(desktop, page);
      const refused = await desktop.submit(formOf(page.html, "/phone"));
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    } finally {
      vi.useRealTimers();
      await bounded.close();
    }
  });

  test("is offered only where a link led, not to an app's own window", async () => {
    const { request } = await lodge(world);
    const page = await world.newBrowser().open(request.url);
    expect(formsOf(page.html).some((form) => form.action.endsWith("/phone"))).toBe(false);
  });
});
