import { createHash } from "node:crypto";
import * as oauth from "oauth4webapi";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readAnswer } from "../peers/listen.ts";
import { Payee } from "../peers/payee.ts";
import { Prover } from "../peers/proofs.ts";
import { checkout, startWorld, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
afterEach(() => {
  world.clock.offsetMs = 0;
});

const now = () => Math.floor(Date.now() / 1000);
const fresh = () => ({ ...checkout, id: `co_${Math.random().toString(36).slice(2)}` });

describe("lodging a payment request", () => {
  test("a payee's signed checkout becomes a request with its transaction scope", async () => {
    const jwt = await world.payee.signCheckout(fresh());
    const { status, body } = await world.payee.lodge(jwt);
    expect(status).toBe(201);
    const id = String(body["id"]);
    expect(id).toMatch(/^pr_[A-Za-z0-9_-]{22}$/);
    expect(body).toEqual({
      id,
      status: "created",
      scope: `payment:${id}`,
      approval_url: `${world.url}/approve/${id}`,
      checkout_hash: createHash("sha256").update(jwt).digest("base64url"),
      expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      for_named_user: false,
    });
    const lifeMs = Date.parse(String(body["expires_at"])) - Date.now();
    expect(lifeMs).toBeGreaterThan(14 * 60_000);
    expect(lifeMs).toBeLessThanOrEqual(15 * 60_000);
  });

  test("the same checkout gives the same request, also 20 at a time", async () => {
    const jwt = await world.payee.signCheckout(fresh());
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.payee.lodge(jwt)));
    expect(new Set(answers.map((each) => each.body["id"])).size).toBe(1);
    expect(answers.filter((each) => each.status === 201)).toHaveLength(1);
    expect(answers.filter((each) => each.status === 200)).toHaveLength(19);
  });

  test("after its end the same checkout may be asked again", async () => {
    const jwt = await world.payee.signCheckout(fresh(), { exp: now() + 1800 });
    const first = await world.payee.lodge(jwt);
    world.clock.offsetMs = 16 * 60_000;
    // The token's five minutes are over too.
    const token = await world.payee.token();
    const again = await readAnswer(
      await fetch(`${world.url}/payment-requests`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ checkout_jwt: jwt }),
      }),
    );
    expect(again.status).toBe(201);
    expect(again.body["id"]).not.toBe(first.body["id"]);
  });

  test.each([
    ["another issuer", { iss: "other-store" }, {}],
    ["another audience", { aud: "https://other.example" }, {}],
    ["no audience", { aud: undefined }, {}],
    ["a past end", { iat: now() - 100, exp: now() - 60 }, {}],
    ["a life over 30 minutes", { exp: now() + 2400 }, {}],
    ["a future issue", { iat: now() + 600, exp: now() + 900 }, {}],
    ["no jti", { jti: undefined }, {}],
    ["no checkout", { checkout: undefined }, {}],
    ["no end", { exp: undefined }, {}],
    ["another type", {}, { typ: "JWT" }],
    ["a key id of nobody", {}, { kid: "none" }],
  ])("a checkout with %s is refused", async (_name, claims, header) => {
    const answer = await world.payee.lodge(await world.payee.signCheckout(fresh(), claims, header));
    expect(answer).toMatchObject({ status: 400, body: { error: "invalid_request" } });
  });

  test.each([
    ["items that do not add up", { ...checkout, amount: 4_251 }, "invalid_amount"],
    ["nothing to pay", { ...checkout, amount: 0, items: [{ name: "x", quantity: 1, amount: 0 }] }, "invalid_amount"],
    ["a fraction", { ...checkout, amount: 42.5 }, "invalid_amount"],
    ["a negative amount", { ...checkout, amount: -1, items: [{ name: "x", quantity: 1, amount: -1 }] }, "invalid_amount"],
    ["an unknown currency", { ...checkout, currency: "ZZZ" }, "invalid_amount"],
    ["no items", { ...checkout, items: [] }, "invalid_request"],
    ["a name of 300 characters", { ...checkout, items: [{ name: "x".repeat(300), quantity: 1, amount: 4_250 }] }, "invalid_request"],
    ["a broken surrogate in a name", { ...checkout, items: [{ name: "a\ud800", quantity: 1, amount: 4_250 }] }, "invalid_request"],
    ["an unknown member", { ...checkout, tip: 5 }, "invalid_request"],
    ["a list", [], "invalid_request"],
  ])("a checkout with %s is refused", async (_name, terms, code) => {
    expect(await world.payee.lodge(await world.payee.signCheckout(terms))).toMatchObject({ status: 400, body: { code } });
  });

  test("L27 a checkout signed with another key is refused", async () => {
    const forger = await Payee.make("store", world.url);
    const jwt = await forger.signCheckout(fresh());
    expect(await world.payee.lodge(jwt)).toMatchObject({ status: 400, body: { error: "invalid_request" } });
  });

  test("a payee cannot lodge another payee's checkout", async () => {
    const jwt = await world.otherPayee.signCheckout(fresh());
    expect(await world.payee.lodge(jwt)).toMatchObject({ status: 400, body: { error: "invalid_request" } });
  });

  test.each([
    ["no token", undefined],
    ["a token of nobody", "Bearer abc"],
    ["another scheme", "Basic abc"],
  ])("%s is a 401 with a challenge", async (_name, authorization) => {
    const headers = new Headers({ "content-type": "application/json" });
    if (authorization !== undefined) headers.set("authorization", authorization);
    const response = await fetch(`${world.url}/payment-requests`, { method: "POST", headers, body: "{}" });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain("Bearer");
  });

  test.each([
    ["not JSON", "{", 400],
    ["no checkout_jwt", "{}", 400],
    ["a doubled name", '{"checkout_jwt":"a","checkout_jwt":"b"}', 400],
    ["too much", JSON.stringify({ checkout_jwt: "x".repeat(200_000) }), 413],
  ])("a body with %s is refused", async (_name, body, status) => {
    const answer = await world.payee.call("/payment-requests", { method: "POST", headers: { "content-type": "application/json" }, body });
    expect(answer.status).toBe(status);
  });
});

