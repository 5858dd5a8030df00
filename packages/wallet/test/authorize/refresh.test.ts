import { decodeJwt } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { formOf } from "../peers/browser.ts";
import { authorizationRequest, codeFields, Person, redeem, startWorld, storeResource, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
afterEach(() => {
  vi.useRealTimers();
  world.clock.offsetMs = 0;
});

const invalidGrant = { status: 400, body: { error: "invalid_grant" } };

async function freshTokens(scope = "orders:read"): Promise<{ readonly accessToken: string; readonly refreshToken: string }> {
  const request = authorizationRequest(world, { scope });
  const redirect = await new Person(world).signUp(request);
  const { body } = await redeem(world, codeFields(redirect, request));
  return { accessToken: String(body["access_token"]), refreshToken: String(body["refresh_token"]) };
}

function refresh(refreshToken: string, more: Readonly<Record<string, string>> = {}) {
  return redeem(world, { grant_type: "refresh_token", refresh_token: refreshToken, resource: storeResource, ...more });
}

describe("refresh", () => {
  test("each refresh gives a new token, also without offline_access", async () => {
    const { accessToken, refreshToken } = await freshTokens();
    const first = await refresh(refreshToken);
    expect(first).toMatchObject({ status: 200, body: { scope: "orders:read", expires_in: 300 } });
    expect(first.body["refresh_token"]).not.toBe(refreshToken);
    expect(decodeJwt(String(first.body["access_token"])).sub).toBe(decodeJwt(accessToken).sub);
    expect((await refresh(String(first.body["refresh_token"]))).status).toBe(200);
  });

  test("a client that lost the answer gets the same one again within 30 s", async () => {
    // The clock stands: a second of waiting would end what is good for one second more.
    vi.useFakeTimers({ toFake: ["Date"] });
    const { refreshToken } = await freshTokens();
    const first = await refresh(refreshToken);
    world.clock.offsetMs = 29_000;
    expect(await refresh(refreshToken)).toEqual(first);
    expect((await refresh(String(first.body["refresh_token"]))).status).toBe(200);
  });

  test("O16 after the grace the old token is a replay and the family ends", async () => {
    const { refreshToken } = await freshTokens();
    const first = await refresh(refreshToken);
    world.clock.offsetMs = 31_000;
    expect(await refresh(refreshToken)).toMatchObject(invalidGrant);
    expect(await refresh(String(first.body["refresh_token"]))).toMatchObject(invalidGrant);
  });

  test("O16 the end of one family leaves the same user's other one alone", async () => {
    const person = new Person(world);
    const one = authorizationRequest(world);
    const first = await redeem(world, codeFields(await person.signUp(one), one));
    const elsewhere = new Person(world);
    elsewhere.authenticator.passkeys.push(...person.authenticator.passkeys);
    const two = authorizationRequest(world);
    const page = await elsewhere.usePasskey(await elsewhere.browser.open(two.url), "/login");
    const second = await redeem(world, codeFields(new URL(page.url), two));
    const old = String(first.body["refresh_token"]);
    await refresh(old);
    world.clock.offsetMs = 31_000;
    expect(await refresh(old)).toMatchObject(invalidGrant);
    expect((await refresh(String(second.body["refresh_token"]))).status).toBe(200);
  });

  test("O17 of 50 parallel refreshes one successor is minted, and it works", async () => {
    const { refreshToken } = await freshTokens();
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(refreshToken)));
    const minted = new Set(answers.filter((each) => each.status === 200).map((each) => String(each.body["refresh_token"])));
    expect(minted.size).toBe(1);
    expect(answers.filter((each) => each.status !== 200).every((each) => each.body["error"] === "invalid_grant")).toBe(true);
    const [successor = ""] = minted;
    expect((await refresh(successor)).status).toBe(200);
  });

  test("O18 another client, or none, gets nothing", async () => {
    const { refreshToken } = await freshTokens();
    expect(await refresh(refreshToken, { client_id: "web-app" })).toMatchObject(invalidGrant);
    const response = await fetch(`${world.url}/token`, {
      method: "POST",
      body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken }),
    });
    expect([response.status, await response.json()]).toMatchObject([400, { error: "invalid_request" }]);
    expect((await refresh(refreshToken)).status).toBe(200);
  });

  test("O18 another client gets nothing within the grace either", async () => {
    const { refreshToken } = await freshTokens();
    expect((await refresh(refreshToken)).status).toBe(200);
    expect(await refresh(refreshToken, { client_id: "web-app" })).toMatchObject(invalidGrant);
  });

  test("O19 scope and resource only ever narrow", async () => {
    const { refreshToken } = await freshTokens("orders:read");
    expect(await refresh(refreshToken, { scope: "orders:read orders:write" })).toMatchObject({ status: 400, body: { error: "invalid_scope" } });
    const other = await freshTokens("orders:read orders:write");
    expect(await refresh(other.refreshToken, { scope: "orders:read" })).toMatchObject({ status: 200, body: { scope: "orders:read" } });
    const third = await freshTokens();
    expect(await refresh(third.refreshToken, { resource: "http://127.0.0.1:4301/mcp" })).toMatchObject({
      status: 400,
      body: { error: "invalid_target" },
    });
  });
});

