import { createHash, randomBytes } from "node:crypto";
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { formOf } from "../peers/browser.ts";
import { readAnswer } from "../peers/listen.ts";
import { authorizationRequest, codeFields, hostRedirect, Person, redeem, startWorld, storeResource, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

async function freshCode() {
  const person = new Person(world);
  const request = authorizationRequest(world);
  const redirect = await person.signUp(request);
  return { person, request, redirect, fields: codeFields(redirect, request) };
}

describe("the code flow", () => {
  test("a new user makes a passkey, allows the scopes and returns with code, state and iss", async () => {
    const { request, redirect, fields } = await freshCode();
    expect(redirect.href.startsWith(`${hostRedirect}?`)).toBe(true);
    expect(redirect.searchParams.get("state")).toBe(request.state);
    expect(redirect.searchParams.get("iss")).toBe(world.url);
    const tokens = await redeem(world, fields);
    expect(tokens.status).toBe(200);
    expect(tokens.body).toMatchObject({ token_type: "Bearer", expires_in: 300, scope: "orders:read", refresh_token: expect.any(String) });
    const accessToken = String(tokens.body["access_token"]);
    expect(decodeProtectedHeader(accessToken)).toMatchObject({ typ: "at+jwt", alg: "ES256" });
    const verified = await jwtVerify(accessToken, createRemoteJWKSet(new URL(`${world.url}/jwks`)), {
      issuer: world.url,
      audience: storeResource,
      typ: "at+jwt",
    });
    expect(verified.payload).toMatchObject({
      scope: "orders:read",
      client_id: "countersign-host",
      sub: expect.stringMatching(/^usr_[A-Za-z0-9_-]{22}$/),
    });
    expect((verified.payload.exp ?? 0) - (verified.payload.iat ?? 0)).toBe(300);
  });

  test("oauth4webapi completes it: discovery, PKCE, resource, iss, refresh", async () => {
    const issuer = new URL(world.url);
    const insecure = { [oauth.allowInsecureRequests]: true };
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }));
    const client: oauth.Client = { client_id: "countersign-host" };
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const url = new URL(as.authorization_endpoint ?? "");
    url.search = new URLSearchParams({
      client_id: client.client_id,
      response_type: "code",
      redirect_uri: hostRedirect,
      scope: "orders:read",
      resource: storeResource,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    }).toString();
    const person = new Person(world);
    const redirect = await person.signUp({ url: url.href, state, verifier });
    const parameters = oauth.validateAuthResponse(as, client, redirect, state);
    const response = await oauth.authorizationCodeGrantRequest(as, client, oauth.None(), parameters, hostRedirect, verifier, {
      ...insecure,
      additionalParameters: { resource: storeResource },
    });
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, response);
    const refreshed = await oauth.processRefreshTokenResponse(
      as,
      client,
      await oauth.refreshTokenGrantRequest(as, client, oauth.None(), tokens.refresh_token ?? "", {
        ...insecure,
        additionalParameters: { resource: storeResource },
      }),
    );
    expect(refreshed.refresh_token).not.toBe(tokens.refresh_token);
    expect(decodeJwt(refreshed.access_token)).toMatchObject({ aud: storeResource, sub: decodeJwt(tokens.access_token).sub ?? "" });
  });

  test("openid-client completes it with an id token", async () => {
    const config = await openid.discovery(new URL(world.url), "countersign-host", undefined, openid.None(), {
      execute: [openid.allowInsecureRequests],
    });
    const pkceCodeVerifier = openid.randomPKCECodeVerifier();
    const expectedState = openid.randomState();
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: hostRedirect,
      scope: "openid orders:read",
      resource: storeResource,
      state: expectedState,
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
    });
    const redirect = await new Person(world).signUp({ url: url.href, state: expectedState, verifier: pkceCodeVerifier });
    const tokens = await openid.authorizationCodeGrant(config, redirect, { pkceCodeVerifier, expectedState }, { resource: storeResource });
    expect(tokens.claims()).toMatchObject({ iss: world.url, aud: "countersign-host", sub: decodeJwt(tokens.access_token).sub });
  });

  test("a second visit with the same scopes takes one press, and a new browser only the passkey", async () => {
    const { person } = await freshCode();
    const again = await person.browser.open(authorizationRequest(world).url);
    expect(again.html).toContain("Go on to Countersign Console");
    expect((await person.browser.submit(formOf(again.html, "/consent"))).url).toContain("code=");

    const elsewhere = new Person(world);
    elsewhere.authenticator.passkeys.push(...person.authenticator.passkeys);
    const login = await elsewhere.browser.open(authorizationRequest(world).url);
    expect((await elsewhere.usePasskey(login, "/login")).url).toContain("code=");
  });

  test.each([undefined, ""])(
    "a request whose scope is %j asks for the ordinary scopes of its resource, and the consent page shows them",
    async (scope) => {
      const request = authorizationRequest(world, { scope });
      const person = new Person(world);
      const consent = await person.register(await person.browser.open(request.url));
      expect(consent.html).toContain("See your orders");
      expect(consent.html).toContain("Change your orders");
      const redirect = new URL((await person.browser.submit(formOf(consent.html, "/consent"))).url);
      expect(redirect.searchParams.get("state")).toBe(request.state);
      const tokens = await redeem(world, codeFields(redirect, request));
      expect(tokens).toMatchObject({ status: 200, body: { scope: "orders:read orders:write" } });
      expect(decodeJwt(String(tokens.body["access_token"]))).toMatchObject({ aud: storeResource, scope: "orders:read orders:write" });
    },
  );

  test("a request without scope gets no scopes of a resource that is not known", async () => {
    const page = await world.newBrowser().open(authorizationRequest(world, { scope: undefined, resource: "http://127.0.0.1:9/mcp" }).url);
    expect(new URL(page.url).searchParams.get("error")).toBe("invalid_target");
  });

  test("who signs in as somebody else gets a page whose form may end at the client, and what the other one allowed stays", async () => {
    const { person, fields } = await freshCode();
    const before = await redeem(world, fields);
    const { person: other } = await freshCode();
    person.authenticator.passkeys.splice(0, 1, ...other.authenticator.passkeys);
    const login = await person.browser.open(authorizationRequest(world, { prompt: "login" }).url);
    const change = await person.usePasskey(login, "/login");
    expect(change.html).toContain("/session/end/confirm");
    expect(change.headers.get("content-security-policy")).toMatch(
      /script-src 'self' 'sha256-[^;]*;.*form-action 'self' http:\/\/127\.0\.0\.1:4100(;|$)/,
    );
    const form = formOf(change.html.replaceAll("/>", ">"), "/session/end/confirm");
    expect((await person.browser.submit(form)).url).toContain(`${hostRedirect}?code=`);
    const refresh = { grant_type: "refresh_token", refresh_token: String(before.body["refresh_token"]) };
    expect((await redeem(world, refresh)).status).toBe(200);
  });

  test("more scopes than were allowed before are asked for again", async () => {
    const { person } = await freshCode();
    const page = await person.browser.open(authorizationRequest(world, { scope: "orders:read orders:write" }).url);
    expect(page.html).toContain("Allow Countersign Console?");
    expect(page.html).toContain("Change your orders");
  });
});

