import { newPasskeyDelayMs } from "@countersign/protocol/passkey";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { addPasskey, codeOn, elsewhere, enterCode, keepForm, makeRecoveryCode, newMember, openAccount, runCeremony } from "../peers/account.ts";
import { formOf, formsOf } from "../peers/browser.ts";
import { isPaymentPage, lodge } from "../peers/payments.ts";
import { Person, startWorld, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
afterEach(() => {
  world.clock.offsetMs = 0;
});

/** Enters the code and makes the new passkey; gives the last answer. */
async function recover(person: Person, code: string) {
  const page = await enterCode(world, person, code);
  return runCeremony(person, formOf(page.html, "/recover/passkey"));
}

describe("making a code", () => {
  test("needs a fresh passkey, is shown until it is written down, and never again", async () => {
    const person = await newMember(world);
    const make = formOf((await openAccount(world, person, "/account/recovery")).html, "/recovery/make");
    expect((await openAccount(world, person, "/account/recovery/code")).status).toBe(400);
    expect((await person.browser.postJson(make.action, make.fields)).status).toBe(400);
    expect((await runCeremony(person, make)).status).toBe(200);
    const shown = await openAccount(world, person, "/account/recovery/code");
    expect(codeOn(await openAccount(world, person, "/account/recovery/code"))).toBe(codeOn(shown));
    const after = await person.browser.submit(keepForm(shown));
    expect(after.html).toContain("You have a recovery code");
    expect(after.html).not.toContain(codeOn(shown));
    expect((await openAccount(world, person, "/account/recovery/code")).status).toBe(400);
    expect((await person.browser.submit(keepForm(shown))).status).toBe(400);
  });

  test("a code that nobody has written down is not in force, and the one before it still is", async () => {
    const person = await newMember(world);
    const old = await makeRecoveryCode(world, person);
    await runCeremony(person, formOf((await openAccount(world, person, "/account/recovery")).html, "/recovery/make"));
    const young = codeOn(await openAccount(world, person, "/account/recovery/code"));
    expect((await enterCode(world, new Person(world), young)).status).toBe(403);
    expect((await enterCode(world, new Person(world), old)).status).toBe(200);
  });

  test("a new code voids the one before it", async () => {
    const person = await newMember(world);
    const old = await makeRecoveryCode(world, person);
    const young = await makeRecoveryCode(world, person);
    expect((await enterCode(world, new Person(world), old)).status).toBe(403);
    expect((await enterCode(world, new Person(world), young)).status).toBe(200);
  });

  test("a page of an earlier code does not put a later one in force", async () => {
    const person = await newMember(world);
    const make = async () => {
      await runCeremony(person, formOf((await openAccount(world, person, "/account/recovery")).html, "/recovery/make"));
      return openAccount(world, person, "/account/recovery/code");
    };
    const [first, second] = [await make(), await make()];
    expect((await person.browser.submit(keepForm(first))).status).toBe(400);
    expect((await person.browser.submit(keepForm(second))).status).toBe(200);
  });
});

test("W07 for a day every page says that a code was made, so that a thief's does not lie in wait", async () => {
  world.clock.offsetMs = -86_400_000;
  const person = await newMember(world);
  await makeRecoveryCode(world, person);
  expect((await openAccount(world, person)).html).toContain("A recovery code was made for your account");
  world.clock.offsetMs = 0;
  expect((await openAccount(world, person)).html).not.toContain("A recovery code was made for your account");
});

describe("using a code", () => {
  test("makes one new passkey of the same account and signs every browser out", async () => {
    const person = await newMember(world);
    const code = await makeRecoveryCode(world, person);
    const stranger = new Person(world);
    expect(await recover(stranger, code.toLowerCase())).toMatchObject({ status: 200, body: { next: "/recovered" } });
    expect((await openAccount(world, person)).html).toContain("Sign in with a passkey");
    const account = await stranger.usePasskey(await openAccount(world, stranger), "/login");
    expect(account.html).toContain("Hello, Ada");
    expect(account.html).toContain("was added to your account");
    expect((await openAccount(world, stranger, "/account/passkeys")).html).toContain("Added by recovery code");
    // Used up.
    expect((await enterCode(world, new Person(world), code)).status).toBe(403);
  });

  test("W07 the new passkey pays only after a day", async () => {
    const person = await newMember(world);
    const code = await makeRecoveryCode(world, person);
    const thief = new Person(world);
    await recover(thief, code);
    const { request } = await lodge(world);
    const payment = await thief.usePasskey(await thief.browser.open(request.url), "/login");
    expect(isPaymentPage(payment)).toBe(true);
    expect(await thief.tryPasskey(payment, "/approve")).toMatchObject({ status: 403, body: { code: "passkey_too_new" } });
  });

  test("a code is used up only by the passkey: who gives up may try again, and two tickets make one passkey", async () => {
    const person = await newMember(world);
    const code = await makeRecoveryCode(world, person);
    const visitor = new Person(world);
    const pages = [await enterCode(world, visitor, code), await enterCode(world, visitor, code)];
    const answers = await Promise.all(pages.map((page) => runCeremony(visitor, formOf(page.html, "/recover/passkey"))));
    expect(answers.filter((each) => each.status === 200)).toHaveLength(1);
  });

  test("a ticket lives ten minutes and serves one ceremony of its own place", async () => {
    const person = await newMember(world);
    const code = await makeRecoveryCode(world, person);
    const visitor = new Person(world);
    const [one, other] = [await enterCode(world, visitor, code), await enterCode(world, visitor, code)].map((page) =>
      formOf(page.html, "/recover/passkey"),
    );
    if (one === undefined || other === undefined) throw new Error("no ticket");
    const { body } = await visitor.browser.postJson(one.options ?? "", one.fields);
    const credential = visitor.authenticator.create(body["options"]);
    expect(await visitor.browser.postJson(other.action, { ...other.fields, credential })).toMatchObject({
      status: 400,
      body: { code: "challenge_expired" },
    });
    world.clock.offsetMs = 600_000;
    expect(await visitor.browser.postJson(one.options ?? "", one.fields)).toMatchObject({ status: 400, body: { code: "challenge_expired" } });
  });

  test("a passkey that is registered already recovers nothing", async () => {
    const person = await newMember(world);
    const code = await makeRecoveryCode(world, person);
    const page = await enterCode(world, person, code);
    expect(await runCeremony(person, formOf(page.html, "/recover/passkey"), {}, { again: true })).toMatchObject({
      status: 403,
      body: { code: "passkey_refused" },
    });
    // Rolled back: the code is still good.
    expect((await enterCode(world, new Person(world), code)).status).toBe(200);
  });

  test("O36 a form of another site is refused", async () => {
    const person = await newMember(world);
    const code = await makeRecoveryCode(world, person);
    const form = formOf((await person.browser.open(`${world.url}/recover`)).html, "/recover");
    const fields = { ...form.fields, recovery_code: code };
    expect((await person.browser.submit({ ...form, fields }, { origin: "https://evil.example" })).status).toBe(403);
    expect((await person.browser.submit({ ...form, fields: { recovery_code: code } })).status).toBe(403);
    expect((await person.browser.submit({ ...form, fields })).html).toContain("Make a new passkey");
  });
});

test("W10 a wrong code, a used one and no code at all get the same answer", async () => {
  const person = await newMember(world);
  const code = await makeRecoveryCode(world, person);
  await recover(new Person(world), code);
  const answers = [];
  for (const tried of [code, "0000-0000-0000-0000-0000-0000-0000", "hello"]) answers.push(await enterCode(world, new Person(world), tried));
  const [first] = answers;
  for (const each of answers) expect({ status: each.status, html: each.html }).toEqual({ status: 403, html: first?.html });
});

test("guessing is slowed down", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const own = await startWorld({ rateFactor: 1 });
  try {
    const statuses = [];
    for (let round = 0; round < 12; round += 1) statuses.push((await enterCode(own, new Person(own), "wrong")).status);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 403), 429, 429]);
  } finally {
    vi.useRealTimers();
    await own.close();
  }
});

