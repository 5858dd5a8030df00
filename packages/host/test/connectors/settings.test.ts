import { Secret } from "@countersign/protocol/secret";
import { createSealer } from "@countersign/storage/sealed";
import { describe, expect, it } from "vitest";
import { parseSettings, readSettings, settingsShape, storeSettings } from "../../src/connectors/settings.ts";

const sealer = createSealer({ current: "k1", keys: { k1: new Secret(Buffer.alloc(32, 7).toString("base64url")) } });
const owner = { userId: "usr_1", connectorId: "con_1" };
const whole = {
  mode: "full" as const,
  authorizationServer: "https://login.example.com/tenant",
  clientId: "client-1",
  clientSecret: "a secret",
  tokenEndpointAuthMethod: "client_secret_post" as const,
  scope: "openid api:read",
  authorizeParameters: { audience: "https://api.example.com" },
};

describe("a connector's settings", () => {
  it("come back from storage as they were judged, with the secret sealed", () => {
    const parsed = parseSettings(whole);
    if (!parsed.ok) throw new Error(parsed.error.detail);
    const stored = storeSettings(parsed.value, sealer, owner);
    expect(JSON.stringify(stored)).not.toContain("a secret");
    const read = readSettings(JSON.parse(JSON.stringify(stored)), sealer, owner);
    expect(read).toEqual(parsed.value);
    expect(read?.clientSecret?.reveal()).toBe("a secret");
    expect(JSON.stringify(read)).not.toContain("a secret");
  });

  it("do not open in another user's row or another connector's", () => {
    const parsed = parseSettings(whole);
    if (!parsed.ok) throw new Error(parsed.error.detail);
    const stored = storeSettings(parsed.value, sealer, owner);
    expect(readSettings(stored, sealer, { ...owner, userId: "usr_2" })).toBeUndefined();
    expect(readSettings(stored, sealer, { ...owner, connectorId: "con_2" })).toBeUndefined();
  });

  it("are automatic when nothing is said", () => {
    expect(parseSettings(settingsShape.parse({}))).toEqual({ ok: true, value: { mode: "auto" } });
  });

  it.each([
    ["a secret without a client", { clientSecret: "s", authorizationServer: "https://as.example.com" }],
    ["O14 a secret without the issuer that it is for", { clientId: "c", clientSecret: "s" }],
    ["a method without a client", { tokenEndpointAuthMethod: "none" as const }],
    ["a method that needs a secret, without one", { clientId: "c", tokenEndpointAuthMethod: "client_secret_basic" as const }],
    ["no method with a secret", { ...whole, tokenEndpointAuthMethod: "none" as const }],
    ["an issuer on plain http", { authorizationServer: "http://as.example.com" }],
    ["M24 an issuer with a placeholder", { authorizationServer: "https://${HOST}/x" }],
    ["a scope outside the grammar", { scope: 'a"b' }],
    ["a parameter that is PKCE's", { authorizeParameters: { code_challenge_method: "plain" } }],
    ["a parameter in other case", { authorizeParameters: { Redirect_Uri: "https://evil.example" } }],
    ["a request object", { authorizeParameters: { request_uri: "https://evil.example" } }],
    ["a parameter with a line break", { authorizeParameters: { audience: "a\r\nb" } }],
    ["a parameter's name with an equals sign", { authorizeParameters: { "a=b&state": "x" } }],
    ["21 parameters", { authorizeParameters: Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`p${index}`, "x"])) }],
  ])("refuse %s", (_, input) => {
    expect(parseSettings({ mode: "auto", ...input })).toMatchObject({ ok: false });
  });

  it.each([{ mode: "sometimes" }, { unknown: 1 }, { clientSecret: "line\nbreak" }, { authorizeParameters: { a: 1 } }, { clientId: "" }])(
    "refuse the shape %j",
    (input) => {
      expect(settingsShape.safeParse(input).success).toBe(false);
    },
  );
});
