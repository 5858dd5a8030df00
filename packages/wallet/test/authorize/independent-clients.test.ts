import { Secret } from "@countersign/protocol/secret";
import { decodeJwt, exportJWK, generateKeyPair } from "jose";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deviceGrant, type WalletClient } from "../../src/options.ts";
import { confirmDevice, enterCode } from "../peers/devices.ts";
import { Person, startWorld, storeResource, type World } from "../peers/world.ts";

const redirect = "https://peer.example/cb";
const secret = "a-secret-of-thirty-two-characters";
const insecure = { [oauth.allowInsecureRequests]: true };

type Method = WalletClient["token_endpoint_auth_method"];
const methods: readonly Method[] = ["none", "private_key_jwt", "client_secret_basic", "client_secret_post"];

let world: World;
let keys: Awaited<ReturnType<typeof generateKeyPair>>;
beforeAll(async () => {
  keys = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: "peer", alg: "ES256", use: "sig" };
  world = await startWorld({
    openClients: { documents: "any", registration: true },
    clients: methods.map((method) => ({
      client_id: method,
      client_name: `Peer ${method}`,
      client_uri: "https://peer.example",
      token_endpoint_auth_method: method,
      grant_types: ["authorization_code", "refresh_token", deviceGrant, ...(method === "none" ? [] : (["client_credentials"] as const))],
      redirect_uris: [redirect],
      ...(method === "private_key_jwt" ? { jwks: { keys: [jwk] } } : {}),
      ...(method.startsWith("client_secret_") ? { client_secret: new Secret(secret) } : {}),
    })),
  });
});
afterAll(() => world.close());

/** Somebody confirms a waiting device with a passkey. */
async function confirm(userCode: string): Promise<void> {
  const person = new Person(world);
  await confirmDevice(person, await person.register(await enterCode(person.browser, userCode)));
}

/** Both libraries take `state` and PKCE from the caller; both check `iss`, and of an id token issuer, audience, nonce and signature. */
const scope = "openid orders:read";

describe("openid-client", () => {
  const proofs: Readonly<Record<Method, () => openid.ClientAuth>> = {
    none: () => openid.None(),
    private_key_jwt: () => openid.PrivateKeyJwt({ key: keys.privateKey, kid: "peer" }),
    client_secret_basic: () => openid.ClientSecretBasic(secret),
    client_secret_post: () => openid.ClientSecretPost(secret),
  };

  async function discover(method: Method): Promise<openid.Configuration> {
    const options = { execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks] };
    return openid.discovery(new URL(world.url), method, undefined, proofs[method](), options);
  }

  async function signIn(config: openid.Configuration, pushes: boolean, handle?: openid.DPoPHandle) {
    const pkceCodeVerifier = openid.randomPKCECodeVerifier();
    const expectedState = openid.randomState();
    const expectedNonce = openid.randomNonce();
    const parameters = {
      redirect_uri: redirect,
      scope,
      resource: storeResource,
      state: expectedState,
      nonce: expectedNonce,
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
    };
    const bound = handle === undefined ? {} : { DPoP: handle };
    const url = pushes ? await openid.buildAuthorizationUrlWithPAR(config, parameters, bound) : openid.buildAuthorizationUrl(config, parameters);
    expect(url.searchParams.has("request_uri")).toBe(pushes);
    const answer = await new Person(world).signUp({ url: url.href, state: expectedState, verifier: pkceCodeVerifier });
    return openid.authorizationCodeGrant(config, answer, { pkceCodeVerifier, expectedState, expectedNonce }, { resource: storeResource }, bound);
  }

  test.each(methods)("%s: code with an id token, renewal, introspection, revocation", async (method) => {
    const config = await discover(method);
    const tokens = await signIn(config, false);
    expect(tokens.claims()).toMatchObject({ iss: world.url, aud: method });
    const renewed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? "", { resource: storeResource });
    expect(decodeJwt(renewed.access_token)).toMatchObject({ aud: storeResource, scope: "orders:read" });
    expect(await openid.tokenIntrospection(config, renewed.refresh_token ?? "")).toMatchObject({ active: true, client_id: method });
    await openid.tokenRevocation(config, renewed.refresh_token ?? "");
    await expect(openid.refreshTokenGrant(config, renewed.refresh_token ?? "")).rejects.toMatchObject({ error: "invalid_grant" });
  });

  test.each(methods)("%s: a pushed request, and tokens bound to a key (DPoP with the server's nonce)", async (method) => {
    const config = await discover(method);
    const handle = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair("ES256"));
    const tokens = await signIn(config, true, handle);
    expect(tokens.token_type).toBe("dpop");
    expect(decodeJwt(tokens.access_token)).toMatchObject({ cnf: { jkt: await handle.calculateThumbprint() } });
    const renewed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? "", { resource: storeResource }, { DPoP: handle });
    expect(renewed.token_type).toBe("dpop");
  });

  test.each(methods)("%s: a device code, with a bound token", async (method) => {
    const config = await discover(method);
    const handle = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair("ES256"));
    const started = await openid.initiateDeviceAuthorization(config, { scope: "orders:read", resource: storeResource });
    await confirm(started.user_code);
    const waiting = openid.pollDeviceAuthorizationGrant(config, { ...started, interval: 1 }, { resource: storeResource }, { DPoP: handle });
    expect(await waiting).toMatchObject({ token_type: "dpop", scope: "orders:read" });
  });

  test.each(methods.filter((each) => each !== "none"))("%s: client_credentials", async (method) => {
    const config = await discover(method);
    const tokens = await openid.clientCredentialsGrant(config, { scope: "payment_requests", resource: `${world.url}/payment-requests` });
    expect(tokens).toMatchObject({ token_type: "bearer", scope: "payment_requests" });
    expect(await openid.tokenIntrospection(config, tokens.access_token)).toMatchObject({ active: true, client_id: method });
    // It acts for users too, but in its own name it gets nothing of theirs.
    const ofUsers = openid.clientCredentialsGrant(config, { scope: "orders:read", resource: storeResource });
    await expect(ofUsers).rejects.toMatchObject({ error: "invalid_target" });
  });

  test("registers itself and signs in", async () => {
    const metadata = { redirect_uris: [redirect], token_endpoint_auth_method: "none", grant_types: ["authorization_code", "refresh_token"] };
    const options = { execute: [openid.allowInsecureRequests] };
    const config = await openid.dynamicClientRegistration(new URL(world.url), metadata, openid.None(), options);
    expect((await signIn(config, false)).claims()).toMatchObject({ aud: config.clientMetadata().client_id });
  });
});

