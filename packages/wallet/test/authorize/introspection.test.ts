import { createHmac } from "node:crypto";
import { decodeJwt, exportSPKI, generateKeyPair, importJWK, SignJWT, UnsecuredJWT } from "jose";
import * as oauth from "oauth4webapi";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import type { Payee } from "../peers/payee.ts";
import { Prover } from "../peers/proofs.ts";
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

const insecure = { [oauth.allowInsecureRequests]: true };

/** Asks as the resource server of the store, by a library that knows nothing of the wallet. */
async function inspect(token: string, payee: Payee = world.payee): Promise<oauth.IntrospectionResponse> {
  const { as, client, authentication } = await payee.authentication();
  return oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, authentication, token, insecure));
}

async function freshTokens(changes: Readonly<Record<string, string>> = {}) {
  const request = authorizationRequest(world, changes);
  const fields = codeFields(await new Person(world).signUp(request), request);
  const { body } = await redeem(world, fields);
  return { fields, accessToken: String(body["access_token"]), refreshToken: String(body["refresh_token"]), idToken: String(body["id_token"]) };
}

function revoke(token: string, clientId = "countersign-host"): Promise<Response> {
  return fetch(`${world.url}/revoke`, { method: "POST", body: new URLSearchParams({ client_id: clientId, token }) });
}

async function inspectAsHost(token: string): Promise<unknown> {
  const response = await fetch(`${world.url}/introspect`, { method: "POST", body: new URLSearchParams({ client_id: "countersign-host", token }) });
  return response.json();
}

describe("introspection of a JWT access token (RFC 7662)", () => {
  test("its resource server and its client learn what it is good for", async () => {
    const { accessToken } = await freshTokens();
    const claims = decodeJwt(accessToken);
    const known = { active: true, sub: claims.sub, aud: storeResource, scope: "orders:read", client_id: "countersign-host", token_type: "Bearer" };
    const answer = await inspect(accessToken);
    expect(answer).toMatchObject({ ...known, iss: world.url, exp: claims.exp, iat: claims.iat });
    expect(answer).not.toHaveProperty("gid");
    expect(await inspectAsHost(accessToken)).toMatchObject(known);
  });

  test("a bound one names its key", async () => {
    const prover = await Prover.make();
    const request = authorizationRequest(world);
    const fields = codeFields(await new Person(world).signUp(request), request);
    const { body } = await prover.post(`${world.url}/token`, { client_id: "countersign-host", ...fields });
    expect(await inspect(String(body["access_token"]))).toMatchObject({ active: true, token_type: "DPoP", cnf: { jkt: prover.thumbprint } });
  });

  test("O23 the server of another resource, and another client, learn nothing", async () => {
    const { accessToken } = await freshTokens();
    expect(await inspect(accessToken, world.otherPayee)).toEqual({ active: false });
    const response = await fetch(`${world.url}/introspect`, {
      method: "POST",
      body: new URLSearchParams({ client_id: "web-app", token: accessToken }),
    });
    expect(await response.json()).toEqual({ active: false });
  });

  test("an unknown client learns nothing", async () => {
    const { accessToken } = await freshTokens();
    const response = await fetch(`${world.url}/introspect`, {
      method: "POST",
      body: new URLSearchParams({ client_id: "nobody", token: accessToken }),
    });
    expect([response.status, await response.json()]).toMatchObject([401, { error: "invalid_client" }]);
  });

  test("it is inactive when its time is over", async () => {
    // The clock stands: a second of waiting would end what is good for one second more.
    vi.useFakeTimers({ toFake: ["Date"] });
    const { accessToken } = await freshTokens();
    world.clock.offsetMs = 299_000;
    expect(await inspectAsHost(accessToken)).toMatchObject({ active: true });
    world.clock.offsetMs = 301_000;
    expect(await inspectAsHost(accessToken)).toEqual({ active: false });
  });

  test("O04 it is inactive as soon as its code was replayed", async () => {
    const { accessToken, fields } = await freshTokens();
    expect(await inspect(accessToken)).toMatchObject({ active: true });
    expect((await redeem(world, fields)).status).toBe(400);
    expect(await inspect(accessToken)).toEqual({ active: false });
  });

  test("O16 it is inactive as soon as a refresh token of its family was replayed", async () => {
    const { refreshToken } = await freshTokens();
    const refresh = { grant_type: "refresh_token", refresh_token: refreshToken };
    const { body } = await redeem(world, refresh);
    expect(await inspectAsHost(String(body["access_token"]))).toMatchObject({ active: true });
    world.clock.offsetMs = 31_000;
    expect((await redeem(world, refresh)).status).toBe(400);
    expect(await inspectAsHost(String(body["access_token"]))).toEqual({ active: false });
  });
});

