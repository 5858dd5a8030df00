import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isLoopbackUrl, isSecureOrLoopback, parseBrowserUrl, parseIssuer, parseResourceUri } from "../src/resource.ts";

const hostile: readonly (readonly [string, string])[] = [
  ["the empty text", ""],
  ["a javascript URL", "javascript:alert(1)"],
  ["a data URL", "data:text/html,x"],
  ["a file URL", "file:///etc/passwd"],
  ["a command line flag", "--flag"],
  ["a relative path", "/authorize"],
  ["a scheme without slashes", "https:example.com"],
  ["an empty host", "https:///example.com"],
  ["credentials", "https://user:secret@example.com/"],
  ["a user name", "https://user@example.com/"],
  ["a blank", "https://example.com/a b"],
  ["a leading blank", " https://example.com/"],
  ["a newline", "https://example.com/\nx"],
  ["a tab", "https://exa\tmple.com/"],
  ["a backslash", "https://example.com\\@evil.example/"],
  ["a quote", 'https://example.com/"x'],
  ["a backtick", "https://example.com/`x`"],
  ["a letter outside ASCII", "https://exämple.com/"],
  ["a port that is no port", "https://example.com:99999/"],
];

describe("parseResourceUri", () => {
  it.each([
    ["https://api.example.com", "https://api.example.com"],
    ["https://api.example.com/", "https://api.example.com"],
    ["HTTPS://API.Example.com:443/mcp", "https://api.example.com/mcp"],
    ["https://api.example.com/mcp/", "https://api.example.com/mcp/"],
    ["https://api.example.com/?tenant=1", "https://api.example.com/?tenant=1"],
    ["http://127.0.0.1:4300/mcp", "http://127.0.0.1:4300/mcp"],
  ])("gives %s the canonical form %s", (text, canonical) => {
    expect(parseResourceUri(text)).toEqual({ ok: true, value: canonical });
    expect(parseResourceUri(canonical)).toEqual({ ok: true, value: canonical });
  });

  it.each<readonly [string, string]>([
    ...hostile,
    ["a fragment", "https://example.com/#a"],
    ["an empty fragment", "https://example.com/#"],
    ["2049 characters", `https://example.com/${"a".repeat(2029)}`],
  ])("refuses %s", (_, text) => {
    expect(parseResourceUri(text)).toMatchObject({ ok: false, error: { code: "invalid_request" } });
  });

  it("is idempotent on every web URL", () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), (text) => {
        const once = parseResourceUri(text);
        expect(once.ok ? parseResourceUri(once.value) : once).toEqual(once);
      }),
    );
  });
});

describe("parseIssuer", () => {
  it.each([
    "https://wallet.example",
    "https://wallet.example/",
    "https://Wallet.example:443/tenant",
    "http://localhost:4200",
    "http://127.0.0.1:1",
    "http://[::1]:1",
  ])("keeps %s exactly as given", (text) => {
    expect(parseIssuer(text)).toEqual({ ok: true, value: text });
  });

  it.each<readonly [string, string]>([
    ...hostile,
    ["plain http elsewhere", "http://wallet.example"],
    ["a query", "https://wallet.example?x=1"],
    ["an empty query", "https://wallet.example?"],
    ["a fragment", "https://wallet.example#x"],
  ])("refuses %s", (_, text) => {
    expect(parseIssuer(text)).toMatchObject({ ok: false, error: { code: "invalid_metadata" } });
  });
});

describe("parseBrowserUrl", () => {
  it.each([
    ["https://wallet.example/authorize?scope=a%20b#x", "https://wallet.example/authorize?scope=a%20b#x"],
    ["http://store.example", "http://store.example/"],
    ["https://a.example/(x)!*'$;,", "https://a.example/(x)!*'$;,"],
  ])("accepts %s", (text, href) => {
    expect(parseBrowserUrl(text)).toEqual({ ok: true, value: href });
  });

  it.each<readonly [string, string]>([
    ...hostile,
    ["a shell substitution", "https://a/$(x)"],
    ["100 kB", `https://example.com/${"a".repeat(100_000)}`],
  ])("M10: refuses %s as an address to open", (_, text) => {
    expect(parseBrowserUrl(text)).toMatchObject({ ok: false, error: { code: "unsafe_url" } });
  });

  it("M10: accepts only http(s) URLs without credentials, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((text) => `https://${text}`),
        ),
        (text) => {
          const parsed = parseBrowserUrl(text);
          if (!parsed.ok) return;
          const url = new URL(parsed.value);
          expect(["http:", "https:"]).toContain(url.protocol);
          expect(url.username + url.password).toBe("");
        },
      ),
    );
  });
});

describe("isLoopbackUrl", () => {
  it.each([
    ["http://localhost:1", true],
    ["http://a.b.localhost:1", true],
    ["http://127.0.0.1", true],
    ["http://127.255.0.9", true],
    ["http://0x7f.1", true],
    ["http://[::1]", true],
    ["http://[0:0:0:0:0:0:0:1]", true],
    ["http://localhost.evil.example", false],
    ["http://127.0.0.1.evil.example", false],
    ["http://evillocalhost", false],
    ["http://128.0.0.1", false],
    ["http://[::2]", false],
  ])("judges %s as %s", (text, loopback) => {
    expect(isLoopbackUrl(new URL(text))).toBe(loopback);
  });

  it("makes plain http acceptable, and nothing else does", () => {
    expect(isSecureOrLoopback(new URL("https://a.example"))).toBe(true);
    expect(isSecureOrLoopback(new URL("http://localhost"))).toBe(true);
    expect(isSecureOrLoopback(new URL("http://a.example"))).toBe(false);
    expect(isSecureOrLoopback(new URL("ftp://localhost"))).toBe(false);
  });
});
