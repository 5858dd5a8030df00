import { randomBytes } from "node:crypto";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newAccountId } from "../../src/accounts.ts";
import { formOf } from "../peers/browser.ts";
import { readAnswer } from "../peers/listen.ts";
import { lodge } from "../peers/payments.ts";
import { authorizationRequest, codeFields, Person, redeem, startWorld, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const machineEndpoints = ["/token", "/par", "/introspect", "/revoke"];

async function freshCode(): Promise<Record<string, string>> {
  const request = authorizationRequest(world);
  return { client_id: "countersign-host", ...codeFields(await new Person(world).signUp(request), request) };
}

describe("the endpoints for servers", () => {
  test.each(["null", "https://evil.example"])("O42 a page of the origin %s is refused, and told to nobody", async (origin) => {
    const fields = await freshCode();
    for (const path of machineEndpoints) {
      const refused = await fetch(world.url + path, { method: "POST", headers: { origin }, body: new URLSearchParams(fields) });
      expect([path, refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([path, 403, null]);
      expect(await refused.json()).toMatchObject({ code: "forbidden_origin" });
      const preflight = await fetch(world.url + path, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
      expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([403, null]);
      await preflight.body?.cancel();
    }
    expect((await redeem(world, fields)).status).toBe(200);
  });

  test("O42 metadata and keys name no origin, and carry no credentials", async () => {
    for (const path of ["/jwks", "/.well-known/oauth-authorization-server"]) {
      const response = await fetch(world.url + path, { headers: { origin: "null" } });
      expect(response.headers.get("access-control-allow-origin")).not.toBe("null");
      expect(response.headers.get("access-control-allow-credentials")).toBeNull();
      await response.body?.cancel();
    }
  });

  test("O42 no page or interface of the wallet allows another origin", async () => {
    for (const [path, method] of [
      ["/", "GET"],
      ["/payment-requests", "POST"],
      ["/authorize", "GET"],
      ["/interaction/x", "GET"],
    ] as const) {
      const response = await fetch(world.url + path, { method, headers: { origin: "null", accept: "text/html" } });
      expect([path, response.headers.get("access-control-allow-origin")]).toEqual([path, null]);
      await response.body?.cancel();
    }
  });

  test("O39 nothing that they answer is kept by a cache", async () => {
    const good = await fetch(`${world.url}/token`, { method: "POST", body: new URLSearchParams(await freshCode()) });
    expect([good.status, good.headers.get("cache-control")]).toEqual([200, "no-store"]);
    await good.body?.cancel();
    for (const path of machineEndpoints) {
      const refused = await fetch(world.url + path, { method: "POST", body: new URLSearchParams({ client_id: "nobody" }) });
      expect([path, refused.headers.get("cache-control"), refused.headers.get("referrer-policy")]).toEqual([path, "no-store", "no-referrer"]);
      await refused.body?.cancel();
    }
  });

  test("O39 a token or a secret in the address counts for nothing", async () => {
    const token = await world.payee.token();
    const inQuery = await fetch(`${world.url}/payment-requests/pr_x?access_token=${token}`);
    expect(inQuery.status).toBe(401);
    await inQuery.body?.cancel();
    const { id } = await lodge(world);
    const inHeader = await fetch(`${world.url}/payment-requests/${id}`, { headers: { authorization: `Bearer ${token}` } });
    expect(inHeader.status).toBe(200);
    await inHeader.body?.cancel();
    const fields = await freshCode();
    const response = await fetch(`${world.url}/token?${new URLSearchParams(fields).toString()}`, { method: "POST" });
    expect(response.status).toBe(400);
    await response.body?.cancel();
    expect((await redeem(world, fields)).status).toBe(200);
  });
});

test("the metadata says how clients prove themselves at each endpoint, for what it leaves out would mean client_secret_basic", async () => {
  const { body } = await readAnswer(await fetch(`${world.url}/.well-known/oauth-authorization-server`));
  for (const endpoint of ["token", "revocation", "introspection"]) {
    expect(body[`${endpoint}_endpoint_auth_methods_supported`]).toEqual(["none", "private_key_jwt"]);
    expect(body[`${endpoint}_endpoint_auth_signing_alg_values_supported`]).toEqual(["ES256", "RS256"]);
  }
});

describe("redirects", () => {
  test("O39 a form that signs in or allows is answered with 303, so that no post is repeated elsewhere", async () => {
    const person = new Person(world);
    const consent = await person.register(await person.browser.open(authorizationRequest(world).url));
    const form = formOf(consent.html, "/consent");
    const answer = await person.browser.send(new URL(form.action, world.url).href, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", origin: world.url },
      body: new URLSearchParams(form.fields).toString(),
    });
    expect(answer.status).toBe(303);
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
    const next = await person.browser.send(new URL(answer.headers.get("location") ?? "", world.url).href);
    expect([next.status, next.headers.get("cache-control"), next.headers.get("referrer-policy")]).toEqual([303, "no-store", "no-referrer"]);
    expect(next.headers.get("location")).toContain("code=");
  });

  test.each([
    ["an unknown client", { client_id: "nobody" }],
    ["an unregistered address", { client_id: "web-app", redirect_uri: "https://evil.example/cb" }],
    ["an address with two slashes", { client_id: "web-app", redirect_uri: "//evil.example" }],
    ["an address with a backslash", { client_id: "web-app", redirect_uri: "/\\evil.example" }],
    ["no address", { client_id: "web-app", redirect_uri: undefined }],
    ["an unregistered address and no scope that is good", { client_id: "web-app", redirect_uri: "https://evil.example/cb", scope: "nonsense" }],
    ["an unregistered address and a response mode", { client_id: "web-app", redirect_uri: "https://evil.example/cb", response_mode: "form_post" }],
    ["an unregistered address and prompt=none", { client_id: "web-app", redirect_uri: "https://evil.example/cb", prompt: "none" }],
  ])("O28 %s leads nowhere", async (_name, changes) => {
    const response = await fetch(authorizationRequest(world, changes).url, { redirect: "manual", headers: { accept: "text/html" } });
    expect([response.status, response.headers.get("location")]).toEqual([400, null]);
    expect(await response.text()).not.toContain("evil.example");
  });

  test("O28 no address of the wallet takes one to go on to", async () => {
    for (const path of ["/", "/approved", "/interaction/x", "/authorize", "/session/end/confirm"]) {
      for (const name of ["return_to", "next", "redirect", "post_logout_redirect_uri"]) {
        const response = await fetch(`${world.url}${path}?${name}=${encodeURIComponent("//evil.example/")}`, { redirect: "manual" });
        expect(response.headers.get("location")).toBeNull();
        await response.body?.cancel();
      }
    }
  });
});

describe("randomness", () => {
  test("O40 of 100,000 ids none comes twice, and each has 128 bits", () => {
    const ids = new Set(Array.from({ length: 100_000 }, newAccountId));
    expect(ids.size).toBe(100_000);
    expect([...ids].every((id) => /^usr_[A-Za-z0-9_-]{22}$/.test(id))).toBe(true);
  });

  test("O40 codes, tokens and request_uris have 256 bits and are all different", async () => {
    const seen = new Set<string>();
    for (let index = 0; index < 5; index += 1) {
      const fields = await freshCode();
      const { body } = await redeem(world, fields);
      const pushed = await readAnswer(
        await fetch(`${world.url}/par`, { method: "POST", body: new URLSearchParams(new URL(authorizationRequest(world).url).searchParams) }),
      );
      const values = [fields["code"], body["refresh_token"], String(pushed.body["request_uri"]).split(":").at(-1), await world.payee.token()];
      for (const value of values) {
        expect(value).toMatch(/^[A-Za-z0-9_-]{43}$/);
        seen.add(String(value));
      }
    }
    expect(seen.size).toBe(20);
  });

  test("O40 a state that is the verifier's challenge does not void the verifier", async () => {
    const request = authorizationRequest(world);
    const url = new URL(request.url);
    url.searchParams.set("state", url.searchParams.get("code_challenge") ?? "");
    const redirect = await new Person(world).signUp({ ...request, url: url.href });
    const stolen = { ...codeFields(redirect, request), code_verifier: redirect.searchParams.get("state") ?? "" };
    expect(await redeem(world, stolen)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
  });
});

describe("a client's assertion", () => {
  async function exchange(claims: Readonly<Record<string, unknown>>) {
    const now = Math.floor(Date.now() / 1000);
    const base = { iss: "store", sub: "store", aud: world.url, jti: randomBytes(16).toString("hex"), iat: now, exp: now + 60 };
    const assertion = await new SignJWT({ ...base, ...claims }).setProtectedHeader({ alg: "ES256", kid: "store-1" }).sign(world.payee.privateKey);
    const body = new URLSearchParams({
      grant_type: "client_credentials",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: assertion,
      scope: "payment_requests",
      resource: `${world.url}/payment-requests`,
    });
    return readAnswer(await fetch(`${world.url}/token`, { method: "POST", body }));
  }

  test("is good for an hour at most, under a short name", async () => {
    const now = Math.floor(Date.now() / 1000);
    expect((await exchange({ exp: now + 3_500 })).status).toBe(200);
    for (const claims of [{ exp: now + 3_700 }, { exp: 9_007_199_254_740_991 }, { exp: "soon" }, { jti: "x".repeat(257) }, { jti: { a: 1 } }]) {
      expect(await exchange(claims)).toMatchObject({ status: 401, body: { error: "invalid_client" } });
    }
  });
});
