import { newPasskeyDelayMs } from "@countersign/protocol/passkey";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { addPasskey, elsewhere, makeRecoveryCode, newMember, openAccount, runCeremony } from "../peers/account.ts";
import { formOf, formsOf } from "../peers/browser.ts";
import { isPaymentPage, lodge } from "../peers/payments.ts";
import { Person, startWorld, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
afterEach(() => {
  vi.useRealTimers();
  world.clock.offsetMs = 0;
});

const page = (person: Person) => openAccount(world, person, "/account/passkeys");

/** The removal forms of the page, in the order in which the passkeys joined. */
const removals = (html: string) => formsOf(html).filter((form) => form.action.endsWith("/remove"));

describe("adding a passkey", () => {
  test("the new passkey has a name and signs in at once", async () => {
    const person = await newMember(world);
    expect((await addPasskey(world, person, "Key ring")).html).toContain("Key ring");
    const other = new Person(world);
    other.authenticator.passkeys.push(...person.authenticator.passkeys.slice(1));
    expect((await other.usePasskey(await openAccount(world, other), "/login")).html).toContain("Hello, Ada");
  });

  test("W07 without a fresh passkey before it, none is made", async () => {
    const person = await newMember(world);
    const confirm = formOf((await page(person)).html, "/passkeys/add");
    const anyToken = formOf((await openAccount(world, await newMember(world), "/account/passkeys")).html, "/passkeys/add").fields;
    // The page of the second step is not open, and its form works neither with a token of another step nor of another session.
    expect((await openAccount(world, person, "/account/passkeys/new")).status).toBe(400);
    for (const fields of [confirm.fields, anyToken]) {
      expect(await person.browser.postJson("/account/passkeys/new/options", fields)).toMatchObject({ status: 403 });
    }
    await runCeremony(person, confirm);
    const form = formOf((await openAccount(world, person, "/account/passkeys/new")).html, "/passkeys/new");
    expect((await runCeremony(person, form, { passkey_name: "One" })).status).toBe(200);
    // One confirmation makes one passkey.
    expect(await runCeremony(person, form, { passkey_name: "Two" })).toMatchObject({ status: 403, body: { code: "passkey_refused" } });
    expect(removals((await page(person)).html)).toHaveLength(2);
  });

  test("W07 a confirmation is good for five minutes", async () => {
    // The clock stands: a second of waiting would end what is good for one second more.
    vi.useFakeTimers({ toFake: ["Date"] });
    const person = await newMember(world);
    await runCeremony(person, formOf((await page(person)).html, "/passkeys/add"));
    const form = formOf((await openAccount(world, person, "/account/passkeys/new")).html, "/passkeys/new");
    world.clock.offsetMs = 299_000;
    expect((await person.browser.postJson(form.options ?? "", form.fields)).status).toBe(200);
    world.clock.offsetMs = 300_000;
    expect(await person.browser.postJson(form.options ?? "", form.fields)).toMatchObject({ status: 403, body: { code: "passkey_refused" } });
  });

  test("W07 ceremonies at the same time make one passkey of one confirmation", async () => {
    const person = await newMember(world);
    await runCeremony(person, formOf((await page(person)).html, "/passkeys/add"));
    const form = formOf((await openAccount(world, person, "/account/passkeys/new")).html, "/passkeys/new");
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => runCeremony(person, form, { passkey_name: `Key ${index}` })));
    expect(answers.filter((each) => each.status === 200)).toHaveLength(1);
    expect(removals((await page(person)).html)).toHaveLength(2);
  });

  test("W07 the owner sees a notice on every page, and the passkey pays only after a day", async () => {
    const person = await newMember(world);
    await addPasskey(world, person, "Thief's key");
    expect((await openAccount(world, person)).html).toContain("was added to your account");
    const thief = elsewhere(world, person);
    thief.authenticator.passkeys.splice(0, 1);
    const { request } = await lodge(world);
    const payment = await thief.usePasskey(await thief.browser.open(request.url), "/login");
    expect(isPaymentPage(payment)).toBe(true);
    expect(await thief.tryPasskey(payment, "/approve")).toMatchObject({ status: 403, body: { code: "passkey_too_new" } });
    // The older passkey of the same account pays all the while.
    const owner = await person.browser.open(request.url);
    expect((await person.usePasskey(owner, "/approve")).url).toContain("code=");
  });

  test("W07 a day later it pays, and the notice is gone", async () => {
    world.clock.offsetMs = -newPasskeyDelayMs;
    const person = await newMember(world);
    await addPasskey(world, person, "Key ring");
    person.authenticator.passkeys.splice(0, 1);
    world.clock.offsetMs = 0;
    const { request } = await lodge(world);
    expect((await person.usePasskey(await person.browser.open(request.url), "/approve")).url).toContain("code=");
    expect((await openAccount(world, person)).html).not.toContain("was added to your account");
  });

  test("an authenticator is told which passkeys the account has", async () => {
    const person = await newMember(world);
    await runCeremony(person, formOf((await page(person)).html, "/passkeys/add"));
    const form = formOf((await openAccount(world, person, "/account/passkeys/new")).html, "/passkeys/new");
    const { body } = await person.browser.postJson(form.options ?? "", form.fields);
    const known = person.authenticator.passkeys.map((each) => ({ id: each.id.toString("base64url"), type: "public-key", transports: ["internal"] }));
    expect(body["options"]).toMatchObject({ excludeCredentials: known });
  });
});

