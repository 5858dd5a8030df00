import { Client, DpopSession, generateDpopKeyPair, StreamableHTTPClientTransport, withDpop } from "@modelcontextprotocol/client";
import { calculateJwkThumbprint } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import type { DpopOptions } from "../src/bearer/verify-proof.ts";
import { createTestClock, type TestClock } from "./stand-ins/clock.ts";
import { createTestIssuer, type TestIssuer } from "./stand-ins/issuer.ts";
import { createProver, type Prover } from "./stand-ins/prover.ts";
import { callTool, createTestShop, endpoint, eras, readRpc, rpcRequest, type TestShop } from "./stand-ins/shop.ts";

const metadata = "https://store.test/.well-known/oauth-protected-resource/mcp";
const algs = 'algs="ES256 EdDSA Ed25519"';
const nonceKey = "n".repeat(32);
let clock: TestClock;
let issuer: TestIssuer;
let prover: Prover;
let shops: TestShop[];

beforeEach(async () => {
  clock = createTestClock();
  issuer = await createTestIssuer(clock);
  prover = await createProver(clock);
  shops = [];
  return async () => {
    for (const shop of shops) await shop.app.close();
  };
});

function shopWith(dpop: DpopOptions | undefined): TestShop {
  const shop = createTestShop(issuer, clock, { issuer: { issuer: issuer.issuer, ...(dpop === undefined ? {} : { dpop }) } });
  shops.push(shop);
  return shop;
}

function boundToken(claims: Record<string, unknown> = {}): Promise<string> {
  return issuer.token({ cnf: { jkt: prover.thumbprint }, ...claims });
}

const byDpop = (token: string, proof: string) => ({ authorization: `DPoP ${token}`, dpop: proof });

describe.each(eras)("a token that is bound to a key, in revision %s", (era) => {
  test("runs a tool with the proof of its key, once a proof", async () => {
    const shop = shopWith({ tokens: "accepted" });
    const token = await boundToken();
    const proof = await prover.prove(token);
    const { result } = await readRpc(await callTool(shop.app, era, "orders", undefined, byDpop(token, proof)));
    expect(result).toMatchObject({ structuredContent: { tool: "orders", subject: "usr_1" } });
    const again = await callTool(shop.app, era, "orders", undefined, byDpop(token, proof));
    expect(again.status).toBe(401);
    expect(again.headers.get("www-authenticate")).toBe(
      `DPoP ${algs}, error="invalid_dpop_proof", scope="orders:read", resource_metadata="${metadata}"`,
    );
    expect((await callTool(shop.app, era, "orders", undefined, byDpop(token, await prover.prove(token)))).status).toBe(200);
    expect(shop.ran).toEqual(["orders", "orders"]);
  });

  test("O21 is refused as Bearer, and a plain one as DPoP, on every tool", async () => {
    const shop = shopWith({ tokens: "accepted" });
    const token = await boundToken();
    const plain = await issuer.token();
    expect((await callTool(shop.app, era, "browse", undefined, byDpop(token, await prover.prove(token)))).status).toBe(200);
    expect((await callTool(shop.app, era, "browse", plain)).status).toBe(200);
    for (const name of ["browse", "news", "orders"]) {
      expect((await callTool(shop.app, era, name, token)).status).toBe(401);
      expect((await callTool(shop.app, era, name, token, { dpop: await prover.prove(token) })).status).toBe(401);
      expect((await callTool(shop.app, era, name, undefined, byDpop(plain, await prover.prove(plain)))).status).toBe(401);
      expect((await callTool(shop.app, era, name, undefined, { authorization: `DPoP ${token}` })).status).toBe(401);
    }
    expect(shop.ran).toEqual(["browse", "browse"]);
  });

  test("O21 is refused in either scheme where nobody checks proofs", async () => {
    const shop = shopWith(undefined);
    const token = await boundToken();
    expect((await callTool(shop.app, era, "browse", undefined, byDpop(token, await prover.prove(token)))).status).toBe(401);
    expect((await callTool(shop.app, era, "browse", token)).status).toBe(401);
    expect(shop.ran).toEqual([]);
  });

  test("and to a certificate besides is refused, because nobody checks that", async () => {
    const shop = shopWith({ tokens: "accepted" });
    const good = await boundToken();
    expect((await callTool(shop.app, era, "orders", undefined, byDpop(good, await prover.prove(good)))).status).toBe(200);
    const token = await boundToken({ cnf: { jkt: prover.thumbprint, "x5t#S256": "A".repeat(43) } });
    expect((await callTool(shop.app, era, "orders", undefined, byDpop(token, await prover.prove(token)))).status).toBe(401);
    expect(shop.ran).toEqual(["orders"]);
  });

  test("that lacks a scope is told so in its own scheme", async () => {
    const shop = shopWith({ tokens: "accepted" });
    const token = await boundToken();
    const response = await callTool(shop.app, era, "refund", undefined, byDpop(token, await prover.prove(token)));
    expect(response.status).toBe(403);
    expect(response.headers.get("www-authenticate")).toMatch(/^DPoP algs="[^"]+", error="insufficient_scope", .*scope="orders:read orders:write"/);
  });

  test("brings a nonce where the app wants one, which it learns from any answer", async () => {
    const shop = shopWith({ tokens: "accepted", nonceKey });
    const token = await boundToken();
    const first = await callTool(shop.app, era, "orders", undefined, byDpop(token, await prover.prove(token)));
    expect(first.status).toBe(401);
    expect(first.headers.get("www-authenticate")).toContain('error="use_dpop_nonce"');
    const nonce = first.headers.get("dpop-nonce") ?? undefined;
    expect(nonce).toMatch(/^[\w-]{43}$/);
    const second = await callTool(shop.app, era, "orders", undefined, byDpop(token, await prover.prove(token, { nonce })));
    expect([second.status, second.headers.get("dpop-nonce")]).toEqual([200, nonce]);
    const plain = await callTool(shop.app, era, "orders", await issuer.token());
    expect([plain.status, plain.headers.get("dpop-nonce")]).toEqual([200, null]);
    expect(shop.ran).toEqual(["orders", "orders"]);
  });
});

