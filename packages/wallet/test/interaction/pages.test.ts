import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formOf, formsOf, type LoadedPage } from "../peers/browser.ts";
import { lodge } from "../peers/payments.ts";
import { authorizationRequest, Person, startWorld, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** One of each page that people see. */
async function everyPage(): Promise<Readonly<Record<string, LoadedPage>>> {
  const person = new Person(world);
  const { request } = await lodge(world);
  const login = await person.browser.open(request.url);
  const payment = await person.register(login);
  world.bank.isDown = true;
  const bankDown = await person.browser.open(payment.url);
  world.bank.isDown = false;
  const consent = await person.browser.open(authorizationRequest(world).url);
  return {
    landing: await person.browser.open(`${world.url}/`),
    login,
    payment,
    bankDown,
    consent,
    unavailable: await person.browser.open(authorizationRequest(world, { scope: "payment:pr_unknown" }).url),
    expired: await person.browser.open(`${world.url}/interaction/unknown`),
    notFound: await person.browser.open(`${world.url}/nothing`),
    badClient: await person.browser.open(authorizationRequest(world, { client_id: "nobody" }).url),
    approved: await person.browser.open(`${world.url}/approved?code=x`),
  };
}

describe("every page", () => {
  test("O36 O39 W06 is never framed, cached, scripted inline, or told to the next site", async () => {
    for (const page of Object.values(await everyPage())) {
      const policy = page.headers.get("content-security-policy") ?? "";
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(policy).not.toContain("unsafe");
      expect(Object.fromEntries(page.headers)).toMatchObject({
        "cross-origin-opener-policy": "same-origin",
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "permissions-policy": expect.stringContaining("publickey-credentials-get=(self)"),
      });
      expect(page.html).not.toMatch(/<script(?![^>]* src=)|\son[a-z]+="|\sstyle="|javascript:/);
      expect(page.html).toMatch(/<html lang="en">[\s\S]*<title>[^<]+<\/title>[\s\S]*<h1/);
    }
  });

  test("the buttons of a ceremony come disabled, because a press before the script is there would send the form without a passkey", async () => {
    const pages = await everyPage();
    const ceremonies = Object.values(pages).flatMap((page) => page.html.match(/<form[^>]* data-ceremony=[\s\S]*?<\/form>/g) ?? []);
    expect(ceremonies.length).toBeGreaterThan(2);
    for (const form of ceremonies) expect(form).toMatch(/<button[^>]* disabled>/);
  });

  test("loads nothing from elsewhere", async () => {
    for (const page of Object.values(await everyPage())) {
      const links = [...page.html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = ""]) => link);
      for (const link of links) expect(link).toMatch(/^\/(assets\/|interaction\/|account$|recover$)/);
    }
    for (const asset of ["look.css", "passkey.js", "icon.svg"]) {
      const response = await fetch(`${world.url}/assets/${asset}`);
      expect(response.status).toBe(200);
      const again = await fetch(`${world.url}/assets/${asset}`, { headers: { "if-none-match": response.headers.get("etag") ?? "" } });
      expect(again.status).toBe(304);
    }
  });

  test("redirects carry the same headers", async () => {
    const response = await fetch(authorizationRequest(world).url, { redirect: "manual" });
    expect(response.status).toBe(303);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "cross-origin-opener-policy": "same-origin",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    });
  });
});

describe("cookies", () => {
  test("O38 the session cookie is HttpOnly, Lax, signed, and new after sign-in", async () => {
    const person = new Person(world);
    person.browser.setCookie("wallet_session", "attacker-chosen");
    const page = await person.browser.open(authorizationRequest(world).url);
    const before = person.browser.cookieValue("wallet_session");
    await person.register(page);
    const after = person.browser.cookieValue("wallet_session");
    expect(after).not.toBe("attacker-chosen");
    expect(after).not.toBe(before);
    expect(person.browser.cookieAttributes("wallet_session")).toMatch(/httponly/);
    expect(person.browser.cookieAttributes("wallet_session")).toMatch(/samesite=lax/);
    expect(person.browser.cookieValue("wallet_session.sig")).toBeDefined();
  });

  test("O38 a session cookie whose signature is wrong is no session", async () => {
    const person = new Person(world);
    await person.signUp();
    const value = person.browser.cookieValue("wallet_session") ?? "";
    const thief = new Person(world);
    thief.browser.setCookie("wallet_session", value);
    thief.browser.setCookie("wallet_session.sig", "AAAAAAAAAAAAAAAAAAAAAAAAAAA");
    expect((await thief.browser.open(authorizationRequest(world).url)).html).toContain("Sign in with a passkey");
  });
});

