import { parseResourceUri } from "@countersign/protocol/resource";
import { describe, expect, test } from "vitest";
import { type IssuerOptions, readIssuerOptions } from "../../src/bearer/issuer-options.ts";
import { isAccessTokenType, readAccessClaims } from "../../src/policy/read-access-claims.ts";

const nowMs = Date.UTC(2026, 10, 22, 12, 0, 0);
const now = nowMs / 1000;
const times = { iat: now, exp: now + 3600 };
const shop = "https://shop.example/mcp";

interface Product {
  readonly name: string;
  /** As the guide says. */
  readonly options: IssuerOptions;
  readonly typ: string | undefined;
  readonly claims: Record<string, unknown>;
  readonly clientId: string;
  readonly scope: readonly string[];
}

/** Access tokens as the products document them, and the settings of the guide. */
const products: readonly Product[] = [
  {
    name: "Auth0, its own profile",
    options: { issuer: "https://tenant.auth0.com/", tokens: "jwt", allowFurtherAudiences: true },
    typ: "JWT",
    claims: {
      iss: "https://tenant.auth0.com/",
      sub: "auth0|1",
      aud: [shop, "https://tenant.auth0.com/userinfo"],
      azp: "app",
      scope: "openid orders:read",
    },
    clientId: "app",
    scope: ["openid", "orders:read"],
  },
  {
    name: "Auth0, the profile of RFC 9068",
    options: { issuer: "https://tenant.auth0.com/" },
    typ: "at+jwt",
    claims: { iss: "https://tenant.auth0.com/", sub: "auth0|1", aud: shop, client_id: "app", jti: "1", scope: "orders:read" },
    clientId: "app",
    scope: ["orders:read"],
  },
  {
    name: "Amazon Cognito",
    options: { issuer: "https://cognito-idp.eu-west-1.amazonaws.com/pool", tokens: "jwt" },
    typ: undefined,
    claims: {
      iss: "https://cognito-idp.eu-west-1.amazonaws.com/pool",
      sub: "u-1",
      aud: shop,
      client_id: "app",
      token_use: "access",
      jti: "1",
      scope: "shop/orders.read",
    },
    clientId: "app",
    scope: ["shop/orders.read"],
  },
  {
    name: "Microsoft Entra ID",
    options: { issuer: "https://login.microsoftonline.com/tenant/v2.0", tokens: "jwt", audience: "app-guid", scopePrefix: "api://app-guid/" },
    typ: "JWT",
    claims: {
      iss: "https://login.microsoftonline.com/tenant/v2.0",
      sub: "s-1",
      aud: "app-guid",
      azp: "client-guid",
      scp: "orders.read orders.write",
      ver: "2.0",
    },
    clientId: "client-guid",
    scope: ["api://app-guid/orders.read", "api://app-guid/orders.write"],
  },
  {
    name: "Keycloak",
    options: { issuer: "https://id.example/realms/shop", tokens: "jwt" },
    typ: "JWT",
    claims: { iss: "https://id.example/realms/shop", sub: "u-1", aud: shop, azp: "app", typ: "Bearer", sid: "s-1", scope: "orders:read" },
    clientId: "app",
    scope: ["orders:read"],
  },
  {
    name: "Okta",
    options: { issuer: "https://tenant.okta.com/oauth2/default", tokens: "jwt", audience: "api://default" },
    typ: undefined,
    claims: { iss: "https://tenant.okta.com/oauth2/default", sub: "u@example.com", aud: "api://default", cid: "app", jti: "1", scp: ["orders:read"] },
    clientId: "app",
    scope: ["orders:read"],
  },
];

function read(options: IssuerOptions, typ: unknown, claims: Record<string, unknown>) {
  const resource = parseResourceUri(shop);
  if (!resource.ok) throw new TypeError("bad test data");
  const { format, rules } = readIssuerOptions(options, resource.value);
  return isAccessTokenType(typ, format) ? readAccessClaims({ ...times, ...claims }, format, rules, nowMs) : undefined;
}

describe.each(products)("an access token of $name", ({ options, typ, claims, clientId, scope }) => {
  test("is read by the settings of the guide", () => {
    expect(read(options, typ, claims)).toMatchObject({ subject: claims["sub"], clientId, scope: new Set(scope), expiresAt: nowMs + 3_600_000 });
  });

  test("O22 O23 is none for another server, from another issuer, once expired, or with the claims of an ID token", () => {
    const { scope: _scope, scp: _scp, ...rest } = claims;
    const others: readonly Record<string, unknown>[] = [
      { ...claims, aud: "https://other.example/mcp" },
      { ...claims, aud: [claims["aud"], "https://other.example/mcp"].flat().slice(1) },
      { ...claims, iss: `${options.issuer}x` },
      { ...claims, exp: now },
      { ...claims, nbf: now + 1 },
      { ...claims, exp: undefined },
      { ...claims, sub: undefined },
      { ...claims, cnf: { "x5t#S256": "x" } },
      ...(options.tokens === "jwt" ? [rest, { ...claims, nonce: "n" }, { ...claims, token_use: "id" }] : []),
    ];
    for (const each of others) expect(read(options, typ, each)).toBeUndefined();
    for (const wrong of ["id+jwt", "logout+jwt", "dpop+jwt", 1]) expect(read(options, wrong, claims)).toBeUndefined();
  });

  test("O22 is none by the default settings, unless it is one of RFC 9068 for this resource alone", () => {
    expect(read({ issuer: options.issuer }, typ, claims) === undefined).toBe(options.tokens === "jwt");
  });
});

test("members that an answer inherits do not count", () => {
  const claims: Record<string, unknown> = Object.create({ aud: shop, sub: "usr_1", client_id: "c", token_type: "Bearer", active: true });
  const resource = parseResourceUri(shop);
  if (!resource.ok) throw new TypeError("bad test data");
  const { rules } = readIssuerOptions({ issuer: "https://id.example", tokens: { clientId: "c", clientSecret: "s" } }, resource.value);
  expect(readAccessClaims(claims, "introspection", rules, nowMs)).toBeUndefined();
  expect(
    readAccessClaims({ aud: shop, sub: "usr_1", client_id: "c", token_type: "Bearer", active: true }, "introspection", rules, nowMs),
  ).toMatchObject({ subject: "usr_1", clientId: "c" });
});

test("O21 a token that calls itself bound, without the key, is none", () => {
  const claims = { aud: shop, sub: "usr_1", client_id: "c", active: true, iss: "https://id.example", scope: "orders:read" };
  const cnf = { jkt: "k".repeat(43) };
  const asked: IssuerOptions = { issuer: "https://id.example", tokens: { clientId: "c", clientSecret: "s" } };
  const signed: IssuerOptions = { issuer: "https://id.example", tokens: "jwt" };
  const resource = parseResourceUri(shop);
  if (!resource.ok) throw new TypeError("bad test data");
  const { rules } = readIssuerOptions(asked, resource.value);
  expect(readAccessClaims({ ...claims, token_type: "DPoP", cnf }, "introspection", rules, nowMs)).toMatchObject({ keyThumbprint: cnf.jkt });
  expect(readAccessClaims({ ...claims, token_type: "DPoP" }, "introspection", rules, nowMs)).toBeUndefined();
  expect(read(signed, "JWT", { ...claims, typ: "DPoP", cnf })).toMatchObject({ keyThumbprint: cnf.jkt });
  expect(read(signed, "JWT", { ...claims, typ: "DPoP" })).toBeUndefined();
});
