import { parseResourceUri } from "@countersign/protocol/resource";
import { importJWK, jwtVerify } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import { createIntrospector } from "../../src/bearer/introspect-token.ts";
import { type IntrospectionClient, readIssuerOptions } from "../../src/bearer/issuer-options.ts";
import { type BearerVerifier, createBearerVerifier } from "../../src/bearer/verify-token.ts";
import { generateSigningKey } from "../../src/payment/signing-key.ts";
import { createScopeHierarchy } from "../../src/policy/scope-hierarchy.ts";
import { createTestClock, type TestClock } from "../stand-ins/clock.ts";
import { activeAnswer, addIntrospection, type TestIntrospection } from "../stand-ins/introspection.ts";
import { createTestIssuer, type TestIssuer } from "../stand-ins/issuer.ts";

const secret = "a-secret-of-the-server";
let clock: TestClock;
let issuer: TestIssuer;
let introspection: TestIntrospection;
let verifier: BearerVerifier;

beforeEach(async () => {
  clock = createTestClock();
  issuer = await createTestIssuer(clock);
  introspection = addIntrospection(issuer);
  introspection.answers.set("good", activeAnswer);
  verifier = verifierOf({ clientId: "store", clientSecret: secret });
});

function verifierOf(client: IntrospectionClient): BearerVerifier {
  const resource = parseResourceUri("https://store.test/mcp");
  if (!resource.ok) throw new TypeError("bad test data");
  const trusted = readIssuerOptions({ issuer: issuer.issuer, tokens: client }, resource.value);
  const read = createIntrospector({ trusted, client, fetch: (url, init) => issuer.fetch(url, init), clock: clock.now });
  return createBearerVerifier({ read, scopes: createScopeHierarchy(), clock: clock.now, cacheSizeMax: 5 });
}

async function stateOf(token: string, from: BearerVerifier = verifier): Promise<string> {
  return (await from.judge(`Bearer ${token}`)).state;
}

async function stateFor(change: Record<string, unknown>): Promise<string> {
  const token = `token-${introspection.answers.size}`;
  introspection.answers.set(token, Object.fromEntries(Object.entries({ ...activeAnswer, ...change }).filter(([, each]) => each !== undefined)));
  return await stateOf(token);
}

describe("a token that only its issuer can read", () => {
  test("is good when the issuer says so, and says who calls", async () => {
    expect(await verifier.judge("Bearer good")).toMatchObject({
      state: "valid",
      subject: "usr_1",
      clientId: "host",
      scope: new Set(["orders:read"]),
    });
    expect(await stateOf("other")).toBe("invalid");
    expect(await stateFor({ active: false })).toBe("invalid");
  });

  test("O23 is good for this server alone, from this issuer alone", async () => {
    expect(await stateFor({})).toBe("valid");
    expect(await stateFor({ aud: ["https://store.test/mcp"], iss: "https://wallet.test" })).toBe("valid");
    for (const aud of [undefined, "https://other.test/mcp", ["https://store.test/mcp", "https://other.test/mcp"], "https://wallet.test/userinfo"])
      expect(await stateFor({ aud })).toBe("invalid");
    expect(await stateFor({ iss: "https://evil.test" })).toBe("invalid");
  });

  test("O22 is no refresh or ID token, which some issuers call active too", async () => {
    for (const change of [
      { token_type: undefined },
      { token_type: "N_A" },
      { token_type: "refresh_token" },
      { token_use: "refresh_token" },
      { token_use: "id" },
    ])
      expect(await stateFor(change)).toBe("invalid");
    expect(await stateFor({ token_use: "access_token", token_type: "bearer" })).toBe("valid");
  });

  test("is refused when it has expired, is not good yet, or what is said of it is not whole", async () => {
    const now = Math.floor(clock.now() / 1000);
    for (const change of [
      { exp: now },
      { nbf: now + 10 },
      { exp: "soon" },
      { sub: undefined },
      { client_id: undefined },
      { scope: 'a"b' },
      { cnf: { "x5t#S256": "x" } },
    ])
      expect(await stateFor(change)).toBe("invalid");
    expect(await stateFor({ exp: now + 10, nbf: now, scope: undefined })).toBe("valid");
  });
});