describe("forms", () => {
  async function atConsent(): Promise<{ readonly person: Person; readonly page: LoadedPage }> {
    const person = new Person(world);
    return { person, page: await person.register(await person.browser.open(authorizationRequest(world).url)) };
  }

  test("the consent page names the client, where the user returns to, and each scope", async () => {
    const { page } = await atConsent();
    for (const shown of ["Allow Countersign Console?", "Harbour Goods", "See your orders", "this device (127.0.0.1:4100)", "Signed in as Ada"]) {
      expect(page.html).toContain(shown);
    }
    expect(page.headers.get("content-security-policy")).toContain("form-action 'self' http://127.0.0.1:4100;");
  });

  test("cancel on the sign-in and consent pages tells the client, with iss and state", async () => {
    const request = authorizationRequest(world);
    const person = new Person(world);
    const login = await person.browser.open(request.url);
    const back = new URL((await person.browser.submit(formOf(login.html, "/cancel"))).url);
    expect(Object.fromEntries(back.searchParams)).toMatchObject({ error: "access_denied", state: request.state, iss: world.url });
    const { person: other, page } = await atConsent();
    expect((await other.browser.submit(formOf(page.html, "/cancel"))).url).toContain("error=access_denied");
  });

  test.each([
    ["O36 a foreign Origin", { origin: "https://evil.example" }],
    ["O36 a null Origin from another site", { origin: "null", "sec-fetch-site": "cross-site" }],
    ["O36 a null Origin from a sibling", { origin: "null", "sec-fetch-site": "same-site" }],
    ["O36 another port", { origin: "http://localhost:1" }],
  ])("%s is refused and nothing is decided", async (_name, headers) => {
    const { person, page } = await atConsent();
    const form = formOf(page.html, "/consent");
    const refused = await person.browser.submit(form, headers);
    expect(refused).toMatchObject({ status: 403, html: expect.stringContaining("did not come from the wallet") });
    expect((await person.browser.submit(form)).url).toContain("code=");
  });

  test("L10 O36 a form without its token, or with another's, is refused", async () => {
    const { person, page } = await atConsent();
    const form = formOf(page.html, "/consent");
    const cancel = formOf(page.html, "/cancel");
    const { page: others } = await atConsent();
    const tokens = ["", "x", "A".repeat(43), cancel.fields["form_token"] ?? "", formOf(others.html, "/consent").fields["form_token"] ?? ""];
    for (const form_token of tokens) expect((await person.browser.submit({ ...form, fields: { form_token } })).status).toBe(403);
    expect((await person.browser.submit({ ...form, fields: {} })).status).toBe(403);
    expect((await person.browser.submit(form)).url).toContain("code=");
  });

  test("O37 a form of one tab cannot decide the other tab's question", async () => {
    const person = new Person(world);
    await person.signUp();
    const first = await person.browser.open(authorizationRequest(world, { scope: "orders:read" }).url);
    const second = await person.browser.open(authorizationRequest(world, { scope: "orders:read orders:write" }).url);
    const mixed = { ...formOf(second.html, "/consent"), fields: formOf(first.html, "/consent").fields };
    expect((await person.browser.submit(mixed)).status).toBe(403);
  });

  test("the wallet's script gets the next address as JSON", async () => {
    const { person, page } = await atConsent();
    const form = formOf(page.html, "/consent");
    const answer = await person.browser.postJson(form.action, form.fields);
    expect(answer).toMatchObject({ status: 200, body: { next: expect.stringContaining(`${world.url}/authorize/`) } });
  });

  test("an action of another prompt is refused", async () => {
    const { person, page } = await atConsent();
    const base = formOf(page.html, "/consent").action.replace("/consent", "");
    const { fields } = formOf(page.html, "/consent");
    for (const action of ["login", "login/options", "register", "approve", "approve/options", "decline"]) {
      const answer = await person.browser.postJson(`${base}/${action}`, { ...fields, credential: {} });
      expect([400, 403]).toContain(answer.status);
    }
  });

  test("a finished page says so", async () => {
    const { person, page } = await atConsent();
    await person.browser.submit(formOf(page.html, "/consent"));
    const again = await person.browser.submit(formOf(page.html, "/consent"));
    expect(again).toMatchObject({ status: 400, html: expect.stringContaining("no longer open") });
  });

  test("every form of the sign-in page has its own token", async () => {
    const page = await new Person(world).browser.open(authorizationRequest(world).url);
    const tokens = formsOf(page.html).map((form) => form.fields["form_token"]);
    expect(tokens).toHaveLength(3);
    expect(new Set(tokens).size).toBe(3);
  });

  test("a name that was typed is kept plain", async () => {
    const person = new Person(world);
    const page = await person.register(await person.browser.open(authorizationRequest(world).url), "\u202e<i>Ada</i>");
    expect(page.html).toContain("Signed in as &lt;i&gt;Ada&lt;/i&gt;");
  });
});