describe("removing a passkey", () => {
  test("needs a fresh passkey, and the removed one is unknown from then on", async () => {
    const person = await newMember(world);
    const html = (await addPasskey(world, person, "Old phone")).html;
    const [, second] = removals(html);
    if (second === undefined) throw new Error("there is no second passkey");
    expect((await person.browser.postJson(second.action, second.fields)).status).toBe(400);
    expect((await runCeremony(person, second)).status).toBe(200);
    expect((await page(person)).html).not.toContain("Old phone");
    const other = elsewhere(world, person);
    other.authenticator.passkeys.splice(0, 1);
    expect(await other.tryPasskey(await openAccount(world, other), "/login")).toMatchObject({ status: 403, body: { code: "unknown_passkey" } });
  });

  test("a confirmation to remove one passkey removes no other", async () => {
    const person = await newMember(world);
    const [first, second] = removals((await addPasskey(world, person, "Second")).html);
    if (first === undefined || second === undefined) throw new Error("there are no two passkeys");
    const { body } = await person.browser.postJson(first.options ?? "", first.fields);
    const credential = person.authenticator.get(body["options"]);
    expect(await person.browser.postJson(second.action, { ...second.fields, credential })).toMatchObject({
      status: 409,
      body: { code: "consent_mismatch" },
    });
    expect(removals((await page(person)).html)).toHaveLength(2);
  });

  test("the last one stays without a recovery code, and may go with one", async () => {
    const person = await newMember(world);
    const html = (await page(person)).html;
    expect(removals(html)).toHaveLength(0);
    expect(html).toContain("Your only passkey cannot be removed");
    const [first, second] = removals((await addPasskey(world, person, "Second")).html);
    if (first === undefined || second === undefined) throw new Error("there are no two passkeys");
    expect((await runCeremony(person, second)).status).toBe(200);
    expect(await runCeremony(person, first)).toMatchObject({ status: 409, body: { code: "last_passkey" } });
    await makeRecoveryCode(world, person);
    expect((await runCeremony(person, first)).status).toBe(200);
  });

  test("two removals at the same time leave one passkey", async () => {
    const person = await newMember(world);
    const [first, second] = removals((await addPasskey(world, person, "Second")).html);
    if (first === undefined || second === undefined) throw new Error("there are no two passkeys");
    const prepared = [];
    for (const form of [first, second]) {
      const { body } = await person.browser.postJson(form.options ?? "", form.fields);
      prepared.push({ form, credential: person.authenticator.get(body["options"]) });
    }
    const answers = await Promise.all(prepared.map(({ form, credential }) => person.browser.postJson(form.action, { ...form.fields, credential })));
    expect(answers.filter((each) => each.status === 200)).toHaveLength(1);
  });

  test("another account's passkey is not found", async () => {
    const victim = await newMember(world);
    const [target] = removals((await addPasskey(world, victim, "Second")).html);
    const thief = await newMember(world);
    const [own] = removals((await addPasskey(world, thief, "Second")).html);
    if (target === undefined || own === undefined) throw new Error("there are no two passkeys");
    expect((await thief.browser.postJson(target.options ?? "", own.fields)).status).toBe(403);
    expect((await thief.browser.postJson(target.options ?? "", target.fields)).status).toBe(403);
    expect(removals((await page(victim)).html)).toHaveLength(2);
  });
});