describe("a refresh for the wrong resource", () => {
  const otherResource = "http://127.0.0.1:4301/mcp";

  test("costs nobody the session: the token is not spent", async () => {
    const { refreshToken } = await freshTokens();
    expect(await refresh(refreshToken, { resource: otherResource })).toMatchObject({ status: 400, body: { error: "invalid_target" } });
    expect((await refresh(refreshToken)).status).toBe(200);
  });

  test("of two, without saying which, is not spent either", async () => {
    const request = authorizationRequest(world);
    const url = `${request.url}&resource=${encodeURIComponent(otherResource)}`;
    const redirect = await new Person(world).signUp({ ...request, url });
    const refreshToken = String((await redeem(world, codeFields(redirect, request))).body["refresh_token"]);
    const unclear = await redeem(world, { grant_type: "refresh_token", refresh_token: refreshToken });
    expect(unclear).toMatchObject({ status: 400, body: { error: "invalid_target" } });
    const clear = await refresh(refreshToken, { resource: otherResource });
    expect(clear.status).toBe(200);
    expect(decodeJwt(String(clear.body["access_token"])).aud).toBe(otherResource);
    // O23: the earlier answer is a token for the other resource, which this one's server must never see.
    const early = await refresh(refreshToken);
    expect(early).toMatchObject(invalidGrant);
    expect(await refresh(refreshToken, { resource: otherResource })).toEqual(clear);
  });
});

describe("revocation", () => {
  test("a revoked refresh token ends its family", async () => {
    const { refreshToken } = await freshTokens();
    const revoked = await fetch(`${world.url}/revoke`, {
      method: "POST",
      body: new URLSearchParams({ client_id: "countersign-host", token: refreshToken }),
    });
    expect(revoked.status).toBe(200);
    expect(await refresh(refreshToken)).toMatchObject(invalidGrant);
  });

  test("an access token that is no JWT ends its family too, and its resource server learns of it", async () => {
    const person = new Person(world);
    const both = authorizationRequest(world, { scope: "openid orders:read" });
    const first = await redeem(world, codeFields(await person.signUp(both), both));
    const only = authorizationRequest(world, { scope: "openid", resource: undefined });
    const page = await person.browser.open(only.url);
    const redirect = new URL(page.url.includes("code=") ? page.url : (await person.browser.submit(formOf(page.html, "/consent"))).url);
    const { resource: _none, ...fields } = codeFields(redirect, only);
    const second = await redeem(world, fields);
    const opaque = String(second.body["access_token"]);
    expect(opaque).not.toContain(".");
    const post = async (path: string, token: string) =>
      fetch(world.url + path, { method: "POST", body: new URLSearchParams({ client_id: "countersign-host", token }) });
    const jwt = String(first.body["access_token"]);
    expect(await (await post("/introspect", jwt)).json()).toMatchObject({ active: true });
    expect((await post("/revoke", opaque)).status).toBe(200);
    expect(await refresh(String(first.body["refresh_token"]))).toMatchObject(invalidGrant);
    expect(await (await post("/introspect", jwt)).json()).toEqual({ active: false });
  });

  test("another client revokes nothing", async () => {
    const { refreshToken } = await freshTokens();
    await fetch(`${world.url}/revoke`, { method: "POST", body: new URLSearchParams({ client_id: "web-app", token: refreshToken }) });
    expect((await refresh(refreshToken)).status).toBe(200);
  });
});
