import { createHash } from "node:crypto";
import { request as httpRequest } from "node:http";
import { decodeJwt, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { readAnswer } from "../peers/listen.ts";
import { type ProofChanges, Prover } from "../peers/proofs.ts";
import { authorizationRequest, codeFields, Person, redeem, startWorld, storeResource, type World } from "../peers/world.ts";

let world: World;
let tokenUrl: string;
beforeAll(async () => {
  world = await startWorld();
  tokenUrl = `${world.url}/token`;
});
afterAll(() => world.close());

const client = { client_id: "countersign-host" };
const invalidGrant = { status: 400, body: { error: "invalid_grant" } };

async function freshCode(changes: Readonly<Record<string, string>> = {}) {
  const request = authorizationRequest(world, changes);
  return { ...client, ...codeFields(await new Person(world).signUp(request), request) };
}

async function boundTokens(prover: Prover) {
  const tokens = await prover.post(tokenUrl, await freshCode());
  expect(tokens).toMatchObject({ status: 200, body: { token_type: "DPoP" } });
  return { accessToken: String(tokens.body["access_token"]), refreshToken: String(tokens.body["refresh_token"]) };
}

const refreshFields = (refreshToken: string) => ({ ...client, grant_type: "refresh_token", refresh_token: refreshToken, resource: storeResource });

async function serverNonce(prover: Prover): Promise<string> {
  const response = await fetch(tokenUrl, {
    method: "POST",
    headers: { dpop: await prover.prove(tokenUrl, undefined) },
    body: new URLSearchParams(refreshFields("none")),
  });
  expect([response.status, await response.json()]).toMatchObject([400, { error: "use_dpop_nonce" }]);
  return response.headers.get("dpop-nonce") ?? "";
}

describe("a token that is bound to a key", () => {
  test("names the key, and refreshes with it alone", async () => {
    const prover = await Prover.make();
    const { accessToken, refreshToken } = await boundTokens(prover);
    expect(decodeJwt(accessToken)).toMatchObject({ cnf: { jkt: prover.thumbprint }, aud: storeResource });
    const refreshed = await prover.post(tokenUrl, refreshFields(refreshToken));
    expect(refreshed).toMatchObject({ status: 200, body: { token_type: "DPoP" } });
    expect(decodeJwt(String(refreshed.body["access_token"]))).toMatchObject({ cnf: { jkt: prover.thumbprint } });
  });

  test("O18 O21 a bound refresh token is good neither without a proof nor with another key", async () => {
    const prover = await Prover.make();
    const { refreshToken } = await boundTokens(prover);
    expect(await redeem(world, refreshFields(refreshToken))).toMatchObject(invalidGrant);
    expect(await (await Prover.make()).post(tokenUrl, refreshFields(refreshToken))).toMatchObject(invalidGrant);
    expect((await prover.post(tokenUrl, refreshFields(refreshToken))).status).toBe(200);
  });

  test("a client that lost the answer gets the same one again with its key", async () => {
    const prover = await Prover.make();
    const { refreshToken } = await boundTokens(prover);
    const first = await prover.post(tokenUrl, refreshFields(refreshToken));
    const again = await prover.post(tokenUrl, refreshFields(refreshToken));
    expect(again.body).toEqual(first.body);
  });

  test("O16 a used refresh token with another key ends the family, within the grace too", async () => {
    const prover = await Prover.make();
    const { refreshToken } = await boundTokens(prover);
    const { body } = await prover.post(tokenUrl, refreshFields(refreshToken));
    expect(await (await Prover.make()).post(tokenUrl, refreshFields(refreshToken))).toMatchObject(invalidGrant);
    expect(await prover.post(tokenUrl, refreshFields(String(body["refresh_token"])))).toMatchObject(invalidGrant);
  });

  test("O06 O21 a code that was asked for with a key is redeemed with that key alone", async () => {
    const prover = await Prover.make();
    const good = await freshCode({ dpop_jkt: prover.thumbprint });
    expect((await prover.post(tokenUrl, good)).status).toBe(200);
    const plain = await freshCode({ dpop_jkt: prover.thumbprint });
    expect(await redeem(world, plain)).toMatchObject(invalidGrant);
    const other = await freshCode({ dpop_jkt: prover.thumbprint });
    expect(await (await Prover.make()).post(tokenUrl, other)).toMatchObject(invalidGrant);
  });
});

describe("a proof", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const bad: readonly (readonly [string, (prover: Prover) => ProofChanges])[] = [
    ["another htu", () => ({ claims: { htu: "https://other.example/token" } })],
    ["another htm", () => ({ claims: { htm: "GET" } })],
    ["an iat 61 s ago", () => ({ claims: { iat: Math.floor(Date.now() / 1000) - 61 } })],
    ["an iat 61 s ahead", () => ({ claims: { iat: Math.floor(Date.now() / 1000) + 61 } })],
    ["no iat", () => ({ claims: { iat: undefined } })],
    ["no jti", () => ({ claims: { jti: undefined } })],
    ["another typ", () => ({ header: { typ: "JWT" } })],
    ["the private key in its header", (prover) => ({ header: { jwk: prover.privateJwk } })],
    ["no key in its header", () => ({ header: { jwk: undefined } })],
    ["a crit header", () => ({ header: { crit: ["x"], x: 1 } })],
  ];

  test.each(bad)("O20 with %s is refused", async (_name, change) => {
    const prover = await Prover.make();
    const { refreshToken } = await boundTokens(prover);
    // A second that passes would bring a proof of the future within the minute.
    vi.useFakeTimers({ toFake: ["Date"] });
    const refused = await attempt(prover, refreshToken, change(prover));
    expect(refused).toMatchObject({ status: 400, body: { error: "invalid_dpop_proof" } });
    expect((await prover.post(tokenUrl, refreshFields(refreshToken))).status).toBe(200);
  });

  test("O20 without algorithm, with a shared one, or signed by another key is refused", async () => {
    const prover = await Prover.make();
    const { refreshToken } = await boundTokens(prover);
    const nonce = await serverNonce(prover);
    const good = decodeJwt(await prover.prove(tokenUrl, nonce));
    const secret = createHash("sha256").update("x").digest();
    const other = await (await Prover.make()).prove(tokenUrl, nonce, { header: { jwk: prover.publicJwk } });
    const hs256 = new SignJWT(good).setProtectedHeader({ alg: "HS256", typ: "dpop+jwt", jwk: prover.publicJwk });
    for (const proof of [new UnsecuredJWT(good).encode(), await hs256.sign(secret), other]) {
      expect(await sendProof(proof, refreshToken)).toMatchObject({ status: 400, body: { error: "invalid_dpop_proof" } });
    }
    expect((await prover.post(tokenUrl, refreshFields(refreshToken))).status).toBe(200);
  });

  test("O20 is used once", async () => {
    const prover = await Prover.make();
    const { refreshToken } = await boundTokens(prover);
    const first = await prover.post(tokenUrl, refreshFields(refreshToken));
    expect(first.status).toBe(200);
    const replayed = await sendProof(first.proof, String(first.body["refresh_token"]));
    expect(replayed).toMatchObject(invalidGrant);
    expect((await prover.post(tokenUrl, refreshFields(String(first.body["refresh_token"])))).status).toBe(200);
  });

  test("O20 of 50 parallel uses of one proof one is good", async () => {
    const prover = await Prover.make();
    const codes = await freshCode();
    const proof = await prover.prove(tokenUrl, await serverNonce(prover));
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () =>
        readAnswer(await fetch(tokenUrl, { method: "POST", headers: { dpop: proof }, body: new URLSearchParams(codes) })),
      ),
    );
    expect(answers.filter((each) => each.status === 200)).toHaveLength(1);
    expect(answers.filter((each) => each.body["error"] === "invalid_grant")).toHaveLength(49);
  });

  test("O20 with a nonce that is not the wallet's is sent back for one", async () => {
    const prover = await Prover.make();
    const { refreshToken } = await boundTokens(prover);
    const refused = await sendProof(await prover.prove(tokenUrl, "a".repeat(43)), refreshToken);
    expect(refused).toMatchObject({ status: 400, body: { error: "use_dpop_nonce" } });
  });

  test("O20 two proofs in one request are refused", async () => {
    const prover = await Prover.make();
    const nonce = await serverNonce(prover);
    const proofs = [await prover.prove(tokenUrl, nonce), await prover.prove(tokenUrl, nonce)];
    const body = new URLSearchParams(await freshCode()).toString();
    const answer = await new Promise<string>((resolve, reject) => {
      const headers = { dpop: proofs, "content-type": "application/x-www-form-urlencoded", "content-length": String(body.length) };
      const sent = httpRequest(tokenUrl, { method: "POST", headers }, (response) => {
        let text = "";
        response.on("data", (chunk) => (text += String(chunk))).on("end", () => resolve(text));
      });
      sent.once("error", reject).end(body);
    });
    expect(JSON.parse(answer)).toMatchObject({ error: "invalid_dpop_proof" });
  });
});

async function attempt(prover: Prover, refreshToken: string, changes: ProofChanges) {
  return sendProof(await prover.prove(tokenUrl, await serverNonce(prover), changes), refreshToken);
}

async function sendProof(proof: string, refreshToken: string) {
  return readAnswer(await fetch(tokenUrl, { method: "POST", headers: { dpop: proof }, body: new URLSearchParams(refreshFields(refreshToken)) }));
}
