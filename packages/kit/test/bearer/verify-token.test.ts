import { createPublicKey } from "node:crypto";
import { parseIssuer, parseResourceUri } from "@countersign/protocol/resource";
import { type CryptoKey, exportSPKI, generateKeyPair, importJWK, SignJWT, UnsecuredJWT } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import { createKeySource } from "../../src/bearer/key-source.ts";
import { type BearerVerifier, createBearerVerifier } from "../../src/bearer/verify-token.ts";
import { createTestClock, type TestClock } from "../stand-ins/clock.ts";
import { createTestIssuer, type TestIssuer } from "../stand-ins/issuer.ts";

let clock: TestClock;
let issuer: TestIssuer;
let verifier: BearerVerifier;
let keyReads: number;

beforeEach(async () => {
  clock = createTestClock();
  keyReads = 0;
  issuer = await createTestIssuer(clock);
  verifier = verifierOf(issuer, clock);
});

function verifierOf(from: TestIssuer, at: TestClock, find: (alg: string) => CryptoKey | undefined = () => undefined): BearerVerifier {
  const id = parseIssuer(from.issuer);
  const resource = parseResourceUri("https://store.test/mcp");
  if (!id.ok || !resource.ok) throw new TypeError("bad test data");
  const keys = createKeySource({ issuer: id.value, fetch: from.fetch, clock: at.now });
  return createBearerVerifier({
    issuer: id.value,
    resource: resource.value,
    clock: at.now,
    cacheSizeMax: 5,
    keys: {
      ...keys,
      async key(header, input) {
        keyReads += 1;
        return find(header.alg ?? "") ?? (await keys.key(header, input));
      },
    },
  });
}

async function stateOf(token: string): Promise<string> {
  return (await verifier.judge(`Bearer ${token}`)).state;
}

describe("a bearer token", () => {
  test("of this issuer for this resource is valid and says who calls", async () => {
    const judged = await verifier.judge(`Bearer ${await issuer.token({ scope: "orders:read payment:pr_1" })}`);
    expect(judged).toMatchObject({ state: "valid", subject: "usr_1", clientId: "host", scope: new Set(["orders:read", "payment:pr_1"]) });
    expect(JSON.stringify(judged)).not.toContain("eyJ");
  });

  test("no header is none; another scheme or a broken value is invalid", async () => {
    const token = await issuer.token();
    expect(await verifier.judge(null)).toEqual({ state: "none" });
    expect((await verifier.judge(`bearer ${token}`)).state).toBe("valid");
    for (const value of [
      "",
      "Bearer",
      "Bearer ",
      `Basic ${token}`,
      `DPoP ${token}`,
      token,
      `Bearer ${token}, Bearer ${token}`,
      `Bearer  ${token}`,
      "Bearer x",
    ]) {
      expect((await verifier.judge(value)).state).toBe("invalid");
    }
  });

  test("O23 with another audience is invalid: another server's, none, or this one among others", async () => {
    expect(await stateOf(await issuer.token())).toBe("valid");
    expect(await stateOf(await issuer.token({ aud: ["https://store.test/mcp"] }))).toBe("valid");
    const others = ["https://other.test/mcp", "https://store.test", "https://store.test/mcp/", "https://wallet.test/userinfo", undefined, []];
    for (const aud of [...others, ["https://store.test/mcp", "https://other.test/mcp"]])
      expect(await stateOf(await issuer.token({ aud }))).toBe("invalid");
  });

  test("of another issuer, or without a required claim, is invalid", async () => {
    expect(await stateOf(await issuer.token({ iss: "https://wallet.test/" }))).toBe("invalid");
    for (const claim of ["iss", "sub", "client_id", "jti", "iat", "exp"])
      expect(await stateOf(await issuer.token({ [claim]: undefined }))).toBe("invalid");
    expect(await stateOf(await issuer.token({ sub: "" }))).toBe("invalid");
    expect(await stateOf(await issuer.token({ client_id: 7 }))).toBe("invalid");
    expect(await stateOf(await issuer.token({ scope: ["orders:read"] }))).toBe("invalid");
    expect(await stateOf(await issuer.token({ scope: 'a"b' }))).toBe("invalid");
  });

  test("without scope is valid and holds none", async () => {
    expect(await verifier.judge(`Bearer ${await issuer.token({ scope: undefined })}`)).toMatchObject({ state: "valid", scope: new Set() });
  });

  test("that is bound to a key is invalid, because nothing here checks the proof", async () => {
    expect(await stateOf(await issuer.token({ cnf: { jkt: "x" } }))).toBe("invalid");
  });

  test("expires to the second, also when it was verified before", async () => {
    const token = await issuer.token();
    expect(await stateOf(token)).toBe("valid");
    clock.advance(299_000);
    expect(await stateOf(token)).toBe("valid");
    clock.advance(1_000);
    expect(await stateOf(token)).toBe("invalid");
    expect(await stateOf(await issuer.token({ nbf: Math.floor(clock.now() / 1000) + 10 }))).toBe("invalid");
  });
});

