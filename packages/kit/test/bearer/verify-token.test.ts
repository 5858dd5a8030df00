import { createPublicKey } from "node:crypto";
import { parseResourceUri } from "@countersign/protocol/resource";
import { type CryptoKey, exportSPKI, generateKeyPair, importJWK, SignJWT, UnsecuredJWT } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import { type IssuerOptions, readIssuerOptions } from "../../src/bearer/issuer-options.ts";
import { createKeySource } from "../../src/bearer/key-source.ts";
import { createJwtReader } from "../../src/bearer/read-jwt.ts";
import { type BearerVerifier, createBearerVerifier } from "../../src/bearer/verify-token.ts";
import { createScopeHierarchy } from "../../src/policy/scope-hierarchy.ts";
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

interface VerifierChanges {
  readonly issuer?: Omit<IssuerOptions, "issuer">;
  /** Finds a key in place of the issuer's. */
  readonly find?: (alg: string) => CryptoKey | undefined;
}

function verifierOf(from: TestIssuer, at: TestClock, { issuer: options, find = () => undefined }: VerifierChanges = {}): BearerVerifier {
  const resource = parseResourceUri("https://store.test/mcp");
  if (!resource.ok) throw new TypeError("bad test data");
  const trusted = readIssuerOptions({ ...options, issuer: from.issuer }, resource.value);
  const source = createKeySource({ issuer: trusted.issuer, fetch: from.fetch, clock: at.now });
  const keys = {
    ...source,
    async key(...[header, input]: Parameters<typeof source.key>) {
      keyReads += 1;
      return find(header.alg ?? "") ?? (await source.key(header, input));
    },
  };
  const read = createJwtReader({ trusted, keys, clock: at.now });
  return createBearerVerifier({ read, scopes: createScopeHierarchy(), clock: at.now, cacheSizeMax: 5 });
}

async function stateOf(token: string): Promise<string> {
  return (await verifier.judge(`Bearer ${token}`)).state;
}