describe("the issuer", () => {
  test("is asked once a minute about a good token, each time about any other, and once by all who ask at the same time", async () => {
    await Promise.all(["good", "good", "good"].map((token) => stateOf(token)));
    clock.advance(59_999);
    expect(await stateOf("good")).toBe("valid");
    expect(introspection.asked.map((each) => each.token)).toEqual(["good"]);
    clock.advance(1);
    introspection.answers.clear();
    expect(await stateOf("good")).toBe("invalid");
    expect(await stateOf("good")).toBe("invalid");
    expect(introspection.asked.length).toBe(3);
  });

  test("is asked again at once about what is said to have ended", async () => {
    introspection.answers.set("good", { ...activeAnswer, jti: "t-1" });
    expect(await stateOf("good")).toBe("valid");
    introspection.answers.clear();
    expect(await stateOf("good")).toBe("valid");
    verifier.forget({ token: "t-1" });
    expect(await stateOf("good")).toBe("invalid");
  });

  test("is told who asks: by header, by form where it lists that alone, or by a signed assertion", async () => {
    await stateOf("good");
    expect(introspection.asked[0]?.authorization).toBe(`Basic ${btoa(`store:${secret.replaceAll("-", "%2D")}`)}`);
    issuer.metadata["introspection_endpoint_auth_methods_supported"] = ["client_secret_post"];
    await stateOf("good", verifierOf({ clientId: "store", clientSecret: secret }));
    expect(introspection.asked[1]?.form.get("client_secret")).toBe(secret);
    const signingKey = await generateSigningKey();
    await stateOf("good", verifierOf({ clientId: "store", signingKey }));
    const { d: _secret, ...publicJwk } = signingKey.privateKey;
    const key = await importJWK(publicJwk, "ES256");
    const { payload } = await jwtVerify(introspection.asked[2]?.form.get("client_assertion") ?? "", key, { audience: issuer.issuer });
    expect(payload).toMatchObject({ iss: "store", sub: "store" });
  });

  const failures: readonly [what: string, answer: () => Response][] = [
    ["an error of its own", () => new Response(null, { status: 500 })],
    ["that it does not know this client", () => Response.json({ error: "invalid_client" }, { status: 401 })],
    ["neither active nor not", () => Response.json({ active: "true" })],
    ["a page", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
    ["more than any answer has", () => Response.json({ ...activeAnswer, more: "x".repeat(70_000) })],
    ["a redirect", () => Response.redirect("https://evil.test/")],
  ];
  test.each(failures)("that answers %s is not believed, and the token is not called bad", async (_what, instead) => {
    expect(await stateOf("good")).toBe("valid");
    clock.advance(60_000);
    introspection.instead = instead;
    expect(await stateOf("good")).toBe("unverifiable");
    expect(await stateOf("other")).toBe("unverifiable");
  });

  test("that publishes no endpoint, or one in the clear, is not asked", async () => {
    for (const introspection_endpoint of [undefined, "http://wallet.test/introspect", "https://u:p@wallet.test/introspect", 7]) {
      issuer.metadata["introspection_endpoint"] = introspection_endpoint;
      expect(await stateOf("good", verifierOf({ clientId: "store", clientSecret: secret }))).toBe("unverifiable");
    }
    expect(introspection.asked).toEqual([]);
  });

  test("is asked sixty-four questions at a time; a token beyond that is not judged now", async () => {
    const held = Promise.withResolvers<Response>();
    introspection.instead = () => held.promise.then((response) => response.clone());
    const judged = Array.from({ length: 70 }, (_, index) => stateOf(`other-${index}`));
    expect(await Promise.all(judged.slice(64))).toEqual(Array.from({ length: 6 }, () => "unverifiable"));
    held.resolve(Response.json({ active: false }));
    expect(await Promise.all(judged.slice(0, 64))).toEqual(Array.from({ length: 64 }, () => "invalid"));
    introspection.instead = undefined;
    expect(await stateOf("good")).toBe("valid");
  });
});
