import { parseCheckoutTerms } from "@countersign/protocol/payment";
import { decodeJwt, decodeProtectedHeader, generateKeyPair, importJWK, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { createPayee } from "../../src/payment/payee.ts";
import { generateSigningKey } from "../../src/payment/signing-key.ts";
import { createTestClock } from "../stand-ins/clock.ts";
import { terms } from "../stand-ins/wallet.ts";

const wallet = "https://wallet.test";

test("a key given as a private JWK and one that cannot be exported sign alike", async () => {
  const clock = createTestClock();
  const generated = await generateSigningKey();
  const sealed = await generateKeyPair("ES256", { extractable: false });
  const publicKey = await crypto.subtle.exportKey("jwk", sealed.publicKey);
  const keys = [generated, { kid: "sealed", privateKey: sealed.privateKey, publicKey: { ...publicKey, kty: "EC" } }];
  for (const signingKey of keys) {
    const payee = createPayee({ wallet, clientId: "store", signingKey, clock: clock.now });
    const [published] = payee.publicKeys().keys;
    const assertion = (await payee.assertion("https://bank.test")).reveal();
    const { payload } = await jwtVerify(assertion, await importJWK({ ...published }, "ES256"), { currentDate: new Date(clock.now()) });
    expect(payload).toMatchObject({ iss: "store", sub: "store", aud: "https://bank.test" });
    expect(Number(payload.exp) - Number(payload.iat)).toBe(60);
    expect(decodeProtectedHeader(assertion)).toEqual({ alg: "ES256", kid: signingKey.kid, typ: "JWT" });
  }
});

test("no two assertions are equal", async () => {
  const payee = createPayee({ wallet, clientId: "store", signingKey: await generateSigningKey() });
  const ids = await Promise.all(Array.from({ length: 50 }, async () => decodeJwt((await payee.assertion(wallet)).reveal()).jti));
  expect(new Set(ids).size).toBe(50);
});

test("a signed checkout says what the wallet needs, for at most 30 minutes", async () => {
  const clock = createTestClock();
  const payee = createPayee({ wallet, clientId: "store", signingKey: await generateSigningKey(), clock: clock.now });
  const signed = await payee.signCheckout(terms);
  const claims = decodeJwt(signed.jwt);
  expect(decodeProtectedHeader(signed.jwt)).toMatchObject({ alg: "ES256", typ: "checkout+jwt" });
  expect(claims).toMatchObject({ iss: "store", aud: wallet, jti: expect.any(String) });
  expect(parseCheckoutTerms(claims["checkout"])).toEqual({ ok: true, value: terms });
  expect(Number(claims.exp) - Number(claims.iat)).toBeLessThanOrEqual(1800);
  expect(signed.expiresAt).toBe(Number(claims.exp) * 1000);
});

test("a payee is not built from a wrong key or wallet, and signs no malformed terms", async () => {
  const signingKey = await generateSigningKey();
  const wrong = { ...signingKey, privateKey: { ...signingKey.privateKey, crv: "P-384" } };
  expect(() => createPayee({ wallet, clientId: "store", signingKey: wrong })).toThrow(TypeError);
  expect(() => createPayee({ wallet: "http://wallet.test", clientId: "store", signingKey })).toThrow(TypeError);
  const payee = createPayee({ wallet, clientId: "store", signingKey });
  await expect(payee.signCheckout({ ...terms, amount: 1 })).rejects.toThrow(TypeError);
});
