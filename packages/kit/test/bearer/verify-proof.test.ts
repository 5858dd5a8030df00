import { createHmac } from "node:crypto";
import { parseResourceUri } from "@countersign/protocol/resource";
import { UnsecuredJWT } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import { createProofNonces } from "../../src/bearer/proof-nonces.ts";
import { createUsedProofs } from "../../src/bearer/used-proofs.ts";
import { createProofVerifier, type DpopOptions, type ProofVerifier } from "../../src/bearer/verify-proof.ts";
import { createTestClock, type TestClock } from "../stand-ins/clock.ts";
import { createProver, type Prover } from "../stand-ins/prover.ts";

const token = "a-token";
const nonceKey = "n".repeat(32);
let clock: TestClock;
let prover: Prover;
let verifier: ProofVerifier;

beforeEach(async () => {
  clock = createTestClock();
  prover = await createProver(clock);
  verifier = verifierOf();
});

function verifierOf(options: Partial<DpopOptions> = {}): ProofVerifier {
  const resource = parseResourceUri("https://store.test/mcp");
  if (!resource.ok) throw new TypeError("bad test data");
  return createProofVerifier({ tokens: "accepted", ...options }, { resource: resource.value, clock: clock.now });
}

/** Judges a request with these proofs, whose Host is as hostile as it likes. */
function judge(proofs: string | readonly string[], from: ProofVerifier = verifier, thumbprint: string = prover.thumbprint): Promise<string> {
  const request = new Request("https://evil.test/other?x=1", { method: "POST", headers: { host: "evil.test" } });
  for (const proof of [proofs].flat()) request.headers.append("dpop", proof);
  return from.verify(request, token, thumbprint);
}

describe("a proof", () => {
  test("of the token's key, for this endpoint and token, is good", async () => {
    expect(await judge(await prover.prove(token))).toBe("good");
    expect(await judge(await prover.prove(token, { htu: "https://STORE.test:443/mcp?query#fragment" }))).toBe("good");
    const edwards = await createProver(clock, "EdDSA");
    expect(await judge(await edwards.prove(token), verifier, edwards.thumbprint)).toBe("good");
  });

  const wrongClaims: readonly [what: string, claims: Record<string, unknown>][] = [
    ["another method", { htm: "GET" }],
    ["the method in small letters", { htm: "post" }],
    ["another path", { htu: "https://store.test/mcp/" }],
    ["another host, though the request names it too", { htu: "https://evil.test/other" }],
    ["another scheme", { htu: "http://store.test/mcp" }],
    ["a host behind a user name", { htu: "https://user@store.test/mcp" }],
    ["no address", { htu: undefined }],
    ["no URL", { htu: "/mcp" }],
    ["another token", { ath: "A".repeat(43) }],
    ["no token", { ath: undefined }],
    ["no id", { jti: undefined }],
    ["an empty id", { jti: "" }],
    ["an id of a kilobyte", { jti: "j".repeat(1024) }],
    ["a number as id", { jti: 7 }],
    ["no time", { iat: undefined }],
    ["a text as time", { iat: "now" }],
  ];
  test.each(wrongClaims)("O20 for %s is refused", async (_what, claims) => {
    expect(await judge(await prover.prove(token))).toBe("good");
    expect(await judge(await prover.prove(token, claims))).toBe("invalid_dpop_proof");
  });

  test("O20 more than a minute away is refused, on either side", async () => {
    const now = Math.floor(clock.now() / 1000);
    for (const iat of [now - 60, now + 60]) expect(await judge(await prover.prove(token, { iat }))).toBe("good");
    for (const iat of [now - 61, now + 61, 0, Number.MAX_SAFE_INTEGER])
      expect(await judge(await prover.prove(token, { iat }))).toBe("invalid_dpop_proof");
  });

  test("O20 is good once, also when it comes twice at the same time, and as long as it is fresh", async () => {
    const proof = await prover.prove(token, { iat: Math.floor(clock.now() / 1000) + 60 });
    expect((await Promise.all([judge(proof), judge(proof), judge(proof)])).toSorted()).toEqual(["good", "invalid_dpop_proof", "invalid_dpop_proof"]);
    clock.advance(120_000);
    expect(await judge(proof)).toBe("invalid_dpop_proof");
  });

  test("O20 with an id that another key has used is good", async () => {
    const other = await createProver(clock);
    expect(await judge(await prover.prove(token, { jti: "same" }))).toBe("good");
    expect(await judge(await other.prove(token, { jti: "same" }), verifier, other.thumbprint)).toBe("good");
  });

  test("O20 by another key than the token's is refused", async () => {
    const other = await createProver(clock);
    expect(await judge(await other.prove(token))).toBe("invalid_dpop_proof");
    expect(await judge(await other.prove(token, {}, { jwk: prover.publicJwk }))).toBe("invalid_dpop_proof");
  });

  test("O20 that is missing, twice there, unsigned, of another type, or with a secret inside is refused", async () => {
    const good = await prover.prove(token);
    const [header = "", payload = ""] = good.split(".");
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const mac = (head: string): string => createHmac("sha256", JSON.stringify(prover.publicJwk)).update(`${head}.${payload}`).digest("base64url");
    const hs256 = encode({ alg: "HS256", typ: "dpop+jwt", jwk: prover.publicJwk });
    const symmetric = encode({ alg: "HS256", typ: "dpop+jwt", jwk: { kty: "oct", k: "c2VjcmV0" } });
    const bad = [
      [],
      [await prover.prove(token), await prover.prove(token)],
      new UnsecuredJWT({}).encode(),
      `${encode({ alg: "none", typ: "dpop+jwt", jwk: prover.publicJwk })}.${payload}.`,
      `${hs256}.${payload}.${mac(hs256)}`,
      `${symmetric}.${payload}.${mac(symmetric)}`,
      `${header}.${payload}.`,
      await prover.prove(token, {}, { typ: "JWT" }),
      await prover.prove(token, {}, { typ: undefined }),
      await prover.prove(token, {}, { jwk: prover.privateJwk }),
      await prover.prove(token, {}, { jwk: undefined }),
      await prover.prove(token, {}, { jwk: undefined, kid: "key-1" }),
      await prover.prove(token, {}, { crit: ["x"], x: 1 }),
      await prover.prove(token, { more: "x".repeat(4096) }),
      "",
    ];
    for (const proofs of bad) expect(await judge(proofs)).toBe("invalid_dpop_proof");
    expect(await judge(good)).toBe("good");
  });
});