describe("oauth4webapi", () => {
  const proofs: Readonly<Record<Method, () => oauth.ClientAuth>> = {
    none: () => oauth.None(),
    private_key_jwt: () => oauth.PrivateKeyJwt({ key: keys.privateKey, kid: "peer" }),
    client_secret_basic: () => oauth.ClientSecretBasic(secret),
    client_secret_post: () => oauth.ClientSecretPost(secret),
  };

  async function discover(): Promise<oauth.AuthorizationServer> {
    const issuer = new URL(world.url);
    return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }));
  }

  /** Asks again with the nonce that the server gave (RFC 9449 section 8). */
  async function withNonce<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error;
      return ask();
    }
  }

  async function signIn(method: Method, bound?: oauth.DPoPHandle) {
    const as = await discover();
    const client: oauth.Client = { client_id: method };
    const auth = proofs[method]();
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const nonce = oauth.generateRandomNonce();
    const parameters = {
      response_type: "code",
      client_id: method,
      redirect_uri: redirect,
      scope,
      resource: storeResource,
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    };
    const options = { ...insecure, ...(bound === undefined ? {} : { DPoP: bound }) };
    const { request_uri } = await withNonce(async () =>
      oauth.processPushedAuthorizationResponse(as, client, await oauth.pushedAuthorizationRequest(as, client, auth, parameters, options)),
    );
    const url = `${as.authorization_endpoint ?? ""}?${new URLSearchParams({ client_id: method, request_uri }).toString()}`;
    const answer = await new Person(world).signUp({ url, state, verifier });
    const code = oauth.validateAuthResponse(as, client, answer, state);
    const exchange = { ...options, additionalParameters: { resource: storeResource } };
    const expected = { expectedNonce: nonce, requireIdToken: true };
    const tokens = await withNonce(async () => {
      const response = await oauth.authorizationCodeGrantRequest(as, client, auth, code, redirect, verifier, exchange);
      const processed = await oauth.processAuthorizationCodeResponse(as, client, response, expected);
      await oauth.validateApplicationLevelSignature(as, response, insecure);
      return processed;
    });
    return { as, client, auth, options, exchange, tokens };
  }

  test.each(methods)("%s: a pushed request, code with an id token, renewal, introspection, revocation", async (method) => {
    const { as, client, auth, exchange, tokens } = await signIn(method);
    expect(tokens).toMatchObject({ token_type: "bearer", scope: expect.stringContaining("orders:read") });
    const refresh = async (token: string) =>
      oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, auth, token, exchange));
    const renewed = await refresh(tokens.refresh_token ?? "");
    const introspect = async (token: string) =>
      oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, token, insecure));
    expect(await introspect(renewed.refresh_token ?? "")).toMatchObject({ active: true, client_id: method });
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, renewed.refresh_token ?? "", insecure));
    expect(await introspect(renewed.refresh_token ?? "")).toMatchObject({ active: false });
    await expect(refresh(renewed.refresh_token ?? "")).rejects.toMatchObject({ error: "invalid_grant" });
  });

  test.each(methods)("%s: tokens bound to a key, and their renewal", async (method) => {
    const handle = oauth.DPoP({}, await oauth.generateKeyPair("ES256"));
    const signedIn = await signIn(method, handle);
    expect(signedIn.tokens.token_type).toBe("dpop");
    expect((await renew(signedIn, handle)).token_type).toBe("dpop");
  });

  test("a public client's refresh token is renewed by no other key", async () => {
    const handle = oauth.DPoP({}, await oauth.generateKeyPair("ES256"));
    const signedIn = await signIn("none", handle);
    const other = oauth.DPoP({}, await oauth.generateKeyPair("ES256"));
    await expect(renew(signedIn, other)).rejects.toMatchObject({ error: "invalid_grant" });
    expect((await renew(signedIn, handle)).token_type).toBe("dpop");
  });

  async function renew({ as, client, auth, exchange, tokens }: Awaited<ReturnType<typeof signIn>>, DPoP: oauth.DPoPHandle) {
    return withNonce(async () => {
      const response = await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token ?? "", { ...exchange, DPoP });
      return oauth.processRefreshTokenResponse(as, client, response);
    });
  }

  test.each(methods)("%s: a device code", async (method) => {
    const as = await discover();
    const client: oauth.Client = { client_id: method };
    const auth = proofs[method]();
    const parameters = { scope: "orders:read", resource: storeResource };
    const started = await oauth.deviceAuthorizationRequest(as, client, auth, parameters, insecure);
    const { device_code, user_code, interval } = await oauth.processDeviceAuthorizationResponse(as, client, started);
    expect(interval).toBe(5);
    const poll = async () => {
      const additionalParameters = { resource: storeResource };
      const response = await oauth.deviceCodeGrantRequest(as, client, auth, device_code, { ...insecure, additionalParameters });
      return oauth.processDeviceCodeResponse(as, client, response);
    };
    await confirm(user_code);
    expect(await poll()).toMatchObject({ token_type: "bearer", scope: "orders:read", refresh_token: expect.any(String) });
    await expect(poll()).rejects.toMatchObject({ error: "invalid_grant" });
  });

  test.each(methods.filter((each) => each !== "none"))("%s: client_credentials", async (method) => {
    const as = await discover();
    const client: oauth.Client = { client_id: method };
    const parameters = { scope: "payment_requests", resource: `${world.url}/payment-requests` };
    const response = await oauth.clientCredentialsGrantRequest(as, client, proofs[method](), parameters, insecure);
    expect(await oauth.processClientCredentialsResponse(as, client, response)).toMatchObject({ token_type: "bearer", scope: "payment_requests" });
  });

  test.each(methods.filter((each) => each.startsWith("client_secret_")))("%s: another secret, and none, get nothing", async (method) => {
    const as = await discover();
    const client: oauth.Client = { client_id: method };
    const wrong = method === "client_secret_basic" ? oauth.ClientSecretBasic(`${secret}x`) : oauth.ClientSecretPost(`${secret}x`);
    const parameters = { scope: "payment_requests", resource: `${world.url}/payment-requests` };
    for (const auth of [wrong, oauth.None()]) {
      const response = await oauth.clientCredentialsGrantRequest(as, client, auth, parameters, insecure);
      expect([response.status, await response.text()]).toEqual([401, expect.stringContaining('"invalid_client"')]);
    }
  });

  test("registers itself", async () => {
    const as = await discover();
    const response = await oauth.dynamicClientRegistrationRequest(as, { redirect_uris: [redirect], client_name: "Peer" }, insecure);
    expect(await oauth.processDynamicClientRegistrationResponse(response)).toMatchObject({ client_id: expect.stringMatching(/^dcr_/) });
  });
});