describe("single use", () => {
  test("O04 a code that comes back is refused and ends the family", async () => {
    const { fields } = await freshCode();
    const first = await redeem(world, fields);
    expect(first.status).toBe(200);
    expect(await redeem(world, fields)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
    const refresh = { grant_type: "refresh_token", refresh_token: String(first.body["refresh_token"]) };
    expect(await redeem(world, refresh)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
  });

  test("O05 of 50 parallel redemptions of a code exactly one succeeds", async () => {
    const { fields } = await freshCode();
    const answers = await Promise.all(Array.from({ length: 50 }, () => redeem(world, fields)));
    expect(answers.filter((each) => each.status === 200)).toHaveLength(1);
    expect(answers.filter((each) => each.body["error"] === "invalid_grant")).toHaveLength(49);
  });

  test("O06 a code of another client or for another redirect is refused", async () => {
    const { fields } = await freshCode();
    expect(await redeem(world, { ...fields, client_id: "web-app" })).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
    expect(await redeem(world, { ...fields, redirect_uri: "http://127.0.0.1:4100/other" })).toMatchObject({
      status: 400,
      body: { error: "invalid_grant" },
    });
    expect((await redeem(world, fields)).status).toBe(200);
  });
});

describe("PKCE", () => {
  test.each([
    ["no challenge", { code_challenge: undefined, code_challenge_method: undefined }],
    ["plain", { code_challenge_method: "plain" }],
    ["a challenge without a method", { code_challenge_method: undefined }],
  ])("O02 %s is refused before any page", async (_name, changes) => {
    const page = await world.newBrowser().open(authorizationRequest(world, changes).url);
    const answer = new URL(page.url);
    expect(answer.origin).toBe("http://127.0.0.1:4100");
    expect(answer.searchParams.get("error")).toBe("invalid_request");
    expect(answer.searchParams.get("iss")).toBe(world.url);
    expect(answer.searchParams.has("code")).toBe(false);
  });

  test("O02 a code is refused without its verifier", async () => {
    const { fields } = await freshCode();
    const { code_verifier: _left, ...without } = fields;
    expect(await redeem(world, without)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
  });

  test.each([
    ["one character", "a"],
    ["a wrong one", randomBytes(32).toString("base64url")],
  ])("O03 a guessed verifier (%s) spends the code", async (_name, guess) => {
    const { fields } = await freshCode();
    expect((await redeem(world, { ...fields, code_verifier: guess })).status).toBe(400);
    expect(await redeem(world, fields)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
  });
});

describe("redirect URIs and parameters", () => {
  const registered = "https://app.example/cb";
  const variants = [
    "https://app.example/cb/",
    "https://app.example/cb/sub",
    "https://app.example/cb/../cb",
    "https://app.example/%63b",
    "https://app.example/cb%2e",
    "https://user@app.example/cb",
    "https://app.example@evil.example/cb",
    "https://APP.example/cb",
    "https://app.example./cb",
    "https://app.example:443/cb",
    "https://app.example:8443/cb",
    "https://app.example/cb?next=1",
    "https://app.example/cb#x",
    "https://app.example\\cb",
    "https://app.example/cb\r\nx: y",
    "https://app.example/CB",
    "https://äpp.example/cb",
    "http://app.example/cb",
    "//app.example/cb",
    "/cb",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://evil.example/cb",
    "https://app.example.evil.example/cb",
    " https://app.example/cb",
  ];

  test("the registered one is accepted", async () => {
    const page = await world.newBrowser().open(authorizationRequest(world, { client_id: "web-app", redirect_uri: registered }).url);
    expect(page).toMatchObject({ status: 200, url: expect.stringContaining("/interaction/") });
  });

  test.each(variants)("O01 %j stays on an error page of the wallet", async (redirect) => {
    const response = await fetch(authorizationRequest(world, { client_id: "web-app", redirect_uri: redirect }).url, {
      redirect: "manual",
      headers: { accept: "text/html" },
    });
    expect(response.status).toBe(400);
    expect(response.headers.get("location")).toBeNull();
    expect(await response.text()).not.toContain("evil.example");
  });

  test("O01 only the port of a loopback redirect may differ", async () => {
    const open = async (redirect_uri: string) => (await world.newBrowser().open(authorizationRequest(world, { redirect_uri }).url)).status;
    expect(await open("http://127.0.0.1:5999/callback/abc")).toBe(200);
    expect(await open("http://127.0.0.1:5999/callback/other")).toBe(400);
    expect(await open("http://localhost:4100/callback/abc")).toBe(400);
  });

  test("O28 an unknown client is told on the wallet's page, without a Location", async () => {
    const response = await fetch(authorizationRequest(world, { client_id: "nobody" }).url, { redirect: "manual", headers: { accept: "text/html" } });
    expect(response.status).toBe(400);
    expect(response.headers.get("location")).toBeNull();
    expect(await response.text()).toContain("not known to this wallet");
  });

  test.each(["client_id", "redirect_uri", "code_challenge", "state", "scope"])("O29 a doubled %s is refused", async (name) => {
    const url = new URL(authorizationRequest(world).url);
    url.searchParams.append(name, url.searchParams.get(name) ?? "");
    const page = await world.newBrowser().open(url.href);
    const error = page.status === 303 ? new URL(page.url).searchParams.get("error") : "page";
    expect(["invalid_request", "page"]).toContain(error);
    expect(page.url).not.toContain("/interaction/");
    expect(new URL(page.url).searchParams.has("code")).toBe(false);
  });

  test("O29 a doubled parameter at the token endpoint is refused", async () => {
    const { fields } = await freshCode();
    const body = new URLSearchParams({ client_id: "countersign-host", ...fields });
    body.append("code", fields["code"] ?? "");
    const response = await fetch(`${world.url}/token`, { method: "POST", body });
    expect([response.status, await response.json()]).toMatchObject([400, { error: "invalid_request" }]);
    expect((await redeem(world, fields)).status).toBe(200);
  });

  test("ordinary scopes without a resource, and foreign resources, are invalid_target", async () => {
    for (const resource of [undefined, "http://127.0.0.1:9/mcp", `${world.url}/payment-requests`]) {
      const page = await world.newBrowser().open(authorizationRequest(world, { resource }).url);
      expect(new URL(page.url).searchParams.get("error")).toBe("invalid_target");
    }
  });

  test("a code for one resource gives no token for another", async () => {
    const { fields } = await freshCode();
    expect(await redeem(world, { ...fields, resource: "http://127.0.0.1:4301/mcp" })).toMatchObject({
      status: 400,
      body: { error: "invalid_target" },
    });
  });

  test.each(["form_post", "fragment", "web_message", "jwt"])("response_mode %s is refused on the wallet's page", async (response_mode) => {
    const page = await world.newBrowser().open(authorizationRequest(world, { response_mode }).url);
    expect(page).toMatchObject({ status: 400, html: expect.stringContaining("This did not work") });
  });

  test("request objects and the implicit grant are not on offer", async () => {
    const errorOf = async (changes: Record<string, string>) => {
      const { search, hash } = new URL((await world.newBrowser().open(authorizationRequest(world, changes).url)).url);
      return new URLSearchParams(search || hash.slice(1)).get("error");
    };
    expect(await errorOf({ request: "x.y.z" })).toBe("request_not_supported");
    expect(await errorOf({ response_type: "token" })).toBe("invalid_request");
  });
});

describe("metadata", () => {
  test("RFC 8414 and OpenID discovery say what the wallet does", async () => {
    for (const path of ["oauth-authorization-server", "openid-configuration"]) {
      const { body: metadata } = await readAnswer(await fetch(`${world.url}/.well-known/${path}`));
      expect(metadata).toMatchObject({
        issuer: world.url,
        authorization_endpoint: `${world.url}/authorize`,
        token_endpoint: `${world.url}/token`,
        jwks_uri: `${world.url}/jwks`,
        introspection_endpoint: `${world.url}/introspect`,
        revocation_endpoint: `${world.url}/revoke`,
        pushed_authorization_request_endpoint: `${world.url}/par`,
        dpop_signing_alg_values_supported: ["ES256"],
        code_challenge_methods_supported: ["S256"],
        response_types_supported: ["code"],
        response_modes_supported: ["query"],
        authorization_response_iss_parameter_supported: true,
        token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
        scopes_supported: ["openid", "orders:read", "orders:write"],
      });
      expect(new Set(z.array(z.string()).parse(metadata["grant_types_supported"]))).toEqual(
        new Set(["authorization_code", "client_credentials", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]),
      );
    }
  });

  test("O41 the issuer never comes from the request", async () => {
    const forwarded = {
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "https",
      forwarded: "host=evil.example",
      "x-original-host": "evil.example",
    };
    const metadata = await (await fetch(`${world.url}/.well-known/oauth-authorization-server`, { headers: forwarded })).text();
    expect(metadata).not.toContain("evil.example");
    expect(metadata).toContain(`"issuer":"${world.url}"`);
    const page = await fetch(authorizationRequest(world).url, { headers: forwarded, redirect: "manual" });
    expect(page.headers.get("location")).toMatch(/^\/interaction\//);
  });

  test("O41 a forged Host is not served", async () => {
    const { request } = await import("node:http");
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request(
        `${world.url.replace("localhost", "127.0.0.1")}/.well-known/openid-configuration`,
        { headers: { host: "evil.example" } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      sent.once("error", reject).end();
    });
    expect(status).toBe(421);
  });

  test("the key set holds public keys only", async () => {
    const { body } = await readAnswer(await fetch(`${world.url}/jwks`));
    expect(body["keys"]).toEqual([
      { kty: "EC", crv: "P-256", use: "sig", alg: "ES256", kid: expect.any(String), x: expect.any(String), y: expect.any(String) },
    ]);
  });

  test("the challenge of the tests is what RFC 7636 says", () => {
    expect(createHash("sha256").update("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").digest("base64url")).toBe(
      "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    );
  });
});
