import { describe, expect, it } from "vitest";
import type { CallOrigin, ConnectorMode, SchemeKind, SecurityScheme, TokenCase, TokenState } from "../src/security.ts";
import { decideCall, kindOfSchemes, parseSecuritySchemes, parseVisibility } from "../src/security.ts";

const read: SecurityScheme = { type: "oauth2", scopes: new Set(["orders:read"]) };
const anonymous: SecurityScheme = { type: "noauth" };

const schemesOf: Readonly<Record<SchemeKind, readonly SecurityScheme[] | undefined>> = {
  undeclared: undefined,
  noauth: [anonymous],
  either: [anonymous, read],
  oauth2: [read],
};

const covering = new Set(["orders:read", "payment:pr_old"]);
const lacking = new Set(["profile", "payment:pr_old"]);
const tokenOf: Readonly<Record<TokenCase, TokenState>> = {
  none: { state: "none" },
  held: { state: "held", scope: covering },
  held_lacking: { state: "held", scope: lacking },
  refreshable: { state: "expired", refreshable: true, scope: covering },
  refreshable_lacking: { state: "expired", refreshable: true, scope: lacking },
  expired: { state: "expired", refreshable: false, scope: lacking },
};

/** One letter a cell: a attach, o omit, r refresh, A authorize; in the order none, held, held_lacking, refreshable, refreshable_lacking, expired. */
const expectedRows: Readonly<Record<ConnectorMode, Readonly<Record<SchemeKind, string>>>> = {
  mixed: { undeclared: "oaarro", noauth: "oooooo", either: "oaarro", oauth2: "AaArAA" },
  full: { undeclared: "AaarrA", noauth: "AaarrA", either: "AaarrA", oauth2: "AaArAA" },
};
const letters: Readonly<Record<string, string>> = { a: "attach", o: "omit", r: "refresh", A: "authorize" };

const modes: readonly ConnectorMode[] = ["mixed", "full"];
const kinds: readonly SchemeKind[] = ["undeclared", "noauth", "either", "oauth2"];
const tokenCases: readonly TokenCase[] = ["none", "held", "held_lacking", "refreshable", "refreshable_lacking", "expired"];
const origins: readonly CallOrigin[] = ["model", "widget", "user"];
const visibilities: readonly (readonly ("model" | "app")[])[] = [[], ["model"], ["app"], ["model", "app"]];

function mayCall(origin: CallOrigin, sameConnector: boolean, visibility: readonly string[]): boolean {
  if (origin === "widget") return sameConnector && visibility.includes("app");
  return origin === "model" ? visibility.includes("model") : visibility.length > 0;
}

const combinations = modes.flatMap((mode) =>
  origins.flatMap((origin) =>
    [true, false].flatMap((sameConnector) =>
      visibilities.flatMap((visibility) =>
        kinds.flatMap((kind) => tokenCases.map((tokenCase) => ({ mode, origin, sameConnector, visibility, kind, tokenCase }))),
      ),
    ),
  ),
);

describe("decideCall", () => {
  it("authorizes (widget, oauth2-only, no token) instead of leaving the button dead", () => {
    const facts = { mode: "mixed", origin: "widget", sameConnector: true, visibility: new Set(["app"] as const), schemes: [read] } as const;
    const decision = decideCall({ ...facts, token: { state: "none" } });
    expect(decision).toEqual({ action: "authorize", scope: new Set(["orders:read"]), reason: "the tool needs sign-in and no token is held" });
  });

  it("follows the table in every one of the 1152 combinations", () => {
    expect(combinations).toHaveLength(1152);
    const misses = combinations.flatMap(({ mode, origin, sameConnector, visibility, kind, tokenCase }) => {
      const facts = { mode, origin, sameConnector, visibility: new Set(visibility), schemes: schemesOf[kind] };
      const decision = decideCall({ ...facts, token: tokenOf[tokenCase] });
      const cell = letters[expectedRows[mode][kind][tokenCases.indexOf(tokenCase)] ?? ""];
      const expected = mayCall(origin, sameConnector, visibility) ? cell : "tool_not_visible";
      const actual = decision.action === "call" ? decision.token : decision.action === "refuse" ? decision.code : decision.action;
      const explained = decision.reason.length > 10;
      return actual === expected && explained ? [] : [{ ...facts, tokenCase, expected, decision }];
    });
    expect(misses).toEqual([]);
  });

  it("decides the same for every origin that may call", () => {
    const visibility = new Set(["model", "app"] as const);
    for (const { mode, kind, tokenCase } of combinations) {
      const facts = { mode, sameConnector: true, visibility, schemes: schemesOf[kind], token: tokenOf[tokenCase] };
      const decisions = origins.map((origin) => decideCall({ ...facts, origin }));
      expect(decisions[1]).toEqual(decisions[0]);
      expect(decisions[2]).toEqual(decisions[0]);
    }
  });

  it("never calls an oauth2-only tool without a token, and no tool at all of a full connector", () => {
    for (const { mode, origin, sameConnector, visibility, kind, tokenCase } of combinations) {
      const schemes = mode === "full" ? schemesOf[kind] : [read];
      const decision = decideCall({ mode, origin, sameConnector, visibility: new Set(visibility), schemes, token: tokenOf[tokenCase] });
      expect(decision.action === "call" && decision.token === "omit").toBe(false);
    }
  });

  it("asks for the union of demanded and granted scopes, less transactions that are over", () => {
    const facts = { mode: "mixed", origin: "user", sameConnector: true, visibility: new Set(["model"] as const), schemes: [read] } as const;
    for (const tokenCase of ["held_lacking", "refreshable_lacking", "expired"] as const) {
      expect(decideCall({ ...facts, token: tokenOf[tokenCase] })).toMatchObject({ action: "authorize", scope: new Set(["profile", "orders:read"]) });
    }
  });

  it("takes the oauth2 alternative that the token covers, else the first", () => {
    const schemes: readonly SecurityScheme[] = [read, { type: "oauth2", scopes: new Set(["profile"]) }];
    const facts = { mode: "mixed", origin: "model", sameConnector: true, visibility: new Set(["model"] as const), schemes } as const;
    expect(decideCall({ ...facts, token: tokenOf.held_lacking })).toMatchObject({ action: "call", token: "attach" });
    expect(decideCall({ ...facts, token: { state: "none" } })).toMatchObject({ action: "authorize", scope: new Set(["orders:read"]) });
  });
});

