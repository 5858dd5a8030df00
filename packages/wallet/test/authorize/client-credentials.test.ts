import * as oauth from "oauth4webapi";
import { generateKeyPair, SignJWT } from "jose";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WalletClient } from "../../src/options.ts";
import { type JsonAnswer, listen, readAnswer } from "../peers/listen.ts";
import { Payee } from "../peers/payee.ts";
import { checkout, startWorld, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const insecure = { [oauth.allowInsecureRequests]: true };

async function assertion(changes: Readonly<Record<string, unknown>> = {}, key = world.payee.privateKey): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iss: "store", sub: "store", aud: world.url, jti: randomUUID(), iat: now, exp: now + 60, ...changes })
    .setProtectedHeader({ alg: "ES256", kid: "store-1" })
    .sign(key);
}

async function exchange(clientAssertion: string, changes: Readonly<Record<string, string>> = {}): Promise<JsonAnswer> {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: clientAssertion,
    scope: "payment_requests",
    resource: `${world.url}/payment-requests`,
    ...changes,
  });
  return readAnswer(await fetch(`${world.url}/token`, { method: "POST", body }));
}

describe("client_credentials", () => {
  test("a payee gets an opaque token for lodging payment requests", async () => {
    const answer = await exchange(await assertion());
    expect(answer).toMatchObject({ status: 200, body: { token_type: "Bearer", scope: "payment_requests", expires_in: 300 } });
    expect(String(answer.body["access_token"])).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  test("a client assertion is used once, also by 20 at a time", async () => {
    const one = await assertion();
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(one)));
    expect(answers.filter((each) => each.status === 200)).toHaveLength(1);
    expect(answers.filter((each) => each.body["error"] === "invalid_client")).toHaveLength(19);
  });

  test.each([
    ["another audience", { aud: "https://other.example" }],
    ["an expired one", { exp: 1 }],
    ["another issuer", { iss: "other-store" }],
    ["no jti", { jti: undefined }],
  ])("an assertion with %s is refused", async (_name, changes) => {
    expect(await exchange(await assertion(changes))).toMatchObject({ status: 401, body: { error: "invalid_client" } });
  });

  test("an assertion signed with another key is refused", async () => {
    const { privateKey } = await generateKeyPair("ES256");
    expect(await exchange(await assertion({}, privateKey))).toMatchObject({ status: 401, body: { error: "invalid_client" } });
  });

  test("a payee gets no token for a store's resource, and a public client none at all", async () => {
    expect(await exchange(await assertion(), { resource: "http://127.0.0.1:4300/mcp" })).toMatchObject({
      status: 400,
      body: { error: "invalid_target" },
    });
    const response = await fetch(`${world.url}/token`, {
      method: "POST",
      body: new URLSearchParams({ grant_type: "client_credentials", client_id: "countersign-host" }),
    });
    expect([response.status, await response.json()]).toMatchObject([400, { error: "invalid_request" }]);
  });
});

describe("a client whose keys are at a jwks_uri", () => {
  test("authenticates and lodges with them as soon as they are there", async () => {
    let keys: readonly unknown[] = [];
    const asked: string[] = [];
    const server = await listen((request, response) => {
      asked.push(request.url ?? "");
      response.writeHead(keys.length === 0 ? 503 : 200, { "content-type": "application/json" }).end(JSON.stringify({ keys }));
    });
    const client: WalletClient = {
      client_id: "remote-store",
      client_name: "Remote",
      client_uri: "https://remote.example/",
      token_endpoint_auth_method: "private_key_jwt",
      grant_types: ["client_credentials"],
      jwks_uri: `http://127.0.0.1:${server.port}/.well-known/jwks.json`,
    };
    const remote = await startWorld({ clients: [client] });
    const payee = await Payee.make("remote-store", remote.url);
    await expect(payee.token()).rejects.toThrow();
    keys = payee.jwks.keys;
    const lodged = await payee.lodge(await payee.signCheckout({ ...checkout, id: "co_remote" }));
    expect(lodged.status).toBe(201);
    expect(new Set(asked)).toEqual(new Set(["/.well-known/jwks.json"]));
    await remote.close();
    await server.close();
  });
});

describe("a client whose key set is no key set", () => {
  test.each([
    ["one longer than 64 KB", () => Array.from({ length: 200 }, () => `"${"x".repeat(1_000)}",`)],
    ["one that is somewhere else", () => undefined],
  ])("X06 %s is unavailable, and lodging is refused for now", async (_name, chunks) => {
    let good: string | undefined;
    const server = await listen((_request, response) => {
      if (good !== undefined) return void response.writeHead(200, { "content-type": "application/json" }).end(good);
      const parts = chunks();
      if (parts === undefined) return void response.writeHead(302, { location: "http://127.0.0.1:9/jwks" }).end();
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"keys":[],"padding":[');
      for (const part of parts) response.write(part);
      response.end("1]}");
    });
    const client: WalletClient = {
      client_id: "remote-store",
      client_name: "Remote",
      client_uri: "https://remote.example/",
      token_endpoint_auth_method: "private_key_jwt",
      grant_types: ["client_credentials"],
      jwks_uri: `http://127.0.0.1:${server.port}/.well-known/jwks.json`,
    };
    const remote = await startWorld({ clients: [client] });
    const payee = await Payee.make("remote-store", remote.url);
    good = JSON.stringify(payee.jwks);
    const token = await payee.token();
    good = undefined;
    const lodge = async () =>
      readAnswer(
        await fetch(`${remote.url}/payment-requests`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify({ checkout_jwt: await payee.signCheckout({ ...checkout, id: "co_remote" }) }),
        }),
      );
    expect(await lodge()).toMatchObject({ status: 503, body: { code: "unavailable" } });
    good = JSON.stringify(payee.jwks);
    expect((await lodge()).status).toBe(201);
    await remote.close();
    await server.close();
  });
});

describe("introspection and revocation of a payee's token", () => {
  test("the client sees its own token until it revokes it; another client never does", async () => {
    const token = await world.payee.token();
    const inspect = async (payee: typeof world.payee) => {
      const { as, client, authentication } = await payee.authentication();
      return oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, authentication, token, insecure));
    };
    expect(await inspect(world.payee)).toMatchObject({
      active: true,
      client_id: "store",
      scope: "payment_requests",
      aud: `${world.url}/payment-requests`,
    });
    expect(await inspect(world.otherPayee)).toEqual({ active: false });
    const { as, client, authentication } = await world.payee.authentication();
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, token, insecure));
    expect(await inspect(world.payee)).toEqual({ active: false });
    const refused = await fetch(`${world.url}/payment-requests/pr_x`, { headers: { authorization: `Bearer ${token}` } });
    expect(refused.status).toBe(401);
  });
});
