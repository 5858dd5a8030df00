import { describe, expect, it } from "vitest";
import { judgeClientRegistration, type ClientMetadata } from "../src/client-registration.ts";

const asked: ClientMetadata = {
  client_name: "Countersign",
  redirect_uris: ["https://console.example/callback/abc"],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "client_secret_basic",
  application_type: "web",
};
const answer = { client_id: "c1", client_secret: "s1", client_secret_expires_at: 0, redirect_uris: asked.redirect_uris };

describe("judgeClientRegistration", () => {
  it("gives the client as the server registered it", () => {
    const judged = judgeClientRegistration(answer, asked);
    expect(judged).toMatchObject({ ok: true, value: { clientId: "c1", method: "client_secret_basic", expiresAt: undefined } });
    expect(judged.ok && judged.value.secret?.reveal()).toBe("s1");
  });

  it("follows a server that changed the method, and takes no secret along that the method has no use for", () => {
    expect(judgeClientRegistration({ ...answer, token_endpoint_auth_method: "client_secret_post" }, asked)).toMatchObject({
      value: { method: "client_secret_post" },
    });
    const open = judgeClientRegistration({ ...answer, token_endpoint_auth_method: "none" }, asked);
    expect(open).toMatchObject({ value: { method: "none", secret: undefined } });
    expect(judgeClientRegistration({ client_id: "c1" }, asked)).toMatchObject({ value: { method: "none" } });
  });

  it("reads when the secret ends, in milliseconds; 0 and nothing are never", () => {
    expect(judgeClientRegistration({ ...answer, client_secret_expires_at: 1_800_000_000 }, asked)).toMatchObject({
      value: { expiresAt: 1_800_000_000_000 },
    });
    expect(judgeClientRegistration({ ...answer, client_secret_expires_at: undefined }, asked)).toMatchObject({ value: { expiresAt: undefined } });
  });

  it.each([
    ["no object", 5, "invalid_metadata"],
    ["no id", { ...answer, client_id: undefined }, "invalid_metadata"],
    ["an empty id", { ...answer, client_id: "" }, "invalid_metadata"],
    ["an endless id", { ...answer, client_id: "c".repeat(501) }, "invalid_metadata"],
    ["an id with a line break", { ...answer, client_id: "c\r\nx: y" }, "invalid_metadata"],
    ["a secret that is no text", { ...answer, client_secret: 5 }, "invalid_metadata"],
    ["a secret with other signs than ASCII", { ...answer, client_secret: "s\u00e9" }, "invalid_metadata"],
    ["an end that is no time", { ...answer, client_secret_expires_at: "never" }, "invalid_metadata"],
    ["another redirect URI", { ...answer, redirect_uris: ["https://evil.example/"] }, "registration_unavailable"],
    ["a method that this client does not have", { ...answer, token_endpoint_auth_method: "tls_client_auth" }, "registration_unavailable"],
    ["a secret's method without a secret", { client_id: "c1", token_endpoint_auth_method: "client_secret_post" }, "registration_unavailable"],
    ["a key's method without a key", { ...answer, token_endpoint_auth_method: "private_key_jwt" }, "registration_unavailable"],
  ])("refuses an answer with %s", (_, bad, code) => {
    expect(judgeClientRegistration(answer, asked).ok).toBe(true);
    expect(judgeClientRegistration(bad, asked)).toMatchObject({ ok: false, error: { code } });
  });
});