describe("O22 a forged token is invalid", () => {
  const claims = () => ({
    iss: issuer.issuer,
    aud: "https://store.test/mcp",
    sub: "usr_1",
    client_id: "host",
    jti: "1",
    iat: now(),
    exp: now() + 60,
  });
  const now = () => Math.floor(clock.now() / 1000);

  test("algorithm none", async () => {
    expect(await stateOf(await issuer.token())).toBe("valid");
    expect(await stateOf(new UnsecuredJWT(claims()).encode())).toBe("invalid");
    const [, body] = (await issuer.token()).split(".");
    const header = Buffer.from(JSON.stringify({ alg: "none", typ: "at+jwt", kid: "key-1" })).toString("base64url");
    expect(await stateOf(`${header}.${body}.`)).toBe("invalid");
  });

  test("HS256 with the public key as the secret", async () => {
    const jwk = issuer.publicKeys()[0];
    if (!jwk) throw new TypeError("no key");
    const key = await importJWK(jwk, "ES256");
    if (key instanceof Uint8Array) throw new TypeError("not a public key");
    const secrets = [
      await exportSPKI(key),
      JSON.stringify(jwk),
      createPublicKey({ key: { ...jwk }, format: "jwk" }).export({ format: "der", type: "spki" }),
    ];
    for (const secret of secrets) {
      const bytes = typeof secret === "string" ? new TextEncoder().encode(secret) : new Uint8Array(secret);
      expect(await stateOf(await new SignJWT(claims()).setProtectedHeader({ alg: "HS256", typ: "at+jwt", kid: "key-1" }).sign(bytes))).toBe(
        "invalid",
      );
    }
  });

  test("an algorithm outside the list, even if a key for it were found", async () => {
    const secret = new TextEncoder().encode("a shared secret of thirty-two bytes");
    const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
    const published = await generateKeyPair("ES384");
    const finding = { HS256: key, ES384: published.publicKey };
    const lenient = verifierOf(issuer, clock, (alg) => (alg === "HS256" || alg === "ES384" ? finding[alg] : undefined));
    for (const [alg, signer] of [
      ["HS256", secret],
      ["ES384", published.privateKey],
    ] as const) {
      const token = await new SignJWT(claims()).setProtectedHeader({ alg, typ: "at+jwt", kid: "key-1" }).sign(signer);
      expect((await lenient.judge(`Bearer ${token}`)).state).toBe("invalid");
    }
    expect((await lenient.judge(`Bearer ${await issuer.token()}`)).state).toBe("valid");
  });

  test("the wrong type: an id token, a bare JWT, no type", async () => {
    for (const typ of ["JWT", "id+jwt", "logout+jwt", "dc+sd-jwt", "at+jwt;x", undefined])
      expect(await stateOf(await issuer.token({}, { typ }))).toBe("invalid");
    expect(await stateOf(await issuer.token({}, { typ: "application/at+jwt" }))).toBe("valid");
  });

  test("a key of the attacker's own, in the header or under a published id", async () => {
    const mine = await generateKeyPair("ES256", { extractable: true });
    const sign = (header: Record<string, unknown>) =>
      new SignJWT(claims()).setProtectedHeader({ alg: "ES256", typ: "at+jwt", ...header }).sign(mine.privateKey);
    const { publicKey } = mine;
    const jwk = await crypto.subtle.exportKey("jwk", publicKey);
    const before = issuer.reads.get("/jwks") ?? 0;
    for (const header of [
      { kid: "key-1" },
      { kid: "key-1", jwk },
      { kid: "key-1", jku: "https://evil.test/jwks" },
      { kid: "key-1", x5u: "https://evil.test/x" },
    ]) {
      expect(await stateOf(await sign(header))).toBe("invalid");
    }
    expect([...issuer.reads.keys()].every((path) => path === "/jwks" || path.startsWith("/.well-known"))).toBe(true);
    expect((issuer.reads.get("/jwks") ?? 0) - before).toBeLessThanOrEqual(1);
  });

  test("a key id that is a path, a query, too long, no text, or absent", async () => {
    for (const kid of ["../../dev/null", "key-1' OR '1'='1", "k".repeat(201), "", 1, undefined]) {
      expect(await stateOf(await issuer.token({}, { kid }))).toBe("invalid");
    }
  });

  test("a critical header that nobody understands", async () => {
    const token = await issuer.token();
    const header = Buffer.from(JSON.stringify({ alg: "ES256", kid: "key-1", typ: "at+jwt", crit: ["exp"], exp: 1 })).toString("base64url");
    const [, body, signature] = token.split(".");
    expect(await stateOf(`${header}.${body}.${signature}`)).toBe("invalid");
  });

  test("a changed claim, a cut signature, a megabyte", async () => {
    const [header, body, signature] = (await issuer.token()).split(".");
    const changed = Buffer.from(JSON.stringify({ ...claims(), sub: "usr_2" })).toString("base64url");
    expect(await stateOf(`${header}.${changed}.${signature}`)).toBe("invalid");
    expect(await stateOf(`${header}.${body}.${signature?.slice(0, -4)}`)).toBe("invalid");
    expect(await stateOf(`${header}.${body}.`)).toBe("invalid");
    expect(await stateOf(`${header}.${body}.${"A".repeat(1_000_000)}`)).toBe("invalid");
  });
});

