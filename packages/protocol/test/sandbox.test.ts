import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesSource, parseWidgetPolicy, proxySandbox, widgetSandbox } from "../src/sandbox.ts";

const production = { consoleOrigin: "https://console.example", development: false };
const development = { consoleOrigin: "http://127.0.0.1:4100", development: true };
const lists = ["connectDomains", "resourceDomains", "frameDomains", "baseUriDomains"] as const;
const aliases = ["connect_domains", "resource_domains", "frame_domains", "base_uri_domains"] as const;

function cspOf(csp: object, place = production): string {
  const policy = parseWidgetPolicy({ ui: { csp } }, place);
  if (!policy.ok) throw new Error(policy.error.detail);
  return policy.value.csp;
}

describe("parseWidgetPolicy", () => {
  it("denies every network by default and lets only the console frame the widget", () => {
    const closed = [
      "default-src 'none'",
      "script-src 'self' 'unsafe-inline'",
      "style-src 'self' 'unsafe-inline'",
      "img-src 'self' data:",
      "font-src 'self' data:",
      "media-src 'self' data:",
      "connect-src 'self'",
      "frame-src 'self'",
      "worker-src 'none'",
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors https://console.example",
      "sandbox allow-scripts allow-same-origin",
    ].join("; ");
    const domains = { connectDomains: [], resourceDomains: [], frameDomains: [], baseUriDomains: [], linkDomains: [] };
    for (const meta of [undefined, {}, { ui: {} }, { ui: { csp: {} } }, "text"]) {
      expect(parseWidgetPolicy(meta, production)).toEqual({
        ok: true,
        value: {
          csp: closed,
          connectionAllowlist: "(response-origin)",
          permissionsPolicy: expect.any(String),
          allow: "",
          permissions: [],
          sandbox: "allow-scripts",
          ...domains,
        },
      });
    }
  });

  it("puts each declared domain into its directives and no other", () => {
    const csp = cspOf({
      connectDomains: ["https://API.example.com", "wss://live.example.com:8443"],
      resourceDomains: ["https://*.cdn.example.com"],
      frameDomains: ["https://maps.example.com"],
      baseUriDomains: ["https://base.example.com"],
    });
    expect(csp.split("; ")).toEqual([
      "default-src 'none'",
      "script-src 'self' 'unsafe-inline' https://*.cdn.example.com",
      "style-src 'self' 'unsafe-inline' https://*.cdn.example.com",
      "img-src 'self' data: https://*.cdn.example.com",
      "font-src 'self' data: https://*.cdn.example.com",
      "media-src 'self' data: https://*.cdn.example.com",
      "connect-src 'self' https://api.example.com wss://live.example.com:8443",
      "frame-src 'self' https://maps.example.com",
      "worker-src 'none'",
      "object-src 'none'",
      "base-uri https://base.example.com",
      "form-action 'none'",
      "frame-ancestors https://console.example",
      "sandbox allow-scripts allow-same-origin",
    ]);
  });

  it("reads the snake_case keys of openai/widgetCSP, and ui.csp before them", () => {
    const older = { "openai/widgetCSP": { connect_domains: ["https://a.example"], redirect_domains: ["https://b.example"] } };
    expect(parseWidgetPolicy(older, production)).toMatchObject({ ok: true, value: { connectDomains: ["https://a.example"] } });
    expect(parseWidgetPolicy({ ...older, ui: { csp: {} } }, production)).toMatchObject({ ok: true, value: { connectDomains: [] } });
  });

  it("says a repeated domain once", () => {
    expect(parseWidgetPolicy({ ui: { csp: { connectDomains: ["https://a.example", "https://A.example"] } } }, production)).toMatchObject({
      value: { connectDomains: ["https://a.example"] },
    });
  });

  const injections: readonly string[] = [
    "https://a.example; img-src *",
    "https://a.example, https://b.example",
    "https://a.example https://b.example",
    "https://a.example\nx",
    "https://a.example\r\nSet-Cookie: x",
    "https://a.example\u2028",
    "*",
    "https:",
    "https://*",
    "https://*.com",
    "https://*.*.example.com",
    "https://a.*.example.com",
    "https://*a.example.com",
    "data:",
    "blob:",
    "'self'",
    "'unsafe-eval'",
    "'none'",
    "https://a.example/",
    "https://a.example/path",
    "https://a.example?x",
    "https://a.example#x",
    "https://user@a.example",
    "https://a.example:",
    "https://a.example:0",
    "https://a.example:123456",
    "https://a.example:*",
    "https://a..example",
    "https://.example",
    "https://-a.example",
    "https://a-.example",
    "https://example",
    "https://10.0.0.1",
    "https://[::1]",
    "http://[::1]:3000",
    "https://a.example.1",
    "https://xn--.",
    "https://exämple.com",
    "//a.example",
    "a.example",
    "http://a.example",
    "ws://a.example",
    "ftp://a.example",
    "javascript:alert(1)",
    "http://localhost:3000",
    "https://localhost",
    ` https://a.example`,
    "",
    `https://${"a.".repeat(130)}example`,
  ];

  it.each(injections)("V06: refuses the widget for the entry %j", (entry) => {
    for (const [index, name] of lists.entries()) {
      const alias = aliases[index] ?? "";
      expect(parseWidgetPolicy({ ui: { csp: { [name]: ["https://good.example"] } } }, production).ok).toBe(true);
      expect(parseWidgetPolicy({ ui: { csp: { [name]: ["https://good.example", entry] } } }, production)).toMatchObject({
        ok: false,
        error: { code: "widget_refused" },
      });
      expect(parseWidgetPolicy({ "openai/widgetCSP": { [alias]: [entry] } }, production)).toMatchObject({
        ok: false,
        error: { code: "widget_refused" },
      });
    }
  });

  it.each([
    ["a text for a list", { connectDomains: "https://a.example" }],
    ["a number", { connectDomains: [5] }],
    ["null", { connectDomains: [null] }],
    ["51 entries", { connectDomains: Array.from({ length: 51 }, (_, index) => `https://a${index}.example`) }],
    ["a list for the object", [["https://a.example"]]],
    ["a text for the object", "default-src *"],
  ])("V06: refuses the widget for %s", (_, csp) => {
    expect(parseWidgetPolicy({ ui: { csp } }, production)).toMatchObject({ ok: false, error: { code: "widget_refused" } });
  });

  it("V06: lets only connectDomains stream", () => {
    for (const name of lists) {
      expect(parseWidgetPolicy({ ui: { csp: { [name]: ["wss://a.example"] } } }, production).ok).toBe(name === "connectDomains");
    }
  });

  it.each(["http://localhost:3000", "http://127.0.0.1:3000", "ws://localhost", "http://app.localhost:1", "https://localhost"])(
    "accepts %s in development only",
    (entry) => {
      expect(parseWidgetPolicy({ ui: { csp: { connectDomains: [entry] } } }, development).ok).toBe(true);
      expect(parseWidgetPolicy({ ui: { csp: { connectDomains: [entry] } } }, production).ok).toBe(false);
    },
  );

  it("V06: never lets a declared text add a directive, a quote or a wildcard source", () => {
    const piece = fc.constantFrom("https://", "a.example", "*", ".", ";", " ", ",", "\n", "'self'", ":443", "/", "data:", "wss://", "b");
    const entry = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join("")),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 3 }), fc.constantFrom(...lists), fc.boolean(), (entries, name, inDevelopment) => {
        const policy = parseWidgetPolicy({ ui: { csp: { [name]: entries } } }, inDevelopment ? development : production);
        if (!policy.ok) return;
        expect(policy.value.csp.split("; ")).toHaveLength(14);
        expect(policy.value.connectionAllowlist).toMatch(/^\(response-origin(?: "[a-z0-9:/.*-]+")*\)(?:;redirects=allow)?$/);
        expect(policy.value.csp).toMatch(/^[a-z0-9 ;:/.*'[\]-]+$/);
        expect(policy.value.csp).not.toMatch(/ \*( |;|$)/);
      }),
      { numRuns: 1000 },
    );
  });

  it("V05 lists each declared place once as a connection, of whatever kind, and allows no other", () => {
    const csp = {
      connectDomains: ["https://api.example.com", "wss://live.example.com:8443"],
      resourceDomains: ["https://*.cdn.example.com", "https://api.example.com"],
      frameDomains: ["https://maps.example.com"],
      baseUriDomains: ["https://base.example.com"],
    };
    const policy = parseWidgetPolicy({ ui: { csp, linkTrustedDomains: ["https://shop.example"] } }, production);
    const header = policy.ok ? policy.value.connectionAllowlist : "";
    expect(header).toBe(
      `(response-origin "https://api.example.com" "wss://live.example.com:8443" "https://*.cdn.example.com" "https://maps.example.com" "https://base.example.com");redirects=allow`,
    );
    const patterns = [...header.matchAll(/"([^"]+)"/g)].map((match) => new URLPattern(match[1] ?? ""));
    const isAllowed = (url: string): boolean => patterns.some((pattern) => pattern.test(url));
    expect(
      ["https://api.example.com/a?b#c", "https://api.example.com:443/", "wss://live.example.com:8443/x", "https://a.b.cdn.example.com/"].map(
        isAllowed,
      ),
    ).toEqual([true, true, true, true]);
    const others = ["http://api.example.com/", "https://api.example.com:444/", "wss://live.example.com/", "https://api.example.com.evil.example/"];
    const more = [
      "https://cdn.example.com/",
      "https://evilcdn.example.com/",
      "https://evil.example/https://api.example.com",
      "https://shop.example/",
    ];
    expect([...others, ...more].filter(isAllowed)).toEqual([]);
  });

  it("allows the four permissions of MCP Apps", () => {
    const permissions = { camera: {}, microphone: {}, geolocation: {}, clipboardWrite: {} };
    expect(parseWidgetPolicy({ ui: { permissions } }, production)).toMatchObject({
      ok: true,
      value: { allow: "camera; microphone; geolocation; clipboard-write" },
    });
  });

  it("V23 takes away every feature that was not declared, and passkeys and payment always", () => {
    const deniedBy = (permissions: object): readonly string[] => {
      const policy = parseWidgetPolicy({ ui: { permissions } }, production);
      return policy.ok ? policy.value.permissionsPolicy.split(", ") : [];
    };
    const always = ["publickey-credentials-get=()", "publickey-credentials-create=()", "payment=()", "storage-access=()", "picture-in-picture=()"];
    expect(deniedBy({})).toEqual(expect.arrayContaining(["camera=()", "microphone=()", "geolocation=()", "clipboard-write=()", ...always]));
    expect(deniedBy({ camera: {} })).toEqual(expect.arrayContaining(["microphone=()", ...always]));
    expect(deniedBy({ camera: {} })).not.toContain("camera=()");
    expect(deniedBy({}).every((entry) => /^[a-z-]+=\(\)$/.test(entry))).toBe(true);
  });

  it.each([
    ["passkeys", { "publickey-credentials-get": {} }],
    ["passkey creation", { "publickey-credentials-create": {} }],
    ["payment", { payment: {} }],
    ["an inherited name", { constructor: {} }],
    ["a wildcard", { "camera *; payment": {} }],
    ["a value that is no object", { camera: true }],
    ["a list", ["camera"]],
    ["a text", "camera"],
  ])("refuses the widget for %s", (_, permissions) => {
    expect(parseWidgetPolicy({ ui: { permissions } }, production)).toMatchObject({ ok: false, error: { code: "widget_refused" } });
  });

  it.each([
    "",
    "console.example",
    "https://console.example/",
    "https://console.example; x",
    "javascript:x",
    "https://*.example",
    "https://a.example;x",
    "http://[::1",
  ])("throws when the console's origin is %j", (consoleOrigin) => {
    expect(() => parseWidgetPolicy({}, { consoleOrigin, development: false })).toThrow(RangeError);
  });
});

