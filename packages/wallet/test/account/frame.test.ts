import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Browser, formOf } from "../peers/browser.ts";
import { authorizationRequest, Person, startWorld, type World } from "../peers/world.ts";

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

const open = (browser: Browser, path = "/account") => browser.open(`${world.url}${path}`);

describe("the way in", () => {
  test("a browser without a session signs in and comes back to the page it asked for", async () => {
    const person = await signedUp();
    const visitor = new Person(world);
    visitor.authenticator.passkeys.push(...person.authenticator.passkeys);
    const login = await open(visitor.browser);
    expect(login.html).toContain("Sign in with a passkey");
    expect(await visitor.usePasskey(login, "/login")).toMatchObject({ status: 200, url: `${world.url}/account` });
  });

  test("a new person makes a passkey there and is at the account in one step", async () => {
    const person = new Person(world);
    const account = await person.register(await open(person.browser), "Grace");
    expect(account).toMatchObject({ status: 200, url: `${world.url}/account` });
    expect(account.html).toContain("Hello, Grace");
  });

  test("a browser that is signed in for an app is signed in here, and the other way round", async () => {
    const person = new Person(world);
    await person.register(await open(person.browser), "Grace");
    expect((await person.browser.open(authorizationRequest(world).url)).html).toContain("Allow Countersign Console?");
    expect((await open((await signedUp()).browser)).html).toContain("Hello, Ada");
  });

  test.each(["//evil.example", "https://evil.example/", "/authorize", "/account/../interaction", "/account/x?y=1"])(
    "the way back leads nowhere but to the account, not to %s",
    async (state) => {
      const { browser } = await signedUp();
      const response = await browser.send(`${world.url}/account/signed-in?code=x&state=${encodeURIComponent(state)}`);
      expect(response.headers.get("location")).toBe("/");
      const start = await browser.send(`${world.url}/account`);
      expect(start.status).toBe(200);
      const authorize = authorizationRequest(world, {
        client_id: "account",
        redirect_uri: `${world.url}/account/signed-in`,
        scope: "openid",
        resource: undefined,
        state,
      });
      expect((await browser.open(authorize.url)).url).toBe(`${world.url}/account`);
    },
  );
});

describe("forms", () => {
  test("the name can be changed, and is shown without what misleads", async () => {
    const { browser } = await signedUp();
    const form = formOf((await open(browser)).html, "/account/name");
    const after = await browser.submit({ ...form, fields: { ...form.fields, display_name: "  Ada\u202e <b>Lovelace</b> " } });
    expect(after.html).toContain("Hello, Ada &lt;b&gt;Lovelace&lt;/b&gt;");
  });

  test("O36 a form of another site, of another session or without its token changes nothing", async () => {
    const { browser } = await signedUp();
    const form = formOf((await open(browser)).html, "/account/name");
    const fields = { ...form.fields, display_name: "Eve" };
    const other = formOf((await open((await signedUp()).browser)).html, "/account/name");
    const signOut = formOf((await open(browser)).html, "/account/sign-out");
    expect((await browser.submit({ ...form, fields }, { origin: "https://evil.example" })).status).toBe(403);
    expect((await browser.submit({ ...form, fields }, { "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await browser.submit({ ...form, fields: { display_name: "Eve" } })).status).toBe(403);
    expect((await browser.submit({ ...form, fields: { ...fields, form_token: other.fields["form_token"] ?? "" } })).status).toBe(403);
    expect((await browser.submit({ ...form, fields: { ...fields, form_token: signOut.fields["form_token"] ?? "" } })).status).toBe(403);
    expect((await open(browser)).html).toContain("Hello, Ada");
    expect((await browser.submit({ ...form, fields })).html).toContain("Hello, Eve");
  });

  test("a form of somebody who is signed out is refused, in JSON and as a page", async () => {
    const { browser } = await signedUp();
    const form = formOf((await open(browser)).html, "/account/name");
    const fields = { ...form.fields, display_name: "Eve" };
    const stranger = world.newBrowser();
    expect(await stranger.postJson(form.action, fields)).toMatchObject({ status: 401, body: { code: "not_signed_in" } });
    expect((await stranger.submit({ ...form, fields })).status).toBe(401);
  });

  test("a page of the account is never framed, kept or sent to another site", async () => {
    const { headers } = await open((await signedUp()).browser);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(headers.get("content-security-policy")).toContain("form-action 'self';");
  });
});

test("what changed is in the activity log, once each", async () => {
  const { browser } = await signedUp();
  const form = formOf((await open(browser)).html, "/account/name");
  await browser.submit({ ...form, fields: { ...form.fields, display_name: "Grace" } });
  const { html } = await open(browser, "/account/activity");
  expect(html.split("Your name was changed").length - 1).toBe(1);
});

describe("sessions", () => {
  test("signing out ends the session: an old cookie is worth nothing", async () => {
    const { browser } = await signedUp();
    const id = browser.cookieValue("wallet_session") ?? "";
    const signature = browser.cookieValue("wallet_session.sig") ?? "";
    const after = await browser.submit(formOf((await open(browser)).html, "/account/sign-out"));
    expect(after.html).toContain("You are signed out");
    const thief = world.newBrowser();
    thief.setCookie("wallet_session", id);
    thief.setCookie("wallet_session.sig", signature);
    expect((await open(thief)).html).toContain("Sign in with a passkey");
    expect((await thief.open(authorizationRequest(world).url)).html).toContain("Sign in with a passkey");
  });

  test("O38 a sign-in gives the session a new id, and the old one is dead", async () => {
    // A browser has no session before it signs in, so there is none to plant; a made-up one is not taken on.
    const planted = { id: "A".repeat(21), signature: "x" };
    const person = new Person(world);
    person.browser.setCookie("wallet_session", planted.id);
    person.browser.setCookie("wallet_session.sig", planted.signature);
    await person.signUp();
    const first = { id: person.browser.cookieValue("wallet_session") ?? "", signature: person.browser.cookieValue("wallet_session.sig") ?? "" };
    expect(first.id).not.toBe(planted.id);
    const login = await person.browser.open(`${authorizationRequest(world).url}&prompt=login`);
    await person.usePasskey(login, "/login");
    expect(person.browser.cookieValue("wallet_session")).not.toBe(first.id);
    for (const { id, signature } of [planted, first]) {
      const thief = world.newBrowser();
      thief.setCookie("wallet_session", id);
      thief.setCookie("wallet_session.sig", signature);
      expect((await open(thief)).html).toContain("Sign in with a passkey");
    }
    expect((await open(person.browser)).html).toContain("Hello, Ada");
  });
});
