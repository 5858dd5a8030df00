import { describe, expect, it } from "vitest";
import { asksForNonce, decideTokenBinding, judgeTokenType, proofTarget, readNonce } from "../src/dpop.ts";

const es256 = { dpopSigningAlgValuesSupported: ["EdDSA", "ES256"] };
const other = { dpopSigningAlgValuesSupported: ["RS256"] };
const required = { dpopBoundAccessTokensRequired: true };
const free = { dpopBoundAccessTokensRequired: false };

describe("decideTokenBinding", () => {
  it.each([
    ["both name ES256", es256, { ...es256, ...free }, false, "offered"],
    ["the issuer names it and the resource challenges with DPoP", es256, free, true, "offered"],
    ["only the issuer names it", es256, free, false, "none"],
    ["only the resource names it", {}, { ...es256, ...free }, true, "none"],
    ["nobody names anything", {}, free, false, "none"],
    ["the issuer has other algorithms", other, { ...es256, ...free }, true, "none"],
    ["the resource has other algorithms", es256, { ...other, ...free }, true, "none"],
    ["the resource demands it", es256, { ...es256, ...required }, false, "required"],
    ["the resource demands it, and nobody names an algorithm", {}, required, false, "required"],
  ] as const)("when %s", (_, server, resource, challenged, binding) => {
    expect(decideTokenBinding(server, resource, challenged)).toEqual({ ok: true, value: binding });
  });

  it.each([
    ["the issuer", other, required],
    ["the resource", es256, { ...other, ...required }],
  ] as const)("refuses a demand for binding with other algorithms at %s", (_, server, resource) => {
    expect(decideTokenBinding(server, resource, false)).toMatchObject({ ok: false, error: { code: "invalid_metadata" } });
  });
});

describe("judgeTokenType", () => {
  it.each([
    ["Bearer", "none", "Bearer"],
    ["bearer", "offered", "Bearer"],
    ["DPoP", "offered", "DPoP"],
    ["dpop", "required", "DPoP"],
  ] as const)("takes %s when binding is %s", (type, binding, token) => {
    expect(judgeTokenType(type, binding)).toEqual({ ok: true, value: token });
  });

  it.each([
    ["Bearer", "required"],
    ["DPoP", "none"],
    ["mac", "offered"],
    ["", "none"],
  ] as const)("O21 refuses %s when binding is %s", (type, binding) => {
    expect(judgeTokenType(type, binding)).toMatchObject({ ok: false, error: { code: "flow_failed" } });
  });
});

describe("nonces", () => {
  it("are asked for by a 401 with a DPoP challenge of that error only", () => {
    const asking = 'DPoP error="use_dpop_nonce", error_description="x"';
    expect(asksForNonce(401, asking)).toBe(true);
    expect(asksForNonce(401, `Bearer realm="a", ${asking}`)).toBe(true);
    for (const text of [
      null,
      'DPoP error="invalid_token"',
      'Bearer error="use_dpop_nonce"',
      'DPoP error="use_dpop_nonce',
      `${asking}${" ".repeat(20_000)}`,
    ]) {
      expect(asksForNonce(401, text)).toBe(false);
    }
    expect(asksForNonce(403, asking)).toBe(false);
  });

  it("are of RFC 9449's alphabet and bounded", () => {
    expect(readNonce("eyJ7S_zG.eyJH0-Z~!")).toBe("eyJ7S_zG.eyJH0-Z~!");
    for (const text of [null, "", "a b", 'a"b', "a\\b", "é", "a".repeat(513)]) expect(readNonce(text)).toBeUndefined();
  });
});

it("a proof names its target without query and fragment", () => {
  expect(proofTarget(new URL("https://store.example:8443/mcp?x=1#y"))).toBe("https://store.example:8443/mcp");
});
