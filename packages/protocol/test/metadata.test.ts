import { describe, expect, it } from "vitest";
import type { Issuer, ResourceUri } from "../src/brand.ts";
import {
  assumeAuthorizationServer,
  authorizationServerMetadataUrls,
  judgeAuthorizationServer,
  judgeProtectedResource,
  judgeResponseIssuer,
  protectedResourceMetadataUrls,
  resourcesDescribedAt,
} from "../src/metadata.ts";
import { parseIssuer, parseResourceUri } from "../src/resource.ts";

function resourceOf(text: string): ResourceUri {
  const parsed = parseResourceUri(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
}

function issuerOf(text: string): Issuer {
  const parsed = parseIssuer(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
}

const resource = resourceOf("https://store.example/mcp");
const issuer = issuerOf("https://wallet.example");
const local = issuerOf("http://localhost:4200");

describe("protectedResourceMetadataUrls", () => {
  it.each([
    [
      "https://a.example/mcp",
      ["https://a.example/.well-known/oauth-protected-resource/mcp", "https://a.example/.well-known/oauth-protected-resource"],
    ],
    ["https://a.example", ["https://a.example/.well-known/oauth-protected-resource"]],
    [
      "https://a.example/?t=1",
      ["https://a.example/.well-known/oauth-protected-resource?t=1", "https://a.example/.well-known/oauth-protected-resource"],
    ],
    [
      "http://127.0.0.1:4300/x/y?t=1",
      ["http://127.0.0.1:4300/.well-known/oauth-protected-resource/x/y?t=1", "http://127.0.0.1:4300/.well-known/oauth-protected-resource"],
    ],
  ])("tries for %s its path, then the root", (text, urls) => {
    expect(protectedResourceMetadataUrls(resourceOf(text))).toEqual(urls);
  });
});

describe("authorizationServerMetadataUrls", () => {
  it.each([
    ["https://a.example", ["https://a.example/.well-known/oauth-authorization-server", "https://a.example/.well-known/openid-configuration"]],
    ["https://a.example/", ["https://a.example/.well-known/oauth-authorization-server", "https://a.example/.well-known/openid-configuration"]],
    [
      "https://a.example/t/1",
      [
        "https://a.example/.well-known/oauth-authorization-server/t/1",
        "https://a.example/.well-known/openid-configuration/t/1",
        "https://a.example/t/1/.well-known/openid-configuration",
      ],
    ],
  ])("tries for %s OAuth, then OpenID Connect", (text, urls) => {
    expect(authorizationServerMetadataUrls(issuerOf(text))).toEqual(urls);
  });
});

describe("resourcesDescribedAt", () => {
  const root = "https://store.example/.well-known/oauth-protected-resource";
  const origin = resourceOf("https://store.example");

  it("O13: at the root of the dialled origin may name the whole origin, and anywhere else only the dialled URL", () => {
    expect(resourcesDescribedAt(root, resource)).toEqual([resource, origin]);
    expect(resourcesDescribedAt(root, origin)).toEqual([origin]);
    const elsewhere = [
      `${root}/mcp`,
      `${root}/`,
      `${root}?x`,
      "https://evil.example/.well-known/oauth-protected-resource",
      "http://store.example/.well-known/oauth-protected-resource",
      "https://store.example/evil/.well-known/oauth-protected-resource",
    ];
    for (const url of elsewhere) expect(resourcesDescribedAt(url, resource)).toEqual([resource]);
  });

  it("O13: a document at the root names the origin as it spells it, and nothing else of it", () => {
    const accepted = resourcesDescribedAt(root, resource);
    const doc = { authorization_servers: ["https://wallet.example"] };
    expect(judgeProtectedResource({ ...doc, resource: "https://store.example/" }, accepted)).toMatchObject({
      ok: true,
      value: { resource: origin, indicator: "https://store.example/" },
    });
    for (const named of ["https://store.example/other", "https://store.example:8443", "https://honest.example"]) {
      expect(judgeProtectedResource({ ...doc, resource: named }, accepted)).toMatchObject({ ok: false, error: { code: "resource_mismatch" } });
    }
  });
});

describe("judgeProtectedResource", () => {
  const doc = { resource: "https://store.example/mcp", authorization_servers: ["https://wallet.example"] };

  it("gives the typed document", () => {
    expect(judgeProtectedResource(doc, [resource])).toEqual({
      ok: true,
      value: { resource, indicator: "https://store.example/mcp", authorizationServers: [issuer], dpopBoundAccessTokensRequired: false },
    });
    expect(
      judgeProtectedResource(
        {
          ...doc,
          authorization_servers: ["https://wallet.example", "http://localhost:4200"],
          scopes_supported: ["a", "b"],
          resource_name: "Store",
          dpop_signing_alg_values_supported: ["ES256", "EdDSA"],
          dpop_bound_access_tokens_required: true,
        },
        [resource],
      ),
    ).toEqual({
      ok: true,
      value: {
        resource,
        indicator: "https://store.example/mcp",
        authorizationServers: [issuer, local],
        scopesSupported: new Set(["a", "b"]),
        resourceName: "Store",
        dpopSigningAlgValuesSupported: ["ES256", "EdDSA"],
        dpopBoundAccessTokensRequired: true,
      },
    });
  });

  it("leaves out a name that is no short text", () => {
    expect(judgeProtectedResource({ ...doc, resource_name: "n".repeat(201) }, [resource])).not.toHaveProperty("value.resourceName");
  });

  it.each([
    ["another server", "https://honest.example/mcp"],
    ["another path", "https://store.example/other"],
    ["only the origin", "https://store.example"],
    ["a longer path", "https://store.example/mcp/x"],
    ["a trailing slash", "https://store.example/mcp/"],
    ["another case of the path", "https://store.example/MCP"],
    ["another scheme", "http://store.example/mcp"],
    ["another port", "https://store.example:8443/mcp"],
    ["a fragment", "https://store.example/mcp#x"],
    ["no URL", "store"],
  ])("O13: refuses a document whose resource is %s", (_, named) => {
    expect(judgeProtectedResource(doc, [resource]).ok).toBe(true);
    expect(judgeProtectedResource({ ...doc, resource: named }, [resource])).toMatchObject({ ok: false, error: { code: "resource_mismatch" } });
  });

  it.each([
    ["no object", "text"],
    ["a list", [doc]],
    ["no resource", { ...doc, resource: undefined }],
    ["a resource that is no text", { ...doc, resource: 5 }],
    ["no servers", { ...doc, authorization_servers: undefined }],
    ["an empty list of servers", { ...doc, authorization_servers: [] }],
    ["11 servers", { ...doc, authorization_servers: Array.from({ length: 11 }, () => "https://wallet.example") }],
    ["a server on plain http", { ...doc, authorization_servers: ["https://wallet.example", "http://wallet.example"] }],
    ["a server that is no URL", { ...doc, authorization_servers: ["javascript:x"] }],
    ["scopes in one text", { ...doc, scopes_supported: "a b" }],
    ["a scope outside the grammar", { ...doc, scopes_supported: ["a b"] }],
    ["501 scopes", { ...doc, scopes_supported: Array.from({ length: 501 }, (_, index) => `s${index}`) }],
  ])("refuses a document with %s", (_, value) => {
    expect(judgeProtectedResource(value, [resource])).toMatchObject({ ok: false, error: { code: "invalid_metadata" } });
  });
});

describe("judgeAuthorizationServer", () => {
  const doc = {
    issuer: "https://wallet.example",
    authorization_endpoint: "https://wallet.example/authorize",
    token_endpoint: "https://wallet.example/token",
    code_challenge_methods_supported: ["S256"],
  };

  const without = (name: string): object => Object.fromEntries(Object.entries(doc).filter(([other]) => other !== name));

  it("gives the typed document with the defaults of RFC 8414", () => {
    expect(judgeAuthorizationServer(doc, issuer)).toEqual({
      ok: true,
      value: {
        issuer,
        authorizationEndpoint: "https://wallet.example/authorize",
        tokenEndpoint: "https://wallet.example/token",
        tokenEndpointAuthMethodsSupported: ["client_secret_basic"],
        authorizationResponseIssParameterSupported: false,
        clientIdMetadataDocumentSupported: false,
      },
    });
  });

  it("gives everything that the document says", () => {
    const rich = {
      ...doc,
      registration_endpoint: "https://wallet.example/register",
      revocation_endpoint: "https://wallet.example/revoke",
      device_authorization_endpoint: "https://wallet.example/device",
      dpop_signing_alg_values_supported: ["ES256"],
      scopes_supported: ["orders:read"],
      response_types_supported: ["code"],
      token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: true,
    };
    expect(judgeAuthorizationServer(rich, issuer)).toMatchObject({
      ok: true,
      value: {
        registrationEndpoint: "https://wallet.example/register",
        revocationEndpoint: "https://wallet.example/revoke",
        deviceAuthorizationEndpoint: "https://wallet.example/device",
        dpopSigningAlgValuesSupported: ["ES256"],
        scopesSupported: new Set(["orders:read"]),
        tokenEndpointAuthMethodsSupported: ["none", "private_key_jwt"],
        authorizationResponseIssParameterSupported: true,
        clientIdMetadataDocumentSupported: true,
      },
    });
  });

  const device = { ...doc, device_authorization_endpoint: "https://wallet.example/device" };
  const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code";
  it("D09 takes a device endpoint for an offer only where the list of grants, if there is one, names the grant", () => {
    const endpoint = "https://wallet.example/device";
    expect(judgeAuthorizationServer(device, issuer)).toMatchObject({ value: { deviceAuthorizationEndpoint: endpoint } });
    const named = { ...device, grant_types_supported: ["authorization_code", deviceGrant] };
    expect(judgeAuthorizationServer(named, issuer)).toMatchObject({ value: { deviceAuthorizationEndpoint: endpoint } });
    for (const grants of [["authorization_code"], [], deviceGrant]) {
      expect(judgeAuthorizationServer({ ...device, grant_types_supported: grants }, issuer)).not.toHaveProperty("value.deviceAuthorizationEndpoint");
    }
  });

  it.each([
    ["a text", "ES256"],
    ["an empty list", []],
    ["no texts", [5]],
    ["nothing", undefined],
  ])("takes %s for no offer of DPoP", (_, algorithms) => {
    const judged = judgeAuthorizationServer({ ...doc, dpop_signing_alg_values_supported: algorithms }, issuer);
    expect(judged.ok).toBe(true);
    expect(judged).not.toHaveProperty("value.dpopSigningAlgValuesSupported");
  });

  it("accepts loopback http endpoints from a loopback issuer", () => {
    const development = {
      ...doc,
      issuer: "http://localhost:4200",
      authorization_endpoint: "http://localhost:4200/authorize",
      token_endpoint: "http://127.0.0.1:4200/token",
    };
    expect(judgeAuthorizationServer(development, local).ok).toBe(true);
  });

  it.each([
    ["another issuer", "https://honest.example"],
    ["a trailing slash", "https://wallet.example/"],
    ["another case", "https://Wallet.example"],
    ["the default port", "https://wallet.example:443"],
    ["no issuer", undefined],
    ["a list", ["https://wallet.example"]],
  ])("O12: refuses a document that names %s", (_, named) => {
    expect(judgeAuthorizationServer(doc, issuer).ok).toBe(true);
    expect(judgeAuthorizationServer({ ...doc, issuer: named }, issuer)).toMatchObject({ ok: false, error: { code: "issuer_mismatch" } });
  });

  it.each([
    ["nothing about PKCE", undefined],
    ["plain only", ["plain"]],
    ["an empty list", []],
    ["a text", "S256"],
  ])("refuses a server that says %s", (_, methods) => {
    expect(judgeAuthorizationServer({ ...doc, code_challenge_methods_supported: methods }, issuer)).toMatchObject({
      ok: false,
      error: { code: "pkce_unsupported" },
    });
  });

  it("believes a silent server that it knows PKCE where it is told so, and no server that names other methods only", () => {
    const silent = { ...doc, code_challenge_methods_supported: undefined };
    expect(judgeAuthorizationServer(silent, issuer, "assumed").ok).toBe(true);
    expect(judgeAuthorizationServer(silent, issuer, "advertised")).toMatchObject({ error: { code: "pkce_unsupported" } });
    for (const methods of [["plain"], [], "S256"]) {
      expect(judgeAuthorizationServer({ ...doc, code_challenge_methods_supported: methods }, issuer, "assumed")).toMatchObject({
        error: { code: "pkce_unsupported" },
      });
    }
  });

  it("reads the algorithms of client assertions", () => {
    const algorithms = { ...doc, token_endpoint_auth_signing_alg_values_supported: ["RS256", "ES256"] };
    expect(judgeAuthorizationServer(algorithms, issuer)).toMatchObject({
      value: { tokenEndpointAuthSigningAlgValuesSupported: ["RS256", "ES256"] },
    });
    expect(judgeAuthorizationServer({ ...algorithms, token_endpoint_auth_signing_alg_values_supported: "ES256" }, issuer)).toMatchObject({
      error: { code: "invalid_metadata" },
    });
  });

  const endpoints = [
    "authorization_endpoint",
    "token_endpoint",
    "registration_endpoint",
    "revocation_endpoint",
    "device_authorization_endpoint",
  ] as const;
  const addresses = [
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "--flag",
    "http://wallet.example/x",
    "http://127.0.0.1/x",
    "https://user:x@wallet.example/x",
    "https://wallet.example/x#y",
    5,
    null,
  ];
  it.each(endpoints.flatMap((name) => addresses.map((address) => [name, address] as const)))("M10: refuses %s = %s", (name, address) => {
    expect(judgeAuthorizationServer({ ...doc, [name]: address }, issuer)).toMatchObject({ ok: false, error: { code: "unsafe_url" } });
  });

  it.each([
    ["no object", 5],
    ["no authorization endpoint", without("authorization_endpoint")],
    ["no token endpoint", without("token_endpoint")],
    ["no response type code", { ...doc, response_types_supported: ["token"] }],
    ["response types in one text", { ...doc, response_types_supported: "code" }],
    ["methods in one text", { ...doc, token_endpoint_auth_methods_supported: "none" }],
    ["scopes in one text", { ...doc, scopes_supported: "a b" }],
  ])("refuses a document with %s", (_, value) => {
    expect(judgeAuthorizationServer(value, issuer)).toMatchObject({ ok: false, error: { code: "invalid_metadata" } });
  });
});

describe("judgeResponseIssuer", () => {
  const advertising = { issuer, authorizationResponseIssParameterSupported: true };
  const silent = { issuer, authorizationResponseIssParameterSupported: false };

  it("accepts the recorded issuer, and none from a server that never sends it", () => {
    expect(judgeResponseIssuer("https://wallet.example", advertising)).toEqual({ ok: true, value: issuer });
    expect(judgeResponseIssuer("https://wallet.example", silent).ok).toBe(true);
    expect(judgeResponseIssuer(undefined, silent).ok).toBe(true);
  });

  it.each([
    ["another issuer", "https://evil.example"],
    ["a trailing slash", "https://wallet.example/"],
    ["another case", "https://Wallet.example"],
    ["the default port", "https://wallet.example:443"],
    ["the empty text", ""],
  ])("O10: refuses %s, whether or not the server advertises iss", (_, iss) => {
    expect(judgeResponseIssuer(iss, advertising)).toMatchObject({ ok: false, error: { code: "issuer_mismatch" } });
    expect(judgeResponseIssuer(iss, silent)).toMatchObject({ ok: false, error: { code: "issuer_mismatch" } });
  });

  it("O10: refuses a missing iss from a server that advertises it", () => {
    expect(judgeResponseIssuer(undefined, advertising)).toMatchObject({ ok: false, error: { code: "issuer_mismatch" } });
  });
});

describe("assumeAuthorizationServer", () => {
  it("has the fixed paths of MCP 2025-03-26 at the issuer's root", () => {
    expect(assumeAuthorizationServer(issuer)).toMatchObject({
      issuer,
      authorizationEndpoint: "https://wallet.example/authorize",
      tokenEndpoint: "https://wallet.example/token",
      registrationEndpoint: "https://wallet.example/register",
      clientIdMetadataDocumentSupported: false,
    });
  });
});