describe("reading a payment request", () => {
  test("its payee reads it, another payee learns nothing", async () => {
    const jwt = await world.payee.signCheckout(fresh());
    const { body } = await world.payee.lodge(jwt);
    const path = `/payment-requests/${String(body["id"])}`;
    expect(await world.payee.call(path)).toEqual({
      status: 200,
      body: { id: body["id"], status: "created", sequence: 0, checkout_hash: body["checkout_hash"], expires_at: body["expires_at"] },
    });
    expect((await world.otherPayee.call(path)).status).toBe(404);
    expect((await world.payee.call("/payment-requests/pr_unknown")).status).toBe(404);
  });

  test.each(["%00", "pr_%F0%9F%92%A5", "p".repeat(400), "..%2f"])("an id that no request can have (%s) is unknown, waiting or not", async (id) => {
    for (const query of ["", "?wait=1"])
      expect(await world.payee.call(`/payment-requests/${id}${query}`)).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  test("P16 an undecided request expires", async () => {
    const { body } = await world.payee.lodge(await world.payee.signCheckout(fresh()));
    world.clock.offsetMs = 16 * 60_000;
    const token = await world.payee.token();
    const response = await fetch(`${world.url}/payment-requests/${String(body["id"])}?wait=5`, { headers: { authorization: `Bearer ${token}` } });
    expect(await response.json()).toMatchObject({ status: "expired" });
  });

  test.each(["26", "-1", "1.5", "x", "100"])("wait=%s is refused", async (wait) => {
    expect((await world.payee.call(`/payment-requests/pr_unknown?wait=${wait}`)).status).toBe(400);
  });
});

describe("a payee's token that is bound to a key", () => {
  const path = () => `${world.url}/payment-requests/pr_unknown`;

  async function boundToken(prover: Prover): Promise<string> {
    const { as, client, authentication } = await world.payee.authentication();
    const tokenUrl = as.token_endpoint ?? "";
    const parameters = new URLSearchParams({ scope: "payment_requests", resource: `${world.url}/payment-requests` });
    const send = async (nonce: string | undefined) =>
      oauth.clientCredentialsGrantRequest(as, client, authentication, parameters, {
        [oauth.allowInsecureRequests]: true,
        headers: { dpop: await prover.prove(tokenUrl, nonce) },
      });
    const first = await send(undefined);
    await first.body?.cancel();
    const { status, body } = await readAnswer(await send(first.headers.get("dpop-nonce") ?? ""));
    expect([status, body["token_type"]]).toEqual([200, "DPoP"]);
    return String(body["access_token"]);
  }

  test("O20 O21 is good with a proof of it for this request, once, and never as a bearer token", async () => {
    const prover = await Prover.make();
    const token = await boundToken(prover);
    const ath = createHash("sha256").update(token).digest("base64url");
    const call = async (scheme: string, proof: string): Promise<number> => {
      const response = await fetch(path(), { headers: { authorization: `${scheme} ${token}`, dpop: proof } });
      await response.body?.cancel();
      return response.status;
    };
    const good = () => prover.prove(path(), undefined, { claims: { htm: "GET", ath } });
    const once = await good();
    expect(await call("DPoP", once)).toBe(404);
    expect(await call("DPoP", once)).toBe(401);
    expect(await call("Bearer", await good())).toBe(401);
    expect(await call("DPoP", await prover.prove(path(), undefined, { claims: { htm: "GET" } }))).toBe(401);
    expect(await call("DPoP", await (await Prover.make()).prove(path(), undefined, { claims: { htm: "GET", ath } }))).toBe(401);
    expect(await call("DPoP", await good())).toBe(404);
  });

  test("O21 a plain token does not become a bound one", async () => {
    const token = await world.payee.token();
    const ath = createHash("sha256").update(token).digest("base64url");
    const proof = await (await Prover.make()).prove(path(), undefined, { claims: { htm: "GET", ath } });
    const response = await fetch(path(), { headers: { authorization: `DPoP ${token}`, dpop: proof } });
    expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, expect.stringContaining('DPoP error="invalid_token"')]);
    await response.body?.cancel();
  });
});