describe("an app that takes bound tokens", () => {
  const signInOf = async (shop: TestShop, headers: Record<string, string> = {}): Promise<string | null> =>
    (await callTool(shop.app, "2026-07-28", "orders", undefined, headers)).headers.get("www-authenticate");
  const metadataOf = async (shop: TestShop): Promise<unknown> => (await shop.app.fetch(new Request(metadata))).json();

  test("says so in its challenges and its metadata, beside plain ones or alone", async () => {
    const bearer = `Bearer scope="orders:read", resource_metadata="${metadata}"`;
    const algorithms = { dpop_signing_alg_values_supported: ["ES256", "EdDSA", "Ed25519"] };
    expect(await signInOf(shopWith(undefined))).toBe(bearer);
    expect(await metadataOf(shopWith(undefined))).not.toHaveProperty("dpop_signing_alg_values_supported");
    expect(await signInOf(shopWith({ tokens: "accepted" }))).toBe(`${bearer}, DPoP ${algs}`);
    expect(await metadataOf(shopWith({ tokens: "accepted" }))).toMatchObject({ ...algorithms, dpop_bound_access_tokens_required: false });
    expect(await signInOf(shopWith({ tokens: "required" }))).toBe(`DPoP ${algs}, scope="orders:read", resource_metadata="${metadata}"`);
    expect(await metadataOf(shopWith({ tokens: "required" }))).toMatchObject({ ...algorithms, dpop_bound_access_tokens_required: true });
  });

  test("and no others refuses a plain one everywhere", async () => {
    const shop = shopWith({ tokens: "required" });
    const token = await boundToken();
    for (const name of ["orders", "browse"]) {
      expect((await callTool(shop.app, "2026-07-28", name, undefined, byDpop(token, await prover.prove(token)))).status).toBe(200);
      const response = await callTool(shop.app, "2026-07-28", name, await issuer.token());
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toMatch(/^DPoP algs="[^"]+", error="invalid_token"/);
    }
    expect(shop.ran).toEqual(["orders", "browse"]);
  });

  test("and no others cannot link accounts, because the app's own token for a link is plain", () => {
    const link = { accountLink: { clientId: "store" } };
    expect(() =>
      shops.push(createTestShop(issuer, clock, { ...link, issuer: { issuer: issuer.issuer, dpop: { tokens: "accepted" } } })),
    ).not.toThrow();
    expect(() => createTestShop(issuer, clock, { ...link, issuer: { issuer: issuer.issuer, dpop: { tokens: "required" } } })).toThrow(/plain/);
  });

  test("challenges in a result in the words that clients of that form read", async () => {
    const shop = shopWith({ tokens: "accepted" });
    const { result } = await readRpc(await callTool(shop.app, "2026-07-28", "orders", undefined, { "user-agent": "openai-mcp/1.0.0" }));
    expect(JSON.stringify(result?.["_meta"])).not.toContain("DPoP");
  });

  test("neither the token nor its proof reaches a report, and a lost memory of proofs is 503", async () => {
    const isFirstUse = () => Promise.reject(new TypeError("no database"));
    const shop = shopWith({ tokens: "accepted", isFirstUse });
    const token = await boundToken();
    const proof = await prover.prove(token);
    expect((await callTool(shop.app, "2026-07-28", "orders", undefined, byDpop(token, proof))).status).toBe(503);
    expect(shop.events.length).toBe(1);
    for (const part of [...token.split("."), ...proof.split(".")]) expect(JSON.stringify(shop.events)).not.toContain(part);
    expect(shop.ran).toEqual([]);
  });

  test("allows a page to send the header and to read the nonce", async () => {
    const shop = createTestShop(issuer, clock, { allowedOrigins: ["https://console.test"] });
    shops.push(shop);
    const headers = { origin: "https://console.test", "access-control-request-method": "POST" };
    const preflight = await shop.app.fetch(new Request(endpoint, { method: "OPTIONS", headers }));
    expect(preflight.headers.get("access-control-allow-headers")).toContain("DPoP");
    const listing = await shop.app.fetch(rpcRequest("2026-07-28", "tools/list", {}, { origin: "https://console.test" }));
    expect(listing.headers.get("access-control-expose-headers")).toContain("DPoP-Nonce");
  });
});

test("the official client calls with its own proofs, and with the app's nonce", async () => {
  clock.advance(Date.now() - clock.now());
  const shop = shopWith({ tokens: "required", nonceKey });
  const keyPair = await generateDpopKeyPair();
  const session = await DpopSession.create({ keyPair });
  const token = await issuer.token({ cnf: { jkt: await calculateJwkThumbprint(keyPair.publicJwk) } });
  const send = (input: string | URL, init?: RequestInit) => shop.app.fetch(new Request(input, init));
  const client = new Client({ name: "official", version: "1" }, { versionNegotiation: { mode: "auto" } });
  await client.connect(new StreamableHTTPClientTransport(new URL(endpoint), { fetch: withDpop(session, () => token)(send) }));
  const result = await client.callTool({ name: "orders", arguments: {} });
  expect(result.structuredContent).toEqual({ tool: "orders", subject: "usr_1" });
  await client.close();
});