describe("a bearer token", () => {
  test("of this issuer for this resource is valid and says who calls", async () => {
    const judged = await verifier.judge(`Bearer ${await issuer.token({ scope: "orders:read payment:pr_1" })}`);
    expect(judged).toMatchObject({ state: "valid", subject: "usr_1", clientId: "host", scope: new Set(["orders:read", "payment:pr_1"]) });
    expect(JSON.stringify(judged)).not.toMatch(/eyJ[\w-]{10,}\.[\w-]/);
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

  test("L06 O23 with another audience is invalid: another server's, none, or this one among others", async () => {
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
    expect(await stateOf(await issuer.token({ cnf: { jkt: "A".repeat(43) } }))).toBe("invalid");
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
    const lenient = verifierOf(issuer, clock, { find: (alg) => (alg === "HS256" || alg === "ES384" ? finding[alg] : undefined) });
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
    expect(await stateOf(await issuer.token({}, { kid: "key-1" }))).toBe("valid");
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

  test("more than 8192 characters, however well signed", async () => {
    expect(await stateOf(await issuer.token({ long: "x".repeat(5000) }))).toBe("valid");
    expect(await stateOf(await issuer.token({ long: "x".repeat(8000) }))).toBe("invalid");
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

describe("a server without RFC 9068", () => {
  const older = { jti: undefined, client_id: undefined, scope: undefined };
  let lenient: BearerVerifier;
  const judge = async (claims: Record<string, unknown>, header: Record<string, unknown> = { typ: "JWT" }) =>
    await lenient.judge(`Bearer ${await issuer.token({ ...older, azp: "web", scp: "orders:read", ...claims }, header)}`);

  beforeEach(() => {
    lenient = verifierOf(issuer, clock, { issuer: { tokens: "jwt" } });
  });

  test("is trusted when the setting says so, and only then", async () => {
    expect(await judge({})).toMatchObject({ state: "valid", clientId: "web", scope: new Set(["orders:read"]) });
    expect(await stateOf(await issuer.token({ ...older, azp: "web", scp: "orders:read" }, { typ: "JWT" }))).toBe("invalid");
    for (const typ of [undefined, "at+jwt", "application/at+jwt", "jwt"]) expect((await judge({}, { typ })).state).toBe("valid");
  });

  test("names scopes and client where servers do, as text or list", async () => {
    const both = new Set(["orders:read", "orders:write"]);
    for (const claims of [
      { scope: "orders:read orders:write" },
      { scope: ["orders:read", "orders:write"] },
      { scp: ["orders:read", "orders:write"] },
      { scp: "orders:write orders:read" },
    ])
      expect(await judge({ scp: undefined, ...claims })).toMatchObject({ state: "valid", scope: both });
    for (const name of ["client_id", "cid", "appid"]) expect(await judge({ azp: undefined, [name]: "c" })).toMatchObject({ clientId: "c" });
    for (const scp of [["orders:read", 7], ["a".repeat(257)], { "orders:read": true }, 7]) expect((await judge({ scp })).state).toBe("invalid");
    expect((await judge({ azp: undefined })).state).toBe("invalid");
  });

  test("O22 its ID, logout and refresh tokens are no access tokens, though the same keys sign them", async () => {
    expect((await judge({})).state).toBe("valid");
    const others: readonly Record<string, unknown>[] = [
      { nonce: "n" },
      { at_hash: "h" },
      { c_hash: "h" },
      { events: {} },
      { token_use: "id" },
      { typ: "ID" },
      { typ: "Refresh" },
      { scp: undefined },
    ];
    for (const claims of others) expect((await judge(claims)).state).toBe("invalid");
    for (const typ of ["id+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt", 7]) expect((await judge({}, { typ })).state).toBe("invalid");
    expect((await judge({ token_use: "access" })).state).toBe("valid");
    expect((await judge({ typ: "Bearer" })).state).toBe("valid");
  });

  test("O23 that names the app otherwise is believed for that name alone, for several audiences only when told so", async () => {
    const api = "api://shop";
    const named = verifierOf(issuer, clock, { issuer: { audience: api } });
    const among = verifierOf(issuer, clock, { issuer: { audience: api, allowFurtherAudiences: true } });
    const stateAt = async (from: BearerVerifier, aud: unknown) => (await from.judge(`Bearer ${await issuer.token({ aud })}`)).state;
    expect(await stateAt(named, api)).toBe("valid");
    expect(await stateAt(among, [api, "https://wallet.test/userinfo"])).toBe("valid");
    for (const aud of ["https://store.test/mcp", "api://shop/", "api://other", [api, "https://wallet.test/userinfo"]])
      expect(await stateAt(named, aud)).toBe("invalid");
    for (const aud of ["https://store.test/mcp", ["api://other", "https://wallet.test/userinfo"], []])
      expect(await stateAt(among, aud)).toBe("invalid");
  });

  test("that leaves the API's name out of a token's scopes gets it back, so that a tool names what is asked for", async () => {
    const prefixed = verifierOf(issuer, clock, { issuer: { tokens: "jwt", scopePrefix: "api://shop/" } });
    const token = await issuer.token({ ...older, azp: "web", scp: "orders.read" }, { typ: "JWT" });
    expect(await prefixed.judge(`Bearer ${token}`)).toMatchObject({ scope: new Set(["api://shop/orders.read"]) });
  });

  test("is not trusted by options that are none", () => {
    expect(() => verifierOf(issuer, clock, { issuer: { audience: "" } })).toThrow(/audience/);
    expect(() => verifierOf(issuer, clock, { issuer: { scopePrefix: "two words" } })).toThrow(/scope/);
  });
});

describe("what has ended at the issuer", () => {
  test("is refused from then on: a token, a grant, a subject", async () => {
    const names = [{ token: "t-1" }, { grant: "g-1" }, { subject: "usr_1" }];
    for (const name of names) {
      const fresh = verifierOf(issuer, clock);
      const mine = await issuer.token({ jti: "t-1", gid: "g-1" });
      const others = await issuer.token({ jti: "t-2", gid: "g-2", sub: "usr_2" });
      for (const token of [mine, others]) expect((await fresh.judge(`Bearer ${token}`)).state).toBe("valid");
      fresh.forget(name);
      expect((await fresh.judge(`Bearer ${mine}`)).state).toBe("invalid");
      expect((await fresh.judge(`Bearer ${others}`)).state).toBe("valid");
      expect((await fresh.judge(`Bearer ${await issuer.token({ jti: "t-1", gid: "g-1", iat: now() - 1 })}`)).state).toBe("invalid");
    }
  });

  test("a subject's later tokens are good again", async () => {
    verifier.forget({ subject: "usr_1" });
    expect(await stateOf(await issuer.token())).toBe("invalid");
    clock.advance(1000);
    expect(await stateOf(await issuer.token())).toBe("valid");
  });

  test("a token whose reading was under way is not remembered", async () => {
    const token = await issuer.token({ jti: "t-1" });
    const judged = verifier.judge(`Bearer ${token}`);
    verifier.forget({ token: "t-1" });
    expect((await judged).state).toBe("invalid");
  });

  const now = () => Math.floor(clock.now() / 1000);
});
