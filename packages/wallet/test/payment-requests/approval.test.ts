import { createHash, randomUUID } from "node:crypto";
import { judgeMandate } from "@countersign/protocol/mandate";
import { calculateJwkThumbprint, createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { formOf, type LoadedPage } from "../peers/browser.ts";
import { isPaymentPage, lodge } from "../peers/payments.ts";
import { authorizationRequest, checkout, codeFields, Person, redeem, startWorld, storeResource, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
afterEach(() => {
  vi.useRealTimers();
  world.clock.offsetMs = 0;
  world.bank.isDown = false;
  world.bank.available = 100_000;
});

async function signedUp(): Promise<Person> {
  const person = new Person(world);
  await person.signUp();
  return person;
}

async function atPayment(person: Person, url: string): Promise<LoadedPage> {
  const page = await person.browser.open(url);
  expect(isPaymentPage(page)).toBe(true);
  return page;
}

const status = async (id: string) => (await world.payee.call(`/payment-requests/${id}`)).body["status"];

describe("approving a payment", () => {
  test("L09 one visit signs up and pays: the page names payee, items and total; the token carries the scope once", async () => {
    const { id, request } = await lodge(world);
    const person = new Person(world);
    const login = await person.browser.open(request.url);
    expect(login.html).toContain("to see the payment that Countersign Console asks for");
    const page = await person.register(login);
    for (const shown of [
      "Harbour Goods",
      "harbour.example",
      "€42.50",
      "2 × Mug",
      "€24.00",
      "Plate",
      "€18.50",
      "Demo Bank ···· 4242",
      "€1,000.00",
      "Countersign Console",
    ]) {
      expect(page.html).toContain(shown);
    }
    const end = new URL((await person.usePasskey(page, "/approve")).url);
    expect(end.searchParams.get("iss")).toBe(world.url);
    const tokens = await redeem(world, codeFields(end, request));
    expect(tokens).toMatchObject({ status: 200, body: { scope: `payment:${id}` } });
    expect(tokens.body).not.toHaveProperty("refresh_token");
    expect(decodeJwt(String(tokens.body["access_token"]))).toMatchObject({ aud: storeResource, scope: `payment:${id}` });
  });

  test("L09 the page shows each signed line, also one that costs nothing, and no other: they add up to the total", async () => {
    const items = [
      { name: "Mug", quantity: 2, amount: 2_400 },
      { name: "Standard to Damrak 1, Amsterdam", quantity: 1, amount: 0 },
      { name: "VAT 21 % (NL)", quantity: 1, amount: 504 },
    ];
    const { request } = await lodge(world, { checkout: { ...checkout, id: `co_${randomUUID()}`, amount: 2_904, items } });
    const { html } = await atPayment(await signedUp(), request.url);
    const shown = [...html.matchAll(/<li><span><bdi>([^<]*)<\/bdi><\/span><span class="amount">([^<]*)<\/span><\/li>/g)].map(([, name, amount]) => [
      name,
      amount,
    ]);
    expect(shown).toEqual([
      ["2 × Mug", "€24.00"],
      ["Standard to Damrak 1, Amsterdam", "€0.00"],
      ["VAT 21 % (NL)", "€5.04"],
    ]);
    expect(html).toMatch(/lines-total"><span>[^<]*<\/span><span class="amount">€29.04</);
    const negative = await world.payee.signCheckout({
      ...checkout,
      id: "co_less",
      amount: 2_300,
      items: [
        { name: "Mug", quantity: 1, amount: 2_400 },
        { name: "Rebate", quantity: 1, amount: -100 },
      ],
    });
    expect((await world.payee.lodge(negative)).status).toBe(400);
  });

  test("L28 the payee gets a mandate that the protocol's judge accepts", async () => {
    const { id, checkoutJwt, request } = await lodge(world);
    const person = await signedUp();
    const end = new URL((await person.usePasskey(await atPayment(person, request.url), "/approve")).url);
    const token = decodeJwt(String((await redeem(world, codeFields(end, request))).body["access_token"]));
    const { body } = await world.payee.call(`/payment-requests/${id}`);
    expect(body).toMatchObject({ id, status: "approved" });
    const mandate = String(body["mandate"]);
    expect(mandate.endsWith("~")).toBe(true);
    const { payload } = await jwtVerify(mandate.slice(0, -1), createRemoteJWKSet(new URL(`${world.url}/jwks`)), {
      algorithms: ["ES256"],
      typ: "dc+sd-jwt",
    });
    const expected = {
      issuer: world.url,
      audience: world.bank.url,
      payeeId: "store",
      amount: checkout.amount,
      currency: checkout.currency,
      checkoutHash: createHash("sha256").update(checkoutJwt).digest("base64url"),
      keyThumbprint: await calculateJwkThumbprint(world.payee.jwks.keys[0] ?? { kty: "EC" }),
    };
    const judged = judgeMandate(payload, expected, Date.now());
    expect(judged).toMatchObject({ ok: true, value: { sub: token.sub, human_present: true, request_id: id, vct: "mandate.payment.1" } });
    expect(judgeMandate(payload, { ...expected, audience: "store" }, Date.now()).ok).toBe(true);
    expect(judgeMandate(payload, { ...expected, amount: checkout.amount + 1 }, Date.now())).toMatchObject({
      ok: false,
      error: { code: "consent_mismatch" },
    });
  });

  test("a waiting payee learns of the approval at once, and only it gets the mandate", async () => {
    const { id, request } = await lodge(world);
    const person = await signedUp();
    const page = await atPayment(person, request.url);
    // No timer ends: neither that of the wait nor that of reading again, only the signal.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const waiting = world.payee.call(`/payment-requests/${id}?wait=25`);
    await person.usePasskey(page, "/approve");
    expect((await waiting).body).toMatchObject({ status: "approved", mandate: expect.any(String) });
    expect((await world.otherPayee.call(`/payment-requests/${id}`)).status).toBe(404);
  });

  test("beside ordinary scopes the refresh token carries only those", async () => {
    const { id, request } = await lodge(world, { scope: "orders:read" });
    const person = await signedUp();
    const page = await person.usePasskey(await atPayment(person, request.url), "/approve");
    const tokens = await redeem(world, codeFields(new URL(page.url), request));
    expect(new Set(String(tokens.body["scope"]).split(" "))).toEqual(new Set(["orders:read", `payment:${id}`]));
    const refresh = (scope?: string) =>
      redeem(world, { grant_type: "refresh_token", refresh_token: String(tokens.body["refresh_token"]), ...(scope === undefined ? {} : { scope }) });
    expect(await refresh(`orders:read payment:${id}`)).toMatchObject({ status: 400, body: { error: "invalid_scope" } });
    expect(await refresh()).toMatchObject({ status: 200, body: { scope: "orders:read" } });
  });

  test("a second payment in the same session is shown and approved on its own", async () => {
    const person = await signedUp();
    for (let round = 0; round < 2; round += 1) {
      const { id, request } = await lodge(world, { scope: "orders:read" });
      const page = await person.usePasskey(await atPayment(person, request.url), "/approve");
      const tokens = await redeem(world, codeFields(new URL(page.url), request));
      expect(new Set(String(tokens.body["scope"]).split(" "))).toEqual(new Set(["orders:read", `payment:${id}`]));
    }
  });

  test("two payments of one request are approved one after the other", async () => {
    const person = await signedUp();
    const [first, second] = [await lodge(world), await lodge(world)];
    const request = authorizationRequest(world, { scope: `payment:${first.id} payment:${second.id}` });
    const next = await person.usePasskey(await atPayment(person, request.url), "/approve");
    expect(isPaymentPage(next)).toBe(true);
    const end = await person.usePasskey(next, "/approve");
    const tokens = await redeem(world, codeFields(new URL(end.url), request));
    expect(new Set(String(tokens.body["scope"]).split(" "))).toEqual(new Set([`payment:${first.id}`, `payment:${second.id}`]));
  });

  test("a payment is shown however many old ones a client's union of scopes repeats", async () => {
    const { id } = await lodge(world);
    const old = Array.from({ length: 40 }, (_, index) => `payment:pr_old_${index}`);
    const request = authorizationRequest(world, { scope: ["orders:read", ...old, `payment:${id}`].join(" ") });
    const page = await (await signedUp()).browser.open(request.url);
    expect(isPaymentPage(page)).toBe(true);
  });

  test("the approval link's end claims nothing about what was no payment", async () => {
    const request = authorizationRequest(world, { client_id: "approval-link", redirect_uri: `${world.url}/approved` });
    const person = new Person(world);
    const consent = await person.register(await person.browser.open(request.url));
    const end = await person.browser.submit(formOf(consent.html, "/consent"));
    expect(end.url).toContain("/approved?code=");
    expect(end.html).toContain("<h1>Not approved</h1>");
  });

  test("the approval link's end claims nothing for an app's code, and leaves it to the app", async () => {
    const { id, request } = await lodge(world);
    const person = await signedUp();
    const end = new URL((await person.usePasskey(await atPayment(person, request.url), "/approve")).url);
    const shown = await person.browser.open(`${world.url}/approved?code=${end.searchParams.get("code") ?? ""}`);
    expect(shown.html).toContain("<h1>Not approved</h1>");
    expect(await redeem(world, codeFields(end, request))).toMatchObject({ status: 200, body: { scope: `payment:${id}` } });
  });

  test("the approval link leads to the same page without any app", async () => {
    const { id } = await lodge(world);
    const person = new Person(world);
    const page = await person.register(await person.browser.open(`${world.url}/approve/${id}`));
    expect(isPaymentPage(page)).toBe(true);
    // The payee asked, with its link: the wallet never names itself, nor this device, as who asks for money.
    expect(page.html).toContain('<dt>Asked by</dt><dd>Harbour Goods <span class="quiet">with a link</span></dd>');
    const end = await person.usePasskey(page, "/approve");
    expect(end.html).toContain("<h1>Approved</h1>");
    for (const claim of [end.url, `${world.url}/approved?code=x`, `${world.url}/approved`]) {
      expect((await person.browser.open(claim)).html).toContain("<h1>Not approved</h1>");
    }
    expect(await status(id)).toBe("approved");
    expect((await person.browser.open(`${world.url}/approve/pr_unknown`)).status).toBe(404);
  });
});

describe("old and foreign transaction scopes", () => {
  test("P04 an approved one is ignored beside ordinary scopes, and explained when alone", async () => {
    const { id, request } = await lodge(world);
    const person = await signedUp();
    await person.usePasskey(await atPayment(person, request.url), "/approve");
    const union = authorizationRequest(world, { scope: `orders:read payment:${id}` });
    const page = await person.browser.open(union.url);
    expect(isPaymentPage(page)).toBe(false);
    const end = new URL((await person.browser.submit(formOf(page.html, "/consent"))).url);
    expect(await redeem(world, codeFields(end, union))).toMatchObject({ body: { scope: "orders:read" } });
    const alone = await person.browser.open(request.url);
    expect(alone.html).toContain("already approved");
    const back = new URL((await person.browser.submit(formOf(alone.html, "/cancel"))).url);
    expect(back.searchParams.get("error")).toBe("access_denied");
  });

  test("P16 an expired one alone is explained before any sign-in", async () => {
    const { request } = await lodge(world);
    world.clock.offsetMs = 16 * 60_000;
    expect((await world.newBrowser().open(request.url)).html).toContain("The time to approve this payment is over");
  });

  test("P12 a payment of one resource is not shown for another", async () => {
    const { id } = await lodge(world);
    const request = authorizationRequest(world, { scope: `payment:${id}`, resource: "http://127.0.0.1:4301/mcp" });
    expect((await world.newBrowser().open(request.url)).html).toContain("another shop");
    expect(await status(id)).toBe("created");
  });

  test("an unknown one alone is explained", async () => {
    const page = await world.newBrowser().open(authorizationRequest(world, { scope: "payment:pr_unknown" }).url);
    expect(page.html).toContain("not known here");
  });
});

describe("what an approval is bound to", () => {
  test("L18 W08 an assertion for one payment approves no other", async () => {
    const person = await signedUp();
    const [cheap, dear] = [await lodge(world), await lodge(world)];
    const cheapPage = await atPayment(person, cheap.request.url);
    const dearPage = await atPayment(person, dear.request.url);
    const form = formOf(cheapPage.html, "/approve");
    const { body } = await person.browser.postJson(form.options ?? "", form.fields);
    const credential = person.authenticator.get(body["options"]);
    const other = formOf(dearPage.html, "/approve");
    expect(await person.browser.postJson(other.action, { ...other.fields, credential })).toMatchObject({
      status: 400,
      body: { code: "challenge_expired" },
    });
    expect(await status(dear.id)).toBe("created");
    expect((await person.browser.postJson(form.action, { ...form.fields, credential })).status).toBe(200);
  });

  test.each([
    ["W01 another origin", { origin: "https://evil.example" }],
    ["W01 another RP id", { rpId: "evil.example" }],
    ["W01 a registration instead of an assertion", { type: "webauthn.create" }],
    ["L31 W03 no user verification", { userVerified: false }],
    ["W03 no user presence", { userPresent: false }],
    ["W05 a broken signature", { breakSignature: true }],
    ["W06 a frame", { crossOrigin: true }],
  ])("%s approves nothing", async (_name, tweaks) => {
    const { id, request } = await lodge(world);
    const person = await signedUp();
    await person.usePasskey(await person.browser.open(authorizationRequest(world, { prompt: "login" }).url), "/login");
    const page = await atPayment(person, request.url);
    const answer = await person.tryPasskey(page, "/approve", tweaks);
    expect([400, 403]).toContain(answer.status);
    expect(await status(id)).toBe("created");
    // A count that went back is remembered, until the owner says that it was them.
    const again = await person.tryPasskey(page, "/approve");
    expect(again).toMatchObject("counter" in tweaks ? { status: 403, body: { code: "passkey_copied" } } : { status: 200 });
  });

  test("W04 a passkey whose counter went back approves nothing, then or later, and its owner is told", async () => {
    const { id, request } = await lodge(world);
    const person = await signedUp();
    await person.usePasskey(await person.browser.open(authorizationRequest(world, { prompt: "login" }).url), "/login");
    const page = await atPayment(person, request.url);
    expect(await person.tryPasskey(page, "/approve", { counter: 0 })).toMatchObject({ status: 403, body: { code: "passkey_refused" } });
    expect(await person.tryPasskey(page, "/approve")).toMatchObject({ status: 403, body: { code: "passkey_copied" } });
    expect(await status(id)).toBe("created");
    expect((await person.browser.open(`${world.url}/account/activity`)).html).toContain("may have been copied");
  });

  test("W05 another user's passkey approves nothing", async () => {
    const { id, request } = await lodge(world);
    const [person, other] = [await signedUp(), await signedUp()];
    const form = formOf((await atPayment(person, request.url)).html, "/approve");
    const { body } = await person.browser.postJson(form.options ?? "", form.fields);
    const credential = other.authenticator.get(body["options"]);
    expect(await person.browser.postJson(form.action, { ...form.fields, credential })).toMatchObject({
      status: 403,
      body: { code: "unknown_passkey" },
    });
    expect(await status(id)).toBe("created");
  });

  test("W02 a sign-in assertion approves nothing", async () => {
    const { id, request } = await lodge(world);
    const person = await signedUp();
    const login = formOf((await person.browser.open(authorizationRequest(world, { prompt: "login" }).url)).html, "/login");
    const { body } = await person.browser.postJson(login.options ?? "", login.fields);
    const credential = person.authenticator.get(body["options"]);
    const form = formOf((await atPayment(person, request.url)).html, "/approve");
    expect(await person.browser.postJson(form.action, { ...form.fields, credential })).toMatchObject({
      status: 400,
      body: { code: "challenge_expired" },
    });
    expect(await status(id)).toBe("created");
  });

  test("P01 when what the page shows changed, it has to be looked at again", async () => {
    const { id, request } = await lodge(world);
    const person = await signedUp();
    const form = formOf((await atPayment(person, request.url)).html, "/approve");
    const token = form.fields["form_token"] ?? "";
    const tampered = { ...form.fields, form_token: `${token.slice(0, -2)}${token.endsWith("AA") ? "BB" : "AA"}` };
    expect(await person.browser.postJson(form.options ?? "", tampered)).toMatchObject({ status: 409, body: { code: "consent_mismatch" } });
    expect(await status(id)).toBe("created");
  });

  test("two tabs approve a payment once", async () => {
    const { id, request } = await lodge(world);
    const person = await signedUp();
    const pages = [await atPayment(person, request.url), await atPayment(person, request.url)];
    const ready = [];
    for (const page of pages) {
      const form = formOf(page.html, "/approve");
      const { body } = await person.browser.postJson(form.options ?? "", form.fields);
      ready.push({ form, credential: person.authenticator.get(body["options"]) });
    }
    const answers = await Promise.all(ready.map(({ form, credential }) => person.browser.postJson(form.action, { ...form.fields, credential })));
    expect(answers.map((each) => each.status).toSorted((a, b) => a - b)).toEqual([200, 409]);
    const first = (await world.payee.call(`/payment-requests/${id}`)).body["mandate"];
    expect(first).toEqual((await world.payee.call(`/payment-requests/${id}`)).body["mandate"]);
  });

  test("20 parallel answers to one challenge approve once", async () => {
    const { id, request } = await lodge(world);
    const person = await signedUp();
    const form = formOf((await atPayment(person, request.url)).html, "/approve");
    const { body } = await person.browser.postJson(form.options ?? "", form.fields);
    const credential = person.authenticator.get(body["options"]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => person.browser.postJson(form.action, { ...form.fields, credential })));
    expect(answers.filter((each) => each.status === 200)).toHaveLength(1);
    expect(await status(id)).toBe("approved");
  });

  test("P16 a request that expires while the page is open is not approved", async () => {
    const { id, request } = await lodge(world);
    const person = await signedUp();
    const form = formOf((await atPayment(person, request.url)).html, "/approve");
    world.clock.offsetMs = 14.5 * 60_000;
    const { body } = await person.browser.postJson(form.options ?? "", form.fields);
    const credential = person.authenticator.get(body["options"]);
    world.clock.offsetMs = 15.5 * 60_000;
    const answer = await person.browser.postJson(form.action, { ...form.fields, credential });
    expect(answer).toMatchObject({ status: 409, body: { code: "payment_request_expired" } });
    world.clock.offsetMs = 0;
    expect(await status(id)).toBe("created");
  });
});

describe("a payment that was asked for in one user's name", () => {
  /** A user with what access tokens name them by, which one payment of theirs tells. */
  async function known(): Promise<{ readonly person: Person; readonly sub: string }> {
    const { request } = await lodge(world);
    const person = await signedUp();
    const end = new URL((await person.usePasskey(await atPayment(person, request.url), "/approve")).url);
    const token = decodeJwt(String((await redeem(world, codeFields(end, request))).body["access_token"]));
    return { person, sub: String(token.sub) };
  }

  test("M19 cannot be seen, approved or declined by another one, by link or from an app, and stays the first one's to approve", async () => {
    const [{ person: ann, sub }, { person: bob, sub: bobs }] = [await known(), await known()];
    const checkoutJwt = await world.payee.signCheckout({ ...checkout, id: `co_${randomUUID()}` });
    const id = String((await world.payee.lodge(checkoutJwt, sub)).body["id"]);
    const link = `${world.url}/approve/${id}`;
    for (const url of [link, authorizationRequest(world, { scope: `payment:${id}` }).url]) {
      const page = await bob.browser.open(url);
      expect(page).toMatchObject({ status: 403, html: expect.stringContaining("This payment is for another account") });
      expect(page.html).not.toMatch(/€42\.50|Harbour Goods|\/approve\/options|\/decline/);
    }
    expect(await world.payee.lodge(checkoutJwt, bobs)).toMatchObject({ status: 403, body: { code: "claimed_elsewhere" } });
    expect(await status(id)).toBe("created");
    const page = await atPayment(ann, authorizationRequest(world, { scope: `payment:${id}` }).url);
    expect(page.html).toContain("€42.50");
    await ann.usePasskey(page, "/approve");
    expect(await status(id)).toBe("approved");
  });

  test("was anybody's while a guest asked for it, and is the user's who asks first", async () => {
    const [{ person: ann, sub }, { person: bob }] = [await known(), await known()];
    const { id, checkoutJwt, request } = await lodge(world);
    const early = await atPayment(bob, request.url);
    expect((await world.payee.lodge(checkoutJwt, sub)).body).toMatchObject({ id, for_named_user: true });
    expect((await world.payee.lodge(checkoutJwt)).body).toMatchObject({ id, for_named_user: true });
    expect((await bob.browser.open(request.url)).status).toBe(403);
    await bob.browser.submit(formOf(early.html, "/decline"));
    expect(await status(id)).toBe("created");
    await ann.usePasskey(await atPayment(ann, request.url), "/approve");
    expect(await status(id)).toBe("approved");
  });

  test("that the wallet does not know is anybody's: a name of another issuer locks nobody out", async () => {
    const checkoutJwt = await world.payee.signCheckout({ ...checkout, id: `co_${randomUUID()}` });
    const id = String((await world.payee.lodge(checkoutJwt, "auth0|stranger")).body["id"]);
    const person = await signedUp();
    await person.usePasskey(await atPayment(person, authorizationRequest(world, { scope: `payment:${id}` }).url), "/approve");
    expect(await status(id)).toBe("approved");
  });
});

describe("saying no, and trouble", () => {
  test("L22 P16 a declined payment is denied for good, and the client is told", async () => {
    const { id, checkoutJwt, request } = await lodge(world);
    const person = await signedUp();
    const page = await atPayment(person, request.url);
    const back = new URL((await person.browser.submit(formOf(page.html, "/decline"))).url);
    expect(Object.fromEntries(back.searchParams)).toMatchObject({ error: "access_denied", state: request.state, iss: world.url });
    expect(await status(id)).toBe("denied");
    expect((await person.browser.open(request.url)).html).toContain("was declined");
    expect((await world.payee.lodge(checkoutJwt)).body["id"]).not.toBe(id);
  });

  test("a waiting payee learns of a denial", async () => {
    const { id, request } = await lodge(world);
    const person = await signedUp();
    const page = await atPayment(person, request.url);
    const waiting = world.payee.call(`/payment-requests/${id}?wait=25`);
    await person.browser.submit(formOf(page.html, "/decline"));
    expect((await waiting).body).toMatchObject({ status: "denied" });
  });

  test("when the bank is down the page says so, nothing is lost, and the same page works later", async () => {
    const { id, request } = await lodge(world);
    const person = await signedUp();
    world.bank.isDown = true;
    const page = await person.browser.open(request.url);
    expect(page).toMatchObject({ status: 503, html: expect.stringContaining("Your bank does not answer") });
    expect(await status(id)).toBe("created");
    world.bank.isDown = false;
    const again = await person.browser.open(page.url);
    expect(isPaymentPage(again)).toBe(true);
    expect((await person.usePasskey(again, "/approve")).url).toContain("code=");
  });

  test("when the bank goes down after the page was shown, the ceremony does not begin", async () => {
    const { id, request } = await lodge(world);
    const person = await signedUp();
    const page = await atPayment(person, request.url);
    world.bank.isDown = true;
    expect(await person.tryPasskey(page, "/approve")).toMatchObject({ status: 503 });
    expect(await status(id)).toBe("created");
  });

  test("leaving the bank's error page keeps the payment open", async () => {
    const { id, request } = await lodge(world);
    const person = await signedUp();
    world.bank.isDown = true;
    const page = await person.browser.open(request.url);
    const back = new URL((await person.browser.submit(formOf(page.html, "/cancel"))).url);
    expect(back.searchParams.get("error")).toBe("access_denied");
    expect(await status(id)).toBe("created");
  });

  test("without enough money there is no way to approve", async () => {
    const { request } = await lodge(world);
    const person = await signedUp();
    const shown = await atPayment(person, request.url);
    world.bank.available = 4_249;
    const page = await person.browser.open(shown.url);
    expect(page.html).toContain("not enough money");
    expect(() => formOf(page.html, "/approve")).toThrow();
    expect(await person.tryPasskey(shown, "/approve")).toMatchObject({ status: 402, body: { code: "insufficient_funds" } });
  });

  test("the funding account is opened once for a user and currency", async () => {
    const before = world.bank.accounts.size;
    const person = await signedUp();
    for (let round = 0; round < 2; round += 1) await atPayment(person, (await lodge(world)).request.url);
    expect(world.bank.accounts.size - before).toBe(1);
    expect([...world.bank.accounts.values()].at(-1)).toEqual({ holder: "Ada", currency: "EUR" });
  });

  test("P02 hostile names are shown harmlessly", async () => {
    const name = "\u202e<b>Mug</b>\u0301\u0301\u0301\u0301\u0301\u200b";
    const { request } = await lodge(world, { checkout: { ...checkout, id: "co_p02", items: [{ name, quantity: 1, amount: 4_250 }] } });
    const person = await signedUp();
    const page = await atPayment(person, request.url);
    expect(page.html).toContain("&lt;b&gt;Mug&lt;/b&gt;");
    expect(page.html).not.toContain("<b>Mug");
    expect(page.html).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b]/);
  });
});
