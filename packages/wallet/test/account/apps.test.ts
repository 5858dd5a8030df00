import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { newMember, openAccount } from "../peers/account.ts";
import { formOf, formsOf } from "../peers/browser.ts";
import { lodge } from "../peers/payments.ts";
import { authorizationRequest, codeFields, Person, redeem, startWorld, storeResource, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
afterEach(() => {
  world.clock.offsetMs = 0;
});

const appsOf = (person: Person) => openAccount(world, person, "/account/apps");
const disconnects = (html: string) => formsOf(html).filter((form) => form.action.endsWith("/disconnect"));

/** A person whose console is connected, with its tokens. */
async function connected() {
  const person = new Person(world);
  const request = authorizationRequest(world);
  const { body } = await redeem(world, codeFields(await person.signUp(request), request));
  return { person, refreshToken: String(body["refresh_token"]), accessToken: String(body["access_token"]) };
}

const refresh = (refreshToken: string) => redeem(world, { grant_type: "refresh_token", refresh_token: refreshToken, resource: storeResource });

async function introspect(token: string): Promise<unknown> {
  const response = await fetch(`${world.url}/introspect`, { method: "POST", body: new URLSearchParams({ client_id: "countersign-host", token }) });
  return response.json();
}

describe("connected apps", () => {
  test("are listed with what they may do; the wallet itself is none", async () => {
    const { person } = await connected();
    const { html } = await appsOf(person);
    expect(html).toContain("Countersign Console");
    expect(html).toContain("Harbour Goods: See your orders");
    expect(disconnects(html)).toHaveLength(1);
    const nobody = await newMember(world);
    expect((await appsOf(nobody)).html).toContain("No app");
  });

  test("a disconnected app is refused at its next call, and asks again", async () => {
    const { person, refreshToken, accessToken } = await connected();
    const first = await refresh(refreshToken);
    expect(first.status).toBe(200);
    const latest = String(first.body["refresh_token"]);
    expect(await introspect(accessToken)).toMatchObject({ active: true });
    expect(await introspect(latest)).toMatchObject({ active: true });

    const [form] = disconnects((await appsOf(person)).html);
    if (form === undefined) throw new Error("there is no app");
    expect((await person.browser.submit(form)).html).toContain("No app");

    expect(await refresh(latest)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
    // Nor does the token before it get its answer of a moment ago.
    expect(await refresh(refreshToken)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
    expect(await introspect(latest)).toEqual({ active: false });
    expect(await introspect(accessToken)).toEqual({ active: false });
    expect((await person.browser.open(authorizationRequest(world).url)).html).toContain("Allow Countersign Console?");
  });

  test("a code that was not redeemed yet is dead too", async () => {
    const person = new Person(world);
    const request = authorizationRequest(world);
    const redirect = await person.signUp(request);
    const [form] = disconnects((await appsOf(person)).html);
    if (form === undefined) throw new Error("there is no app");
    await person.browser.submit(form);
    expect(await redeem(world, codeFields(redirect, request))).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
  });

  test("another person's connection to the same app stays", async () => {
    const one = await connected();
    const other = await connected();
    const [form] = disconnects((await appsOf(one.person)).html);
    if (form === undefined) throw new Error("there is no app");
    expect((await other.person.browser.submit(form)).status).toBe(403);
    await one.person.browser.submit(form);
    expect((await refresh(one.refreshToken)).status).toBe(400);
    expect((await refresh(other.refreshToken)).status).toBe(200);
  });

  test("an app that was only paid through is listed by its name too", async () => {
    const person = await newMember(world);
    const { request } = await lodge(world);
    await person.usePasskey(await person.browser.open(request.url), "/approve");
    const { html } = await appsOf(person);
    expect(html).toContain("Countersign Console");
    expect(disconnects(html)).toHaveLength(1);
  });

  test("a second press says that nothing is there", async () => {
    const { person } = await connected();
    const [form] = disconnects((await appsOf(person)).html);
    if (form === undefined) throw new Error("there is no app");
    await person.browser.submit(form);
    expect((await person.browser.submit(form)).status).toBe(404);
  });

  test("a disconnection that comes with a refresh leaves no token that works", async () => {
    const { person, refreshToken } = await connected();
    const form = formOf((await appsOf(person)).html, "/disconnect");
    const [answer] = await Promise.all([refresh(refreshToken), person.browser.submit(form)]);
    const latest = answer.status === 200 ? String(answer.body["refresh_token"]) : refreshToken;
    expect(await refresh(latest)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
    expect(await introspect(latest)).toEqual({ active: false });
  });
});
