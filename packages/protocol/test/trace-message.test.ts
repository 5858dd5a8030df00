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