describe("what is no access token of this wallet", () => {
  test("O22 is inactive, whatever it looks like", async () => {
    const { accessToken, idToken } = await freshTokens({ scope: "openid orders:read" });
    expect(await inspectAsHost(accessToken)).toMatchObject({ active: true });
    const claims = decodeJwt(accessToken);
    const { keys } = z.object({ keys: z.array(z.record(z.string(), z.unknown())) }).parse(await (await fetch(`${world.url}/jwks`)).json());
    const publicKey = await importJWK({ ...keys[0], kty: "EC" }, "ES256", { extractable: true });
    if (publicKey instanceof Uint8Array) throw new TypeError("the key is symmetric");
    const [header = "", payload = "", signature = ""] = accessToken.split(".");
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const forgedHeader = encode({ alg: "HS256", typ: "at+jwt", kid: keys[0]?.["kid"] });
    const mac = createHmac("sha256", await exportSPKI(publicKey))
      .update(`${forgedHeader}.${payload}`)
      .digest("base64url");
    const stranger = (await generateKeyPair("ES256")).privateKey;
    const signedByStranger = (more: Readonly<Record<string, unknown>>) =>
      new SignJWT(claims).setProtectedHeader({ alg: "ES256", typ: "at+jwt", ...more }).sign(stranger, { crit: { x: true } });
    const forged: readonly (readonly [string, string])[] = [
      ["an id token", idToken],
      ["no algorithm", `${encode({ alg: "none", typ: "at+jwt" })}.${payload}.`],
      ["no signature", new UnsecuredJWT(claims).encode()],
      ["HS256 with the public key", `${forgedHeader}.${payload}.${mac}`],
      ["another's key in the header", await signedByStranger({ jwk: { kty: "EC" } })],
      ["a key's address in the header", await signedByStranger({ jku: "https://evil.example/jwks", x5u: "https://evil.example/x5u" })],
      ["a kid with a path", await signedByStranger({ kid: "../../etc/passwd" })],
      ["a kid with SQL", await signedByStranger({ kid: "' or 1=1 --" })],
      ["a critical extension", await signedByStranger({ crit: ["x"], x: 1 })],
      ["a changed payload", `${header}.${encode({ ...claims, scope: "orders:read orders:write" })}.${signature}`],
      ["a long tail", `${accessToken}${"A".repeat(50_000)}`],
    ];
    for (const [name, token] of forged) expect([name, await inspectAsHost(token)]).toEqual([name, { active: false }]);
  });

  test("O22 a token of a megabyte is refused unread", async () => {
    const response = await fetch(`${world.url}/introspect`, {
      method: "POST",
      body: new URLSearchParams({ client_id: "countersign-host", token: "A".repeat(1_000_000) }),
    });
    expect([response.status, await response.json()]).toMatchObject([400, { error: "invalid_request" }]);
  });
});

describe("revocation of a JWT access token (RFC 7009)", () => {
  test("ends its family: the token, and the refresh token", async () => {
    const { accessToken, refreshToken } = await freshTokens();
    expect(await inspect(accessToken)).toMatchObject({ active: true });
    const answer = await revoke(accessToken);
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
    expect(await inspect(accessToken)).toEqual({ active: false });
    expect(await redeem(world, { grant_type: "refresh_token", refresh_token: refreshToken })).toMatchObject({
      status: 400,
      body: { error: "invalid_grant" },
    });
  });

  test("by another client, or of a forged token, changes nothing and tells nothing", async () => {
    const { accessToken, refreshToken } = await freshTokens();
    const { privateKey } = await generateKeyPair("ES256");
    const forged = await new SignJWT(decodeJwt(accessToken)).setProtectedHeader({ alg: "ES256", typ: "at+jwt" }).sign(privateKey);
    for (const answer of [await revoke(accessToken, "web-app"), await revoke(forged)]) {
      expect([answer.status, await answer.text()]).toEqual([200, ""]);
    }
    expect(await inspect(accessToken)).toMatchObject({ active: true });
    expect((await redeem(world, { grant_type: "refresh_token", refresh_token: refreshToken })).status).toBe(200);
  });

  test("revoking the refresh token makes the access tokens inactive too", async () => {
    const { accessToken, refreshToken } = await freshTokens();
    expect((await revoke(refreshToken)).status).toBe(200);
    expect(await inspect(accessToken)).toEqual({ active: false });
  });
});
