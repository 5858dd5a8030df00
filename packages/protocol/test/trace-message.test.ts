import { describe, expect, it } from "vitest";
import { showDetail, showRequest, showResponse } from "../src/trace-message.ts";

const canary = "canary-7f3a9c";

describe("showRequest", () => {
  it("shows a call without its arguments, answers and token", () => {
    const shown = showRequest("POST", "https://shop.example/mcp", {
      headers: new Headers({ authorization: `Bearer ${canary}`, "mcp-session-id": canary, "content-type": "application/json", dpop: canary }),
      kind: "rpc",
      body: {
        jsonrpc: "2.0",
        id: 3,
        method: "tools/call",
        params: {
          name: "buy",
          arguments: { card: canary },
          requestState: canary,
          inputResponses: { a: { content: canary } },
          _meta: { key: canary },
        },
      },
    });
    expect(shown).toEqual({
      way: "sent",
      line: "POST https://shop.example/mcp",
      headers: { authorization: "Bearer [masked]", "mcp-session-id": "[masked]", "content-type": "application/json", dpop: "[masked]" },
      body: {
        jsonrpc: "2.0",
        id: 3,
        method: "tools/call",
        params: {
          name: "buy",
          arguments: { card: "[masked: text]" },
          requestState: "[masked: text]",
          inputResponses: "[masked: object of 1]",
          _meta: "[masked: object of 1]",
        },
      },
    });
  });

  it("shows a token request without code, verifier, secret and assertion (RFC 6749 section 4.1.3, RFC 7636 section 4.5)", () => {
    const body = { grant_type: "authorization_code", code: canary, code_verifier: canary, client_secret: canary, client_assertion: canary };
    const shown = showRequest("POST", "https://as.example/token", {
      headers: [["Authorization", `Basic ${canary}`]],
      kind: "token_request",
      body: { ...body, redirect_uri: "https://host.example/callback/x", refresh_token: canary },
    });
    expect(JSON.stringify(shown)).not.toContain(canary);
    expect(shown).toMatchObject({
      headers: { authorization: "Basic [masked]" },
      body: { grant_type: "authorization_code", code: "[masked: text]", redirect_uri: "https://host.example/callback/x" },
    });
  });
});

describe("showResponse", () => {
  it("shows a result by its shape, and a token answer without a token", () => {
    const body = {
      jsonrpc: "2.0",
      id: 3,
      result: { content: [{ type: "text", text: canary }], structuredContent: { card: canary }, isError: false },
    };
    expect(showResponse(200, { headers: [["set-cookie", canary]], kind: "rpc", body })).toEqual({
      way: "received",
      line: "HTTP 200",
      headers: { "set-cookie": "[masked]" },
      body: {
        jsonrpc: "2.0",
        id: 3,
        result: { content: [{ type: "text", text: "[masked: text]" }], structuredContent: { card: "[masked: text]" }, isError: false },
      },
    });
    const tokens = { access_token: canary, refresh_token: canary, id_token: canary, token_type: "Bearer", expires_in: 60, scope: "a b" };
    expect(showResponse(200, { headers: [], kind: "token_answer", body: tokens }).body).toEqual({
      access_token: "[masked: text]",
      refresh_token: "[masked: text]",
      id_token: "[masked: text]",
      token_type: "Bearer",
      expires_in: 60,
      scope: "a b",
    });
  });

  it("shows of a challenge what is wanted (RFC 6750 section 3, RFC 9728 section 5.1), and of a header that is none nothing", () => {
    const header = `Bearer error="invalid_token", scope="a b", resource_metadata="https://s.example/.well-known/x?key=${canary}", nonce="${canary}"`;
    const shown = (value: string): unknown => showResponse(401, { headers: [["WWW-Authenticate", value]], kind: "none" }).headers["www-authenticate"];
    expect(shown(header)).toBe(
      'bearer error="invalid_token", scope="a b", resource_metadata="https://s.example/.well-known/x?key=[masked]", nonce="[masked]"',
    );
    expect(shown(`Negotiate ${canary}==`)).toBe("negotiate [masked]");
    expect(shown(`"${canary}`)).toBe("[masked: leaves the grammar]");
  });

  it("shows no body of a kind that is not known", () => {
    expect(showResponse(500, { headers: [], kind: "none", body: { error: canary } })).toEqual({ way: "received", line: "HTTP 500", headers: {} });
  });
});