describe("sandbox flags", () => {
  it("V03: give the widget's frame scripts and nothing else", () => {
    expect(widgetSandbox).toBe("allow-scripts");
    expect(proxySandbox).toBe("allow-scripts allow-same-origin");
  });

  it("reads the trusted link domains from the new places and from the legacy object, beside any other CSP", () => {
    const meta = {
      ui: { csp: { linkTrustedDomains: ["https://a.example"] }, linkTrustedDomains: ["https://*.b.example"] },
      "openai/widgetCSP": { redirect_domains: ["https://c.example", "https://a.example"], connect_domains: ["https://never.example"] },
    };
    const policy = parseWidgetPolicy(meta, production);
    expect(policy).toMatchObject({
      ok: true,
      value: { linkDomains: ["https://*.b.example", "https://a.example", "https://c.example"], connectDomains: [] },
    });
    if (!policy.ok) return;
    const cases: readonly (readonly [string, boolean])[] = [
      ["https://a.example/x", true],
      ["https://x.b.example/", true],
      ["https://b.example/", false],
      ["https://x.b.example:444/", false],
      ["https://a.example.evil.example/", false],
    ];
    for (const [text, matches] of cases) expect(matchesSource(new URL(text), policy.value.linkDomains)).toBe(matches);
  });

  it.each(["*", "https:", "https://a.example/path", "javascript:alert(1)", "https://a.example; img-src *"])(
    "V06 a trusted link domain %j refuses the widget",
    (domain) => {
      for (const meta of [{ ui: { linkTrustedDomains: [domain] } }, { "openai/widgetCSP": { redirect_domains: [domain] } }]) {
        expect(parseWidgetPolicy(meta, production)).toMatchObject({ ok: false, error: { code: "widget_refused" } });
      }
    },
  );
});
