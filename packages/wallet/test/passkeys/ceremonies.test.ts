import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Tweaks } from "../peers/authenticator.ts";
import { formOf, type LoadedPage } from "../peers/browser.ts";
import { authorizationRequest, Person, startWorld, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
afterEach(() => {
  world.clock.offsetMs = 0;
});

const attacks: readonly (readonly [string, Tweaks])[] = [
  ["W01 another origin", { origin: "https://evil.example" }],
  ["W01 a sibling origin", { origin: "http://wallet.localhost:4200" }],
  ["W01 another port", { origin: "http://localhost:1" }],
  ["W01 another RP id", { rpId: "evil.example" }],
  ["W01 another type", { type: "webauthn.other" }],
  ["W02 a challenge of its own", { challenge: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }],
  ["W03 no user verification", { userVerified: false }],
  ["W03 no user presence", { userPresent: false, userVerified: false }],
  ["W06 a cross-origin frame", { crossOrigin: true, topOrigin: "https://evil.example" }],
  ["W06 a frame without topOrigin", { crossOrigin: true }],
  ["W06 a topOrigin alone", { topOrigin: "https://evil.example" }],
];

async function signedUp(): Promise<Person> {
  const person = new Person(world);
  await person.signUp();
  return person;
}

/** The sign-in page in a new browser that has the person's passkey. */
async function atLogin(person: Person): Promise<{ readonly visitor: Person; readonly page: LoadedPage }> {
  const visitor = new Person(world);
  visitor.authenticator.passkeys.push(...person.authenticator.passkeys);
  return { visitor, page: await visitor.browser.open(authorizationRequest(world).url) };
}

describe("registration", () => {
  test("offers a discoverable passkey with user verification and a name that says nothing", async () => {
    const person = new Person(world);
    const page = await person.browser.open(authorizationRequest(world).url);
    const form = formOf(page.html, "/register");
    const { body } = await person.browser.postJson(form.options ?? "", { ...form.fields, display_name: "" });
    expect(body["options"]).toMatchObject({
      rp: { id: "localhost", name: "Countersign Wallet" },
      user: { name: expect.stringMatching(/^Wallet user .{4}$/), displayName: expect.stringMatching(/^Wallet user .{4}$/) },
      pubKeyCredParams: [{ alg: -7 }, { alg: -257 }, { alg: -8 }].map((each) => ({ ...each, type: "public-key" })),
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
      attestation: "none",
    });
  });

  test.each(attacks)("refuses %s and makes no account", async (_name, tweaks) => {
    const person = new Person(world);
    const page = await person.browser.open(authorizationRequest(world).url);
    const answer = await person.tryRegister(page, "Ada", tweaks);
    expect([400, 403]).toContain(answer.status);
    expect(answer.body).not.toHaveProperty("next");
    const login = await person.tryPasskey(page, "/login");
    expect(login).toMatchObject({ status: 403, body: { code: "unknown_passkey" } });
  });

  test.each([
    ["W11 an algorithm that was not offered", { coseAlgorithm: -36 }],
    ["W05 an id that is not the credential's", { claimedId: "AAAA" }],
  ])("refuses %s", async (_name, tweaks) => {
    const person = new Person(world);
    const page = await person.browser.open(authorizationRequest(world).url);
    expect((await person.tryRegister(page, "Ada", tweaks)).status).toBe(403);
  });

  test("a passkey that is registered already makes no second account", async () => {
    const person = new Person(world);
    const page = await person.browser.open(authorizationRequest(world).url);
    expect((await person.tryRegister(page, "Ada", {})).status).toBe(200);
    expect(await person.tryRegister(page, "Eve", { again: true })).toMatchObject({ status: 403, body: { code: "passkey_refused" } });
  });

  test("W11 mutated answers never break the wallet", async () => {
    for (let round = 0; round < 60; round += 1) {
      const person = new Person(world);
      const page = await person.browser.open(authorizationRequest(world).url);
      const form = formOf(page.html, "/register");
      const { body } = await person.browser.postJson(form.options ?? "", form.fields);
      const credential = person.authenticator.create(body["options"]);
      const bytes = Buffer.from(credential.response.attestationObject, "base64url");
      const at = (round * 7) % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (round % 8));
      const attestationObject = (round % 3 === 0 ? bytes.subarray(0, at + 1) : bytes).toString("base64url");
      const answer = await person.browser.postJson(form.action, {
        ...form.fields,
        credential: { ...credential, response: { ...credential.response, attestationObject } },
      });
      expect(answer.status).toBeLessThan(500);
    }
  });

  test.each([
    ["nothing", undefined],
    ["a text", "x"],
    ["a list", []],
    ["a huge id", { id: "A".repeat(5000), rawId: "A".repeat(5000), type: "public-key", response: {} }],
    ["no client data", { id: "AA", rawId: "AA", type: "public-key", response: { clientDataJSON: "AAAA", attestationObject: "AAAA" } }],
  ])("W11 %s instead of an answer is a 400", async (_name, credential) => {
    const person = new Person(world);
    const page = await person.browser.open(authorizationRequest(world).url);
    const form = formOf(page.html, "/register");
    expect((await person.browser.postJson(form.action, { ...form.fields, credential })).status).toBe(400);
  });
});