describe("showDetail", () => {
  it("keeps the names on the list, and masks any other and a secret under a listed name", () => {
    const detail = { action: "call", token: "attach", code: "access_denied", url: "https://a.example/x?key=1", authorization: "Bearer [masked]" };
    expect(showDetail(detail)).toEqual({ ...detail, url: "https://a.example/x?key=[masked]" });
    const wrong = { token: canary, code: "Spl-1tSecret", state: canary, authorization: `Bearer ${canary}`, verifier: canary, userCode: canary };
    expect(JSON.stringify(showDetail(wrong))).not.toMatch(/canary|Secret/);
  });
});

describe("an address with a key in its query", () => {
  const keyed = `https://shop.example/mcp?key=${canary}`;
  const nested = `https://as.example/authorize?resource=${encodeURIComponent(keyed)}&redirect_uri=${encodeURIComponent(keyed)}`;

  it("is shown without the key wherever an address stands: in a detail, in a document, in a token request, in another address", () => {
    const parameters = { resource: keyed, redirect_uri: keyed, client_id: "host" };
    const shown = [
      showDetail({ resource: keyed, issuer: keyed, authorizationServers: [keyed], url: nested, parameters }),
      showRequest("POST", nested, {
        headers: [],
        kind: "token_request",
        body: { grant_type: "refresh_token", resource: keyed, redirect_uri: keyed },
      }),
      showRequest("POST", keyed, { headers: [], kind: "rpc", body: { method: "resources/read", params: { uri: keyed } } }),
      showResponse(200, { headers: [], kind: "resource_metadata", body: { resource: keyed, authorization_servers: [keyed, { a: keyed }] } }),
      showResponse(200, { headers: [], kind: "server_metadata", body: { issuer: keyed, token_endpoint: keyed, jwks_uri: keyed } }),
      showResponse(401, { headers: [["www-authenticate", `Bearer resource_metadata="${nested}"`]], kind: "none" }),
    ];
    expect(JSON.stringify(shown)).not.toContain(canary);
    expect(shown[0]).toMatchObject({ resource: "https://shop.example/mcp?key=[masked]", parameters: { client_id: "host" } });
    expect(shown[3]).toMatchObject({ body: { authorization_servers: ["https://shop.example/mcp?key=[masked]", "[masked: object of 1]"] } });
  });

  it("is shown letter by letter when there is nothing to mask, because issuers are compared that way", () => {
    const issuers = ["https://as.example", "https://as.example/", "https://as.example/tenant"];
    expect(showDetail({ authorizationServers: issuers, issuer: "https://as.example" })).toEqual({
      authorizationServers: issuers,
      issuer: "https://as.example",
    });
  });
});

describe("a secret that a peer repeats", () => {
  const secrets = ["Canary-7f3A9c"];
  const shown = (headers: readonly (readonly [string, string])[], body?: unknown): string =>
    JSON.stringify(showResponse(401, { headers, kind: "rpc", body, secrets }));

  it.each([
    ["the name of a header", [["x-canary-7f3a9c", "1"]]],
    ["a header that is shown", [["retry-after", "Canary-7f3A9c"]]],
    ["a header that is cut where it stands", [["cache-control", `${"x".repeat(495)}Canary-7f3A9c`]]],
    ["a challenge's scheme", [["www-authenticate", 'Canary-7f3A9c realm="a"']]],
    ["a challenge's parameter", [["www-authenticate", 'Bearer Canary-7f3A9c="a"']]],
    ["a challenge's words", [["www-authenticate", `Bearer error_description="${"x".repeat(495)}Canary-7f3A9c"`]]],
  ] as const)("is not shown in %s, in whatever case, nor a part of it", (_, headers) => {
    expect(shown([["cache-control", "no-store"]])).toContain("no-store");
    expect(shown(headers).toLowerCase()).not.toContain("cana");
  });

  it("is not shown in an error's words or an argument's name, nor a part of it", () => {
    const error = { code: 1, message: `${"x".repeat(1995)}canary-7f3a9c` };
    expect(shown([], { error }).toLowerCase()).not.toContain("cana");
    expect(shown([], { params: { arguments: { "canary-7f3a9c": 1 } } }).toLowerCase()).not.toContain("cana");
  });
});