describe("kindOfSchemes", () => {
  it.each([
    [undefined, "undeclared"],
    [[], "undeclared"],
    [[anonymous], "noauth"],
    [[read, anonymous], "either"],
    [[read, read], "oauth2"],
  ] as const)("sums up %j as %s", (schemes, kind) => {
    expect(kindOfSchemes(schemes)).toBe(kind);
  });
});

describe("parseSecuritySchemes", () => {
  const both = [{ type: "noauth" }, { type: "oauth2", scopes: ["orders:read"] }];
  it.each([
    ["none", {}, undefined],
    ["an empty list", { securitySchemes: [] }, undefined],
    ["the top level", { securitySchemes: both }, [anonymous, read]],
    ["_meta", { _meta: { securitySchemes: both } }, [anonymous, read]],
    ["the top level before _meta", { securitySchemes: [{ type: "noauth" }], _meta: { securitySchemes: both } }, [anonymous]],
    ["oauth2 without scopes", { securitySchemes: [{ type: "oauth2" }] }, [{ type: "oauth2", scopes: new Set() }]],
    ["no tool at all", null, undefined],
  ])("reads %s", (_, tool, expected) => {
    expect(parseSecuritySchemes(tool)).toEqual({ ok: true, value: expected });
  });

  it.each([
    ["no list", { type: "noauth" }],
    ["11 schemes", Array.from({ length: 11 }, () => ({ type: "noauth" }))],
    ["an unknown type", [{ type: "noauth" }, { type: "mtls" }]],
    ["a text", ["noauth"]],
    ["scopes in one text", [{ type: "oauth2", scopes: "a b" }]],
    ["a scope outside the grammar", [{ type: "oauth2", scopes: ["a b"] }]],
    ["a scope that is no text", [{ type: "oauth2", scopes: [5] }]],
    ["an unknown member", [{ type: "oauth2", scope: ["a"] }]],
    ["101 scopes", [{ type: "oauth2", scopes: Array.from({ length: 101 }, (_, index) => `s${index}`) }]],
  ])("refuses %s, because guessing would call a protected tool anonymously", (_, securitySchemes) => {
    expect(parseSecuritySchemes({ securitySchemes })).toMatchObject({ ok: false, error: { code: "protocol_error" } });
    expect(parseSecuritySchemes({ _meta: { securitySchemes } })).toMatchObject({ ok: false, error: { code: "protocol_error" } });
  });
});

describe("parseVisibility", () => {
  it.each([
    ["nothing declared", {}, ["model", "app"]],
    ["no tool", undefined, ["model", "app"]],
    ["both", { ui: { visibility: ["app", "model"] } }, ["model", "app"]],
    ["app only", { ui: { visibility: ["app"] } }, ["app"]],
    ["model only", { ui: { visibility: ["model"] } }, ["model"]],
    ["unknown words", { ui: { visibility: ["model", "admin"] } }, ["model"]],
    ["an empty list", { ui: { visibility: [] } }, []],
    ["a text for a list", { ui: { visibility: "model" } }, []],
    ["ui before the older keys", { ui: { visibility: ["app"] }, "openai/visibility": "public" }, ["app"]],
    ["older: public", { "openai/visibility": "public" }, ["model"]],
    ["older: private", { "openai/visibility": "private" }, []],
    ["older: private and accessible", { "openai/visibility": "private", "openai/widgetAccessible": true }, ["app"]],
    ["older: accessible", { "openai/widgetAccessible": true }, ["model", "app"]],
    ["older: not accessible", { "openai/widgetAccessible": false }, ["model"]],
  ])("reads %s", (_, meta, expected) => {
    expect(parseVisibility(meta === undefined ? undefined : { _meta: meta })).toEqual(new Set(expected));
  });
});