describe("a nonce", () => {
  const fresh = (): string => createProofNonces(nonceKey, clock.now).current();

  test("O20 has to be one of the last two minutes where the app wants one", async () => {
    const wanting = verifierOf({ nonceKey });
    const first = fresh();
    expect(await judge(await prover.prove(token), wanting)).toBe("use_dpop_nonce");
    expect(await judge(await prover.prove(token, { nonce: "other" }), wanting)).toBe("use_dpop_nonce");
    expect(await judge(await prover.prove(token, { nonce: first }), wanting)).toBe("good");
    clock.advance(60_000);
    expect(fresh()).not.toBe(first);
    expect(await judge(await prover.prove(token, { nonce: first }), wanting)).toBe("good");
    clock.advance(60_000);
    expect(await judge(await prover.prove(token, { nonce: first }), wanting)).toBe("use_dpop_nonce");
  });

  test("that is missing does not use up the proof, and a wrong proof is not told a nonce", async () => {
    const wanting = verifierOf({ nonceKey });
    expect(await judge(await prover.prove(token, { jti: "one" }), wanting)).toBe("use_dpop_nonce");
    expect(await judge(await prover.prove(token, { jti: "one", nonce: fresh() }), wanting)).toBe("good");
    expect(await judge(await prover.prove(token, { htm: "GET" }), wanting)).toBe("invalid_dpop_proof");
  });

  test("is known to every instance with the key, and to no other", () => {
    const [one, two, other] = [nonceKey, nonceKey, "o".repeat(32)].map((key) => createProofNonces(key, clock.now));
    expect(two?.isFresh(one?.current() ?? "")).toBe(true);
    expect(other?.isFresh(one?.current() ?? "")).toBe(false);
    expect(() => createProofNonces("short", clock.now)).toThrow(/32/);
  });
});

describe("used proofs", () => {
  test("are kept where the app says, which then decides", async () => {
    const asked: string[] = [];
    const shared = verifierOf({ isFirstUse: (id) => Promise.resolve(asked.push(id) === 1) });
    expect(await judge(await prover.prove(token), shared)).toBe("good");
    expect(await judge(await prover.prove(token), shared)).toBe("invalid_dpop_proof");
    expect(asked[0]).toMatch(/^[\w-]{43}$/);
  });

  test("that nobody can look up make a request unverifiable, not good", async () => {
    const lost = verifierOf({ isFirstUse: () => Promise.reject(new TypeError("no database")) });
    expect(await judge(await prover.prove(token), lost)).toBe("unverifiable");
  });

  test("have bounded room: none is forgotten before its time, and room comes back with time", async () => {
    const isFirstUse = createUsedProofs(clock.now, 2);
    expect(await isFirstUse("a", clock.now() + 1000)).toBe(true);
    expect(await isFirstUse("b", clock.now() + 2000)).toBe(true);
    await expect(isFirstUse("c", clock.now() + 1000)).rejects.toThrow(/room/);
    expect(await isFirstUse("a", clock.now() + 1000)).toBe(false);
    clock.advance(1000);
    expect(await isFirstUse("c", clock.now() + 1000)).toBe(true);
    expect(await isFirstUse("b", clock.now() + 1000)).toBe(false);
  });
});
