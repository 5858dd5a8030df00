import { describe, expect, test } from "vitest";
import { judgeClientDocument, judgeRegistrationRequest, parseClientIdUrl } from "../src/presented-client.ts";

const device = "urn:ietf:params:oauth:grant-type:device_code";
const offer = { grantTypes: ["authorization_code", "refresh_token", device], signingAlgs: ["ES256", "RS256"] };

/** The documents of large hosts, in the shapes that they publish. */
const claude = {
  client_id: "https://claude.ai/oauth/mcp-oauth-client-metadata",
  client_name: "Claude",
  client_uri: "https://claude.ai",
  redirect_uris: ["https://claude.ai/api/mcp/auth_callback"],
  grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
};
const claudeCode = {
  client_id: "https://claude.ai/oauth/claude-code-client-metadata",
  client_name: "Claude Code",
  client_uri: "https://claude.ai",
  redirect_uris: ["http://localhost/callback", "http://127.0.0.1/callback"],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
};
const chatGpt = {
  client_id: "https://chatgpt.com/oauth/client.json",
  client_uri: "https://chatgpt.com/",
  redirect_uris: ["https://chatgpt.com/connector_platform_oauth_redirect"],
  token_endpoint_auth_method: "private_key_jwt",
  token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  client_name: "ChatGPT",
  token_endpoint_auth_signing_alg: "RS256",
  jwks_uri: "https://chatgpt.com/oauth/jwks.json",
};
const vsCode = {
  client_id: "https://vscode.dev/oauth/client-metadata.json",
  client_name: "Visual Studio Code",
  client_uri: "https://vscode.dev/product",
  logo_uri: "https://vscode.dev/static/stable/code-stable.png",
  grant_types: ["authorization_code", "refresh_token", device],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
  application_type: "native",
  redirect_uris: ["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
};

type Change = Readonly<Record<string, unknown>>;

function document(changes: Change = {}): Change {
  return { ...claude, ...changes };
}

const judged = (doc: Change, from = offer) => judgeClientDocument(doc, String(doc["client_id"]), from);

describe("a client metadata document as a large host publishes it", () => {
  test("Claude: a web client without secret; grants that are not offered are left out", () => {
    expect(judged(claude)).toEqual({
      ok: true,
      value: {
        client_name: "Claude",
        client_uri: "https://claude.ai",
        redirect_uris: ["https://claude.ai/api/mcp/auth_callback"],
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        application_type: "web",
        token_endpoint_auth_method: "none",
      },
    });
  });

  test("Claude Code: redirects to this machine make it native though it does not say so", () => {
    expect(judged(claudeCode)).toMatchObject({ ok: true, value: { application_type: "native", redirect_uris: claudeCode.redirect_uris } });
  });

  test("ChatGPT: keys at an address, RS256", () => {
    expect(judged(chatGpt)).toMatchObject({
      ok: true,
      value: {
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_signing_alg: "RS256",
        jwks_uri: "https://chatgpt.com/oauth/jwks.json",
        application_type: "web",
      },
    });
  });

  test("ChatGPT at a server that does not take its algorithm: none, because it names that too", () => {
    expect(judged(chatGpt, { ...offer, signingAlgs: ["ES256"] })).toMatchObject({ ok: true, value: { token_endpoint_auth_method: "none" } });
  });

  test("VS Code: this machine and its own page, with the device grant", () => {
    expect(judged(vsCode)).toMatchObject({
      ok: true,
      value: { application_type: "native", redirect_uris: vsCode.redirect_uris, grant_types: vsCode.grant_types },
    });
    expect(JSON.stringify(judged(vsCode))).not.toContain("logo");
  });
});

describe("a document that is not taken", () => {
  test.each<[string, Change]>([
    ["one that names another client", { client_id: "https://claude.ai/oauth/other" }],
    ["one that names the same client in other letters", { client_id: "https://CLAUDE.ai/oauth/mcp-oauth-client-metadata" }],
    ["a secret", { client_secret: "x" }],
    ["the expiry of a secret", { client_secret_expires_at: 0 }],
    ["a way of authentication by secret", { token_endpoint_auth_method: "client_secret_post" }],
    ["a key-based way without keys", { token_endpoint_auth_method: "private_key_jwt" }],
    [
      "keys by value and by address",
      { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [{ kty: "EC" }] }, jwks_uri: "https://claude.ai/k" },
    ],
    ["a private key", { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [{ kty: "EC", d: "x" }] } }],
    ["a symmetric key", { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [{ kty: "oct", k: "x" }] } }],
    ["keys at a plain address", { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "http://claude.ai/keys" }],
    [
      "an algorithm that is not taken",
      { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "https://claude.ai/k", token_endpoint_auth_signing_alg: "HS256" },
    ],
    ["a script as logo", { logo_uri: "javascript:alert(1)" }],
    ["a page in plain http", { client_uri: "http://claude.ai" }],
    ["no grant that is offered", { grant_types: ["client_credentials", "refresh_token"] }],
    ["the implicit grant's response", { response_types: ["token"] }],
    ["grants that are no list", { grant_types: "authorization_code" }],
  ])("O32 %s", (_, changes) => {
    expect(judgeClientDocument(document(changes), claude.client_id, offer)).toMatchObject({ ok: false, error: { code: "invalid_client_metadata" } });
  });

  test.each([
    "https://evil.example/cb",
    "https://claude.ai.evil.example/cb",
    "https://claude.ai:8443/cb",
    "http://claude.ai/cb",
    "http://127.0.0.2/cb",
    "http://localhost.evil.example/cb",
    "https://claude.ai/cb#x",
    "https://user@claude.ai/cb",
    "javascript:alert(1)//claude.ai",
    "data:text/html,x",
    "/cb",
    "",
  ])("O32 a redirect to %j, also beside a good one", (redirect) => {
    const doc = document({ redirect_uris: [...claude.redirect_uris, redirect] });
    expect(judgeClientDocument(doc, claude.client_id, offer)).toMatchObject({ ok: false, error: { code: "invalid_redirect_uri" } });
  });

  test("O32 no redirect at all, too many, and one that is too long", () => {
    for (const redirect_uris of [
      undefined,
      [],
      Array.from({ length: 21 }, (_, at) => `https://claude.ai/${at}`),
      [`https://claude.ai/${"x".repeat(2048)}`],
    ]) {
      expect(judged(document({ redirect_uris }))).toMatchObject({ ok: false, error: { code: "invalid_redirect_uri" } });
    }
  });

  test.each([null, [], "x", 1])("O32 %j is no document", (doc) => {
    expect(judgeClientDocument(doc, claude.client_id, offer)).toMatchObject({ ok: false });
  });

  test("an app's scheme counts only when it is the host's name reversed", () => {
    const redirect_uris = ["ai.claude:/cb", "com.other:/cb", "claude://cb"];
    expect(judged(document({ redirect_uris }))).toMatchObject({ ok: true, value: { redirect_uris: ["ai.claude:/cb"], application_type: "native" } });
  });

  test("a client of the device grant alone needs no redirect", () => {
    const doc = document({ redirect_uris: undefined, grant_types: [device, "refresh_token"] });
    expect(judged(doc)).toMatchObject({ ok: true, value: { response_types: [], redirect_uris: [] } });
  });
});

