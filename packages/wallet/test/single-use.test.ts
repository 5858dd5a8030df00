import { randomBytes, randomUUID } from "node:crypto";
import { Secret } from "@countersign/protocol/secret";
import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import { createSealer } from "@countersign/storage/sealed";
import { SignJWT } from "jose";
import { type Adapter, errors } from "oidc-provider";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAdapterFactory } from "../src/authorize/adapter.ts";
import { createRefreshGrace } from "../src/authorize/refresh-grace.ts";
import { rememberChallenge, spendChallenge } from "../src/passkeys/challenges.ts";
import { formOf } from "./peers/browser.ts";
import { confirmDevice, deviceClients, enterCode, startDevice } from "./peers/devices.ts";
import { type Engine, engines } from "./peers/engines.ts";
import { type JsonAnswer, readAnswer } from "./peers/listen.ts";
import { lodge } from "./peers/payments.ts";
import { Prover } from "./peers/proofs.ts";
import { authorizationRequest, checkout, codeFields, Person, redeem, startWorld, storeResource, type World } from "./peers/world.ts";

const times = 50;

/** Does the same thing 50 times at once. */
function atOnce<T>(act: () => Promise<T>): Promise<readonly T[]> {
  return Promise.all(Array.from({ length: times }, act));
}

function count(answers: readonly JsonAnswer[], status: number, error?: string): number {
  return answers.filter((each) => each.status === status && (error === undefined || each.body["error"] === error)).length;
}

describe.each(engines)("on %s, of 50 at once", (_name, start) => {
  let engine: Engine;
  let world: World;
  beforeAll(async () => {
    engine = await start();
    world = await startWorld({ databaseUrl: await engine.newDatabase(), clients: deviceClients });
  }, 120_000);
  afterAll(async () => {
    await world.close();
    await engine.close();
  });

  const freshCode = async () => {
    const request = authorizationRequest(world);
    return codeFields(await new Person(world).signUp(request), request);
  };

  test("O05 one redemption of a code gets tokens", async () => {
    const fields = await freshCode();
    const answers = await atOnce(() => redeem(world, fields));
    expect([count(answers, 200), count(answers, 400, "invalid_grant")]).toEqual([1, 49]);
  });

  test("O17 refreshes mint one successor, and it works", async () => {
    const { body } = await redeem(world, await freshCode());
    const refresh = (token: string) => redeem(world, { grant_type: "refresh_token", refresh_token: token, resource: storeResource });
    const answers = await atOnce(() => refresh(String(body["refresh_token"])));
    const successors = new Set(answers.filter((each) => each.status === 200).map((each) => String(each.body["refresh_token"])));
    expect([successors.size, count(answers, 200) + count(answers, 400, "invalid_grant")]).toEqual([1, 50]);
    expect((await refresh([...successors][0] ?? "")).status).toBe(200);
  });

  test("L08 D04 one redemption of a device code gets tokens", async () => {
    const device = await startDevice(world);
    const person = new Person(world);
    await confirmDevice(person, await person.register(await enterCode(person.browser, device.userCode)));
    const answers = await atOnce(() => device.poll());
    expect([count(answers, 200), count(answers, 400, "invalid_grant")]).toEqual([1, 49]);
  });

  test("O20 one use of a proof of possession is taken", async () => {
    const prover = await Prover.make();
    const url = `${world.url}/par`;
    const body = new URL(authorizationRequest(world).url).searchParams.toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const first = await fetch(url, { method: "POST", headers: { ...headers, dpop: await prover.prove(url, undefined) }, body });
    const proof = await prover.prove(url, first.headers.get("dpop-nonce") ?? "");
    const answers = await atOnce(async () => readAnswer(await fetch(url, { method: "POST", headers: { ...headers, dpop: proof }, body })));
    expect([count(answers, 201), count(answers, 400, "invalid_request")]).toEqual([1, 49]);
  });

  test("one use of a client's assertion is taken", async () => {
    const now = Math.floor(Date.now() / 1000);
    const assertion = await new SignJWT({ iss: "store", sub: "store", aud: world.url, jti: randomUUID(), iat: now, exp: now + 60 })
      .setProtectedHeader({ alg: "ES256", kid: "store-1" })
      .sign(world.payee.privateKey);
    const body = new URLSearchParams({
      grant_type: "client_credentials",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: assertion,
      scope: "payment_requests",
      resource: `${world.url}/payment-requests`,
    });
    const answers = await atOnce(async () => readAnswer(await fetch(`${world.url}/token`, { method: "POST", body })));
    expect([count(answers, 200), count(answers, 401, "invalid_client")]).toEqual([1, 49]);
  });

  test("W02 one answer to a registration's challenge makes an account", async () => {
    const person = new Person(world);
    const form = formOf((await person.browser.open(authorizationRequest(world).url)).html, "/register");
    const options = await person.browser.postJson(form.options ?? "", form.fields);
    const credential = person.authenticator.create(options.body["options"]);
    const answers = await atOnce(() => person.browser.postJson(form.action, { ...form.fields, credential }));
    expect(answers.filter((each) => typeof each.body["next"] === "string")).toHaveLength(1);
    expect(answers.filter((each) => each.body["code"] === "challenge_expired")).toHaveLength(49);
  });

  test("W02 one answer to a sign-in's challenge signs in", async () => {
    const known = new Person(world);
    await known.signUp();
    const person = new Person(world);
    person.authenticator.passkeys.push(...known.authenticator.passkeys);
    const form = formOf((await person.browser.open(authorizationRequest(world).url)).html, "/login");
    const options = await person.browser.postJson(form.options ?? "", form.fields);
    const credential = person.authenticator.get(options.body["options"]);
    const answers = await atOnce(() => person.browser.postJson(form.action, { ...form.fields, credential }));
    expect(answers.filter((each) => typeof each.body["next"] === "string")).toHaveLength(1);
    expect(answers.filter((each) => each.body["code"] === "challenge_expired")).toHaveLength(49);
  });

  test("one approval of a payment counts, and there is one mandate", async () => {
    const person = new Person(world);
    await person.signUp();
    const { id, request } = await lodge(world);
    const form = formOf((await person.browser.open(request.url)).html, "/approve");
    const options = await person.browser.postJson(form.options ?? "", form.fields);
    const credential = person.authenticator.get(options.body["options"]);
    const answers = await atOnce(() => person.browser.postJson(form.action, { ...form.fields, credential }));
    expect(answers.filter((each) => typeof each.body["next"] === "string")).toHaveLength(1);
    const reads = await Promise.all([1, 2].map(() => world.payee.call(`/payment-requests/${id}`)));
    expect(new Set(reads.map((each) => `${String(each.body["status"])} ${String(each.body["mandate"])}`)).size).toBe(1);
    expect(reads[0]?.body).toMatchObject({ status: "approved" });
  });

  test("one lodging of a checkout makes a payment request, and the others get that one", async () => {
    const jwt = await world.payee.signCheckout({ ...checkout, id: `co_${randomUUID()}` });
    await world.payee.token();
    const answers = await atOnce(() => world.payee.lodge(jwt));
    expect([count(answers, 201), count(answers, 200)]).toEqual([1, 49]);
    expect(new Set(answers.map((each) => each.body["id"])).size).toBe(1);
  });
});