describe("sign-in", () => {
  test("works with the passkey", async () => {
    const { visitor, page } = await atLogin(await signedUp());
    expect((await visitor.usePasskey(page, "/login")).url).toContain("code=");
  });

  test.each([
    ...attacks,
    ["W05 a broken signature", { breakSignature: true }],
    ["W05 another user's handle", { userHandle: "dXNyX290aGVy" }],
  ] as const)("refuses %s and opens no session", async (_name, tweaks) => {
    const { visitor, page } = await atLogin(await signedUp());
    const answer = await visitor.tryPasskey(page, "/login", tweaks);
    expect([400, 403]).toContain(answer.status);
    expect(answer.body).not.toHaveProperty("next");
    expect((await visitor.browser.open(authorizationRequest(world).url)).html).toContain("Sign in with a passkey");
  });

  test("W04 a counter that does not grow is refused", async () => {
    const person = await signedUp();
    const first = await atLogin(person);
    await first.visitor.usePasskey(first.page, "/login", { counter: 5 });
    for (const counter of [5, 4, 0]) {
      const again = await atLogin(person);
      expect(await again.visitor.tryPasskey(again.page, "/login", { counter })).toMatchObject({ status: 403, body: { code: "passkey_refused" } });
    }
    const last = await atLogin(person);
    expect((await last.visitor.usePasskey(last.page, "/login", { counter: 6 })).url).toContain("code=");
  });

  test("W04 passkeys whose counter is always 0 work", async () => {
    const person = await signedUp();
    for (let round = 0; round < 2; round += 1) {
      const { visitor, page } = await atLogin(person);
      expect((await visitor.usePasskey(page, "/login", { counter: 0 })).url).toContain("code=");
    }
  });

  test("W05 an unknown credential id is refused", async () => {
    const { visitor, page } = await atLogin(await signedUp());
    expect(await visitor.tryPasskey(page, "/login", { claimedId: "AAAA" })).toMatchObject({ status: 403, body: { code: "unknown_passkey" } });
  });

  test("W10 the options are the same whether anybody has an account", async () => {
    const shape = async (person: Person) => {
      const page = await person.browser.open(authorizationRequest(world).url);
      const form = formOf(page.html, "/login");
      const { body } = await person.browser.postJson(form.options ?? "", form.fields);
      const { challenge: _random, ...rest } = z.record(z.string(), z.unknown()).parse(body["options"]);
      return rest;
    };
    const { visitor } = await atLogin(await signedUp());
    expect(await shape(visitor)).toEqual(await shape(new Person(world)));
  });
});

describe("challenges", () => {
  async function loginAnswer(person: Person) {
    const { visitor, page } = await atLogin(person);
    const form = formOf(page.html, "/login");
    const { body } = await visitor.browser.postJson(form.options ?? "", form.fields);
    return { visitor, page, form, credential: visitor.authenticator.get(body["options"]) };
  }

  test("W02 a challenge is used once, also by 20 at a time", async () => {
    const { visitor, form, credential } = await loginAnswer(await signedUp());
    const answers = await Promise.all(Array.from({ length: 20 }, () => visitor.browser.postJson(form.action, { ...form.fields, credential })));
    expect(answers.filter((each) => each.status === 200)).toHaveLength(1);
    expect(await visitor.browser.postJson(form.action, { ...form.fields, credential })).toMatchObject({
      status: 400,
      body: { code: "challenge_expired" },
    });
  });

  test("W02 a challenge lives two minutes", async () => {
    const { visitor, form, credential } = await loginAnswer(await signedUp());
    world.clock.offsetMs = 120_000;
    expect(await visitor.browser.postJson(form.action, { ...form.fields, credential })).toMatchObject({
      status: 400,
      body: { code: "challenge_expired" },
    });
  });

  test("W02 a challenge of another browser's sign-in is refused, and still good there", async () => {
    const { visitor, form, credential } = await loginAnswer(await signedUp());
    const thief = new Person(world);
    const page = await thief.browser.open(authorizationRequest(world).url);
    const own = formOf(page.html, "/login");
    expect(await thief.browser.postJson(own.action, { ...own.fields, credential })).toMatchObject({
      status: 400,
      body: { code: "challenge_expired" },
    });
    expect((await visitor.browser.postJson(form.action, { ...form.fields, credential })).status).toBe(200);
  });

  test("W02 another browser cannot act on an interaction by its address", async () => {
    const { form, credential } = await loginAnswer(await signedUp());
    const answer = await world.newBrowser().postJson(form.action, { ...form.fields, credential });
    expect(answer).toMatchObject({ status: 400, body: { code: "challenge_expired" } });
  });

  test("W02 a sign-in challenge does not serve a registration", async () => {
    const person = await signedUp();
    const { visitor, page } = await atLogin(person);
    const login = formOf(page.html, "/login");
    const register = formOf(page.html, "/register");
    const { body } = await visitor.browser.postJson(login.options ?? "", login.fields);
    const { challenge } = z.object({ challenge: z.string() }).parse(body["options"]);
    const credential = visitor.authenticator.create({ challenge, rp: { id: "localhost" }, user: { id: "x" } });
    expect(await visitor.browser.postJson(register.action, { ...register.fields, credential })).toMatchObject({
      status: 400,
      body: { code: "challenge_expired" },
    });
  });

  test("W02 a registration challenge does not serve a sign-in", async () => {
    const { visitor, page } = await atLogin(await signedUp());
    const login = formOf(page.html, "/login");
    const register = formOf(page.html, "/register");
    const { body } = await visitor.browser.postJson(register.options ?? "", register.fields);
    const { challenge } = z.object({ challenge: z.string() }).parse(body["options"]);
    const credential = visitor.authenticator.get({ challenge, rpId: "localhost" });
    expect(await visitor.browser.postJson(login.action, { ...login.fields, credential })).toMatchObject({
      status: 400,
      body: { code: "challenge_expired" },
    });
  });
});
