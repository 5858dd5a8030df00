import type { Issuer } from "@countersign/protocol/brand";
import { parseIssuer } from "@countersign/protocol/resource";
import { beforeEach, describe, expect, test } from "vitest";
import { createKeySource, type KeySource, KeysUnavailable } from "../../src/bearer/key-source.ts";
import { createTestClock, type TestClock } from "../stand-ins/clock.ts";
import { createTestIssuer, type TestIssuer } from "../stand-ins/issuer.ts";

let clock: TestClock;
let issuer: TestIssuer;
let keys: KeySource;

beforeEach(async () => {
  clock = createTestClock();
  issuer = await createTestIssuer(clock);
  keys = createKeySource({ issuer: issuerId(issuer.issuer), fetch: (url, init) => issuer.fetch(url, init), clock: clock.now });
});

function issuerId(text: string): Issuer {
  const parsed = parseIssuer(text);
  if (!parsed.ok) throw new TypeError("bad test data");
  return parsed.value;
}

/** What the platform's fetch makes of a reply. */
function replyAs(response: Response, init: RequestInit | undefined): Promise<Response> {
  const isRefused = response.status >= 300 && response.status < 400 && init?.redirect !== "manual";
  return isRefused ? Promise.reject(new TypeError("unexpected redirect")) : Promise.resolve(response);
}

async function outcome(kid: string): Promise<string> {
  try {
    await keys.key({ alg: "ES256", kid }, { payload: "", signature: "" });
    return "found";
  } catch (error) {
    return error instanceof KeysUnavailable ? "unavailable" : "unknown";
  }
}

describe("an issuer's keys", () => {
  test("are read once and found by id", async () => {
    expect(await Promise.all([outcome("key-1"), outcome("key-1"), outcome("key-1")])).toEqual(["found", "found", "found"]);
    expect(issuer.reads.get("/jwks")).toBe(1);
    expect(await keys.document()).toMatchObject({ tokenEndpoint: "https://wallet.test/token", jwksUri: "https://wallet.test/jwks" });
  });

  test("X02 ten thousand made-up key ids cause one read in 30 seconds", async () => {
    await outcome("key-1");
    clock.advance(30_000);
    for (let each = 0; each < 10_000; each += 1) expect(await outcome(`fake-${each}`)).toBe("unknown");
    expect(issuer.reads.get("/jwks")).toBe(2);
  });

  test("X02 a new key is found as soon as the floor allows, an old one is gone with it", async () => {
    await outcome("key-1");
    await issuer.rotate();
    expect(await outcome("key-2")).toBe("unknown");
    clock.advance(30_000);
    expect(await outcome("key-2")).toBe("found");
    expect(await outcome("key-1")).toBe("unknown");
  });

  test("a withdrawn key is forgotten after ten minutes", async () => {
    expect(await outcome("key-1")).toBe("found");
    await issuer.rotate();
    clock.advance(600_000);
    expect(await outcome("key-1")).toBe("unknown");
  });

  test("serve on for an hour while the issuer does not answer, and then no longer", async () => {
    expect(await outcome("key-1")).toBe("found");
    issuer.down = true;
    clock.advance(3_599_000);
    expect(await outcome("key-1")).toBe("found");
    clock.advance(1_000);
    expect(await outcome("key-1")).toBe("unavailable");
  });

  test("an issuer that is down at first is asked again after 5 seconds", async () => {
    issuer.down = true;
    expect(await outcome("key-1")).toBe("unavailable");
    issuer.down = false;
    expect(await outcome("key-1")).toBe("unavailable");
    clock.advance(5_000);
    expect(await outcome("key-1")).toBe("found");
  });

  const pages: readonly (readonly [string, () => Response])[] = [
    ["a page that answers", () => new Response("<!doctype html>")],
    ["a redirect to a page", () => Response.redirect("https://wallet.test/login", 302)],
  ];
  test.each(pages)(
    "are found where OpenID Connect publishes its metadata, past %s for the other place, and without a word on PKCE",
    async (_what, page) => {
      issuer.metadata = { code_challenge_methods_supported: undefined };
      const { fetch } = issuer;
      const plain = createKeySource({
        issuer: issuerId(issuer.issuer),
        clock: clock.now,
        fetch: (url, init) => {
          const { pathname } = new URL(url);
          if (pathname === "/.well-known/oauth-authorization-server") return replyAs(page(), init);
          return fetch(pathname === "/.well-known/openid-configuration" ? "https://wallet.test/.well-known/oauth-authorization-server" : url);
        },
      });
      await expect(plain.key({ alg: "ES256", kid: "key-1" }, { payload: "", signature: "" })).resolves.toMatchObject({ type: "public" });
      expect((await plain.document())?.tokenEndpoint).toBe("https://wallet.test/token");
    },
  );

  const wrong: readonly [what: string, metadata: Record<string, unknown>][] = [
    ["another issuer", { issuer: "https://evil.test" }],
    ["the issuer with a slash", { issuer: "https://wallet.test/" }],
    ["no key set", { jwks_uri: undefined }],
    ["a key set over plain http", { jwks_uri: "http://wallet.test/jwks" }],
    ["a key set on this machine", { jwks_uri: "http://127.0.0.1/jwks" }],
    ["a file as key set", { jwks_uri: "file:///etc/passwd" }],
    ["no S256", { code_challenge_methods_supported: ["plain"] }],
  ];
  test.each(wrong)("metadata that names %s is not used", async (_what, metadata) => {
    issuer.metadata = metadata;
    expect(await outcome("key-1")).toBe("unavailable");
    expect(issuer.reads.get("/jwks") ?? 0).toBe(0);
  });
});