describe("remembered tokens", () => {
  test("a verified token is not verified again for a minute, a refused one every time", async () => {
    const token = await issuer.token();
    for (const advance of [0, 0, 59_999]) {
      clock.advance(advance);
      expect(await stateOf(token)).toBe("valid");
    }
    expect(keyReads).toBe(1);
    clock.advance(1);
    expect(await stateOf(token)).toBe("valid");
    expect(keyReads).toBe(2);
    const bad = await issuer.token({ aud: "https://other.test" });
    for (const each of [3, 4]) {
      expect(await stateOf(bad)).toBe("invalid");
      expect(keyReads).toBe(each);
    }
  });

  test("there is room for a bounded number of them", async () => {
    const first = await issuer.token({ jti: "first" });
    await stateOf(first);
    const others = await Promise.all(Array.from({ length: 5 }, (_, index) => issuer.token({ jti: `other-${index}` })));
    for (const each of others) await stateOf(each);
    keyReads = 0;
    await stateOf(others[4] ?? "");
    expect(keyReads).toBe(0);
    await stateOf(first);
    expect(keyReads).toBe(1);
  });

  test("a token is never valid because another one was", async () => {
    const token = await issuer.token();
    expect(await stateOf(token)).toBe("valid");
    expect(await stateOf(`${token}A`)).toBe("invalid");
    expect(await stateOf(token.slice(0, -1))).toBe("invalid");
  });
});