describe("naming a passkey", () => {
  test("the name is shown without what misleads", async () => {
    const person = await newMember(world);
    const form = formOf((await page(person)).html, "/name");
    const after = await person.browser.submit({ ...form, fields: { ...form.fields, passkey_name: "My \u202e<i>phone</i>" } });
    expect(after.html).toContain("My &lt;i&gt;phone&lt;/i&gt;");
    expect((await person.browser.submit({ ...form, fields: { ...form.fields, passkey_name: "x".repeat(41) } })).status).toBe(400);
  });
});

test("W07 when a passkey is removed, every other browser is signed out, for it may be the one that the passkey had signed in", async () => {
  const person = await newMember(world);
  await addPasskey(world, person, "Stolen key");
  const thief = elsewhere(world, person);
  thief.authenticator.passkeys.splice(0, 1);
  expect((await thief.usePasskey(await openAccount(world, thief), "/login")).html).toContain("Hello, Ada");
  const [, second] = removals((await page(person)).html);
  if (second === undefined) throw new Error("there is no second passkey");
  expect((await runCeremony(person, second)).status).toBe(200);
  expect((await openAccount(world, thief)).html).toContain("Sign in with a passkey");
  expect((await openAccount(world, person)).html).toContain("Hello, Ada");
});

describe("W04 a passkey with a copy", () => {
  test("an old count is refused, alerts the owner, and stops payments until another passkey keeps it", async () => {
    world.clock.offsetMs = -newPasskeyDelayMs;
    const person = await newMember(world);
    await addPasskey(world, person, "Key ring");
    world.clock.offsetMs = 0;
    await person.usePasskey(await person.browser.open(`${world.url}/authorize?${loginAgain()}`), "/login", { counter: 5 });
    const copy = elsewhere(world, person);
    expect(await copy.tryPasskey(await openAccount(world, copy), "/login", { counter: 1 })).toMatchObject({
      status: 403,
      body: { code: "passkey_refused" },
    });
    expect((await openAccount(world, person)).html).toContain("may have been copied");

    const { request } = await lodge(world);
    const payment = await person.browser.open(request.url);
    expect(await person.tryPasskey(payment, "/approve", { counter: 6 })).toMatchObject({ status: 403, body: { code: "passkey_copied" } });

    const keep = formOf((await page(person)).html, "/keep");
    // Whoever holds the copy could say so too, so it clears nobody.
    expect(await runCeremony(person, keep, {}, { counter: 7 })).toMatchObject({ status: 403, body: { code: "passkey_copied" } });
    const [suspected] = person.authenticator.passkeys.splice(0, 1);
    expect((await runCeremony(person, keep)).status).toBe(200);
    if (suspected !== undefined) person.authenticator.passkeys.unshift(suspected);
    expect((await openAccount(world, person, "/account/activity")).html).toContain("approves payments again");
    expect((await openAccount(world, person)).html).not.toContain("may have been copied");
    expect((await person.usePasskey(payment, "/approve", { counter: 8 })).url).toContain("code=");
  });

  test("a count in an answer that is not signed alerts nobody", async () => {
    const person = await newMember(world);
    await person.usePasskey(await person.browser.open(`${world.url}/authorize?${loginAgain()}`), "/login", { counter: 5 });
    const liar = elsewhere(world, person);
    expect((await liar.tryPasskey(await openAccount(world, liar), "/login", { counter: 1, breakSignature: true })).status).toBe(403);
    expect((await openAccount(world, person)).html).not.toContain("may have been copied");
  });

  function loginAgain(): string {
    const redirect = `${world.url}/account/signed-in`;
    const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    return new URLSearchParams({
      response_type: "code",
      client_id: "account",
      redirect_uri: redirect,
      scope: "openid",
      prompt: "login",
      code_challenge: challenge,
      code_challenge_method: "S256",
    }).toString();
  }
});