describe.each(engines)("in the store on %s, of 50 at once", (_name, start) => {
  let engine: Engine;
  let database: Database<unknown>;
  let adapters: (model: string) => Adapter;
  const now = () => 1_000_000;
  beforeAll(async () => {
    engine = await start();
    database = await openDatabase<unknown>({ url: await engine.newDatabase(), schema: "wallet", migrations: [] });
    const sealer = createSealer({ current: "k1", keys: { k1: new Secret(randomBytes(32).toString("base64url")) } });
    adapters = createAdapterFactory({ database, sealer, grace: createRefreshGrace(database, sealer, now), now });
  }, 120_000);
  afterAll(async () => {
    await database.close();
    await engine.close();
  });

  test.each([
    ["O05", "AuthorizationCode", errors.InvalidGrant],
    ["O17", "RefreshToken", errors.InvalidGrant],
    ["D04", "DeviceCode", errors.InvalidGrant],
    ["O30", "PushedAuthorizationRequest", errors.InvalidRequestUri],
  ])("%s one consumption of one %s goes on", async (_threat, model, refusal) => {
    const adapter = adapters(model);
    await adapter.upsert("secret", { jti: "secret", grantId: "g" }, 60);
    const outcomes = await Promise.allSettled(Array.from({ length: times }, () => adapter.consume("secret")));
    expect(outcomes.filter((each) => each.status === "fulfilled")).toHaveLength(1);
    expect(outcomes.filter((each) => each.status === "rejected" && each.reason instanceof refusal)).toHaveLength(49);
  });

  test("O20 one writer of a used id is the first", async () => {
    const adapter = adapters("ReplayDetection");
    const outcomes = await Promise.allSettled(Array.from({ length: times }, () => adapter.upsert("jti", { iss: "store" }, 60)));
    expect(outcomes.filter((each) => each.status === "fulfilled")).toHaveLength(1);
  });

  test.each(["login", "register", "approve", "confirm"] as const)("W02 one spender of a challenge to %s is the first", async (purpose) => {
    await rememberChallenge(database, `challenge-${purpose}`, { purpose, interactionUid: "u" }, now());
    const outcomes = await atOnce(() => spendChallenge(database, `challenge-${purpose}`, now()));
    expect(outcomes.filter((each) => each.ok)).toHaveLength(1);
  });

  test("the end of a family that is redeemed meanwhile is an end", async () => {
    await adapters("Grant").upsert("g-end", { jti: "g-end", accountId: "usr_a", clientId: "host" }, 60);
    await adapters("RefreshToken").upsert("end", { jti: "end", grantId: "g-end" }, 60);
    const ends = Array.from({ length: 10 }, () => adapters("Grant").destroy("g-end"));
    await Promise.allSettled([...ends, ...Array.from({ length: 10 }, () => adapters("RefreshToken").consume("end"))]);
    expect(await adapters("RefreshToken").find("end")).toBeUndefined();
    expect(await adapters("Grant").find("g-end")).toBeUndefined();
  });
});