describe("a client id that points to a document", () => {
  test.each([claude.client_id, chatGpt.client_id, "https://app.example:8443/c"])("%s does", (id) => {
    expect(parseClientIdUrl(id)?.href).toBe(id);
  });

  test.each([
    "countersign-host",
    "http://claude.ai/c",
    "https://claude.ai",
    "https://claude.ai/",
    "https://claude.ai/c#x",
    "https://user@claude.ai/c",
    "https://CLAUDE.ai/c",
    "https://claude.ai/a/../c",
    "https://claude.ai/%2e%2e/c",
    "https://claude.ai:443/c",
    "https://claude.ai\\c",
    "https://127.0.0.1/c",
    "https://[::1]/c",
    "https://localhost/c",
    "https://2130706433/c",
    "https://93.184.216.34/c",
    `https://claude.ai/${"x".repeat(512)}`,
  ])("O31 %s does not", (id) => {
    expect(parseClientIdUrl(id)).toBeUndefined();
  });
});

describe("a registration", () => {
  const request = { client_name: "An editor", redirect_uris: ["http://127.0.0.1:4444/cb"] };

  test("of a client on this machine becomes a native public client with the code grant", () => {
    expect(judgeRegistrationRequest(request, offer)).toEqual({
      ok: true,
      value: {
        client_name: "An editor",
        redirect_uris: ["http://127.0.0.1:4444/cb"],
        grant_types: ["authorization_code"],
        response_types: ["code"],
        application_type: "native",
        token_endpoint_auth_method: "none",
      },
    });
  });

  test.each(["https://any.example/cb", "com.example.app:/cb", "cursor://anysphere.cursor-mcp/oauth/callback", "http://[::1]:9/cb"])(
    "may return to %s",
    (redirect) => {
      expect(judgeRegistrationRequest({ ...request, redirect_uris: [redirect] }, offer)).toMatchObject({ ok: true });
    },
  );

  test.each([
    "http://any.example/cb",
    "javascript:alert(1)",
    "data:text/html,x",
    "myapp://cb",
    "file:///etc",
    "https://any.example/#x",
    "about:blank",
    "intent://x",
  ])("O34 may not return to %s", (redirect) => {
    const answer = judgeRegistrationRequest({ ...request, redirect_uris: [redirect] }, offer);
    expect(answer).toMatchObject({ ok: false, error: { code: "invalid_redirect_uri" } });
  });

  test("O34 that wants a secret or other powers gets a public client with what is offered", () => {
    const wishes = {
      ...request,
      token_endpoint_auth_method: "client_secret_basic",
      grant_types: ["authorization_code", "client_credentials", "implicit"],
      client_id: "countersign-host",
      client_secret: "mine",
      scope: "admin",
      sector_identifier_uri: "https://evil.example/",
    };
    const answer = judgeRegistrationRequest(wishes, offer);
    expect(answer).toMatchObject({ ok: true, value: { token_endpoint_auth_method: "none", grant_types: ["authorization_code"] } });
    for (const name of ["client_id", "client_secret", "scope", "sector_identifier_uri"]) expect(answer).not.toHaveProperty(`value.${name}`);
  });

  test("O34 a name with control characters is left out", () => {
    expect(judgeRegistrationRequest({ ...request, client_name: "a\u0000b" }, offer)).not.toHaveProperty("value.client_name");
  });
});