test("W07 whoever came in by a code removes the owner's passkeys only after a day, so that the owner can come in and remove theirs", async () => {
  const person = await newMember(world);
  const code = await makeRecoveryCode(world, person);
  const thief = new Person(world);
  await recover(thief, code);
  await thief.usePasskey(await openAccount(world, thief), "/login");
  const removals = async (who: Person) =>
    formsOf((await openAccount(world, who, "/account/passkeys")).html).filter((form) => form.action.endsWith("/remove"));
  const [owners] = await removals(thief);
  if (owners === undefined) throw new Error("there is no passkey to remove");
  expect(await runCeremony(thief, owners)).toMatchObject({ status: 403, body: { code: "passkey_too_new" } });
  expect((await person.usePasskey(await openAccount(world, person), "/login")).html).toContain("was added to your account");
  const [, thiefs] = await removals(person);
  if (thiefs === undefined) throw new Error("the thief's passkey is not there");
  expect((await runCeremony(person, thiefs)).status).toBe(200);
  expect((await openAccount(world, thief)).html).toContain("Sign in with a passkey");
});

test("a lost passkey can be removed with the new one a day later", async () => {
  world.clock.offsetMs = -newPasskeyDelayMs;
  const person = await newMember(world);
  await addPasskey(world, person, "Lost phone");
  const code = await makeRecoveryCode(world, person);
  const back = new Person(world);
  await recover(back, code);
  world.clock.offsetMs = 0;
  await back.usePasskey(await openAccount(world, back), "/login");
  const html = (await openAccount(world, back, "/account/passkeys")).html;
  const before = html.split('/remove"').length;
  expect((await runCeremony(back, formOf(html, "/remove"))).status).toBe(200);
  expect((await openAccount(world, back, "/account/passkeys")).html.split('/remove"').length).toBeLessThan(before);
  const finder = elsewhere(world, person);
  expect(await finder.tryPasskey(await openAccount(world, finder), "/login")).toMatchObject({ status: 403, body: { code: "unknown_passkey" } });
});
