import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { elsewhere, newMember, openAccount } from "../peers/account.ts";
import { formOf } from "../peers/browser.ts";
import { deviceClients, startDevice } from "../peers/devices.ts";
import { lodge } from "../peers/payments.ts";
import { Prover } from "../peers/proofs.ts";
import { rateBounds } from "../../src/rates/bounds.ts";
import { authorizationRequest, checkout, codeFields, Person, redeem, startWorld, type World } from "../peers/world.ts";

let world: World;
beforeEach(async () => {
  world = await startWorld({ rateFactor: 0.1 });
  // A bucket that fills while a slow machine asks would let one more through.
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
  return world.close();
});

const tenth = (name: keyof typeof rateBounds): number => Math.floor(rateBounds[name].burst * 0.1);

/** A call that the token endpoint refuses. */
const guess = () => redeem(world, { grant_type: "refresh_token", refresh_token: "guessed" });

describe("the OAuth endpoints", () => {
  test("X04 refused calls of one address are answered 429 with Retry-After after a while, and let in again later", async () => {
    for (let count = 0; count < tenth("tokenError"); count += 1) expect((await guess()).status).toBe(400);
    const response = await fetch(`${world.url}/introspect`, {
      method: "POST",
      body: new URLSearchParams({ client_id: "countersign-host", token: "guessed", token_type_hint: "nothing" }),
    });
    expect(response.status).toBe(200);
    expect(await guess()).toMatchObject({ status: 429, body: { code: "rate_limited" } });
    const closed = await fetch(`${world.url}/token`, { method: "POST", body: new URLSearchParams({ grant_type: "refresh_token" }) });
    expect(closed.status).toBe(429);
    expect(Number(closed.headers.get("retry-after"))).toBeGreaterThan(0);
    world.clock.offsetMs += Number(closed.headers.get("retry-after")) * 1000;
    expect((await guess()).status).toBe(400);
  });

  test("D03 new device codes of one address are bounded, and others are made later", async () => {
    const devices = await startWorld({ rateFactor: 0.1, clients: deviceClients });
    try {
      for (let count = 0; count < tenth("deviceStart"); count += 1) expect((await startDevice(devices)).answer.status).toBe(200);
      expect((await startDevice(devices)).answer).toMatchObject({ status: 429, body: { code: "rate_limited" } });
      devices.clock.offsetMs += 60_000;
      expect((await startDevice(devices)).answer.status).toBe(200);
    } finally {
      await devices.close();
    }
  });

  test("X04 calls that succeed are never counted", async () => {
    for (let count = 0; count < tenth("tokenError") + 5; count += 1) expect(await world.payee.token()).toMatch(/./);
  });

  test("X04 nor is the first proof of a key, which nobody can make with a nonce", async () => {
    const url = `${world.url}/token`;
    const fields = { client_id: "countersign-host", grant_type: "refresh_token", refresh_token: "none" };
    for (let count = 0; count < tenth("tokenError") + 5; count += 1) {
      const prover = await Prover.make();
      const response = await fetch(url, {
        method: "POST",
        headers: { dpop: await prover.prove(url, undefined) },
        body: new URLSearchParams(fields),
      });
      expect([response.status, await response.json()]).toMatchObject([400, { error: "use_dpop_nonce" }]);
    }
  });

  test("authorization requests of one address are bounded, with a page that says so", async () => {
    const browser = world.newBrowser();
    for (let count = 0; count < tenth("authorize"); count += 1) expect((await browser.send(authorizationRequest(world).url)).status).toBe(303);
    const page = await browser.open(authorizationRequest(world).url);
    expect(page).toMatchObject({ status: 429, html: expect.stringContaining("Please wait a little") });
    expect(page.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect((await fetch(`${world.url}/jwks`)).status).toBe(200);
  });
});

test("X04 a thief at one browser of an account, however busy, does not keep its owner at another from ending that session", async () => {
  const thief = await newMember(world);
  const owner = elsewhere(world, thief);
  const name = formOf((await openAccount(world, thief)).html, "/account/name");
  const rename = () => thief.browser.submit({ ...name, fields: { ...name.fields, display_name: "x".repeat(100) } });
  for (let count = 0; count < tenth("accountWrite"); count += 1) expect((await rename()).status).toBe(400);
  const refused = await rename();
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  await owner.usePasskey(await openAccount(world, owner), "/login");
  const end = formOf((await openAccount(world, owner, "/account/sessions")).html, "/end");
  expect((await owner.browser.submit(end)).status).toBe(200);
  expect((await openAccount(world, thief)).html).toContain("Sign in with a passkey");
});

describe("ceremonies", () => {
  test("X04 a browser that asks for challenges without end is told to wait, and another one signs in at once", async () => {
    const owner = new Person(world);
    await owner.signUp();
    const flooder = new Person(world);
    const page = await flooder.browser.open(authorizationRequest(world).url);
    const form = formOf(page.html, "/login");
    for (let count = 0; count < tenth("ceremony"); count += 1) {
      expect((await flooder.browser.postJson(form.options ?? "", form.fields)).status).toBe(200);
    }
    const refused = await flooder.browser.postJson(form.options ?? "", form.fields);
    expect(refused).toMatchObject({ status: 429, body: { code: "rate_limited", error_description: expect.stringContaining("too often") } });
    const visitor = new Person(world);
    visitor.authenticator.passkeys.push(...owner.authenticator.passkeys);
    expect((await visitor.usePasskey(await visitor.browser.open(authorizationRequest(world).url), "/login")).url).toContain("code=");
  });

  test("X04 wrong answers for an account, however many, do not keep its owner out", async () => {
    const owner = new Person(world);
    await owner.signUp();
    for (let count = 0; count < 12; count += 1) {
      const attacker = new Person(world);
      attacker.authenticator.passkeys.push(...owner.authenticator.passkeys);
      const page = await attacker.browser.open(authorizationRequest(world).url);
      expect((await attacker.tryPasskey(page, "/login", { breakSignature: true })).status).toBe(403);
    }
    const visitor = new Person(world);
    visitor.authenticator.passkeys.push(...owner.authenticator.passkeys);
    expect((await visitor.usePasskey(await visitor.browser.open(authorizationRequest(world).url), "/login")).url).toContain("code=");
  });

  test("new accounts of one address are bounded before a passkey is made, and people who have one still sign in", async () => {
    const owner = new Person(world);
    await owner.signUp();
    for (let count = 1; count < tenth("register"); count += 1) await new Person(world).signUp();
    const late = new Person(world);
    const page = await late.browser.open(authorizationRequest(world).url);
    const form = formOf(page.html, "/register");
    expect(await late.browser.postJson(form.options ?? "", { ...form.fields, display_name: "Eve" })).toMatchObject({ status: 429 });
    late.authenticator.passkeys.push(...owner.authenticator.passkeys);
    expect((await late.usePasskey(page, "/login")).url).toContain("code=");
  });
});

describe("payees and links", () => {
  test("payment requests of one payee are bounded, and another payee lodges", async () => {
    const lodged = async (index: number) => world.payee.lodge(await world.payee.signCheckout({ ...checkout, id: `co_${index}` }));
    for (let count = 0; count < tenth("lodge"); count += 1) expect((await lodged(count)).status).toBe(201);
    expect(await lodged(1000)).toEqual({ status: 429, body: expect.objectContaining({ code: "rate_limited" }) });
    await lodge(world, { payee: world.otherPayee });
  });

  test("approval links of one address are bounded", async () => {
    const { id } = await lodge(world);
    for (let count = 0; count < tenth("approvalLink"); count += 1) {
      expect((await fetch(`${world.url}/approve/${id}`, { redirect: "manual" })).status).toBe(303);
    }
    const refused = await fetch(`${world.url}/approve/${id}`, { redirect: "manual" });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("a code is redeemed although its address guessed a little before", async () => {
    const person = new Person(world);
    const request = authorizationRequest(world);
    const fields = codeFields(await person.signUp(request), request);
    for (let count = 0; count < 5; count += 1) await guess();
    expect((await redeem(world, fields)).status).toBe(200);
  });
});
