import { describe, expect, it } from "vitest";
import { chooseClientAuthMethod, type ClientCredential } from "../src/client-authentication.ts";

function offering(methods: readonly string[], algorithms?: readonly string[]): Parameters<typeof chooseClientAuthMethod>[0] {
  return {
    tokenEndpointAuthMethodsSupported: methods,
    ...(algorithms === undefined ? {} : { tokenEndpointAuthSigningAlgValuesSupported: algorithms }),
  };
}

describe("chooseClientAuthMethod", () => {
  const all = ["none", "client_secret_post", "client_secret_basic", "private_key_jwt", "tls_client_auth"];

  it.each<[string, readonly string[], readonly ClientCredential[], string | undefined]>([
    ["a key first", all, ["key", "secret", "nothing"], "private_key_jwt"],
    ["then a secret by header", all, ["secret", "nothing"], "client_secret_basic"],
    ["then a secret in the body", ["none", "client_secret_post"], ["secret", "nothing"], "client_secret_post"],
    ["then nothing", all, ["nothing"], "none"],
    ["no method for a secret that the server takes by none", ["none", "private_key_jwt"], ["secret"], undefined],
    ["no method where the server offers only others", ["tls_client_auth"], ["key", "secret", "nothing"], undefined],
  ])("chooses %s", (_, offered, credentials, expected) => {
    expect(chooseClientAuthMethod(offering(offered), credentials)).toBe(expected);
  });

  it("signs only where the server takes the host's algorithm, or names none", () => {
    expect(chooseClientAuthMethod(offering(["private_key_jwt"], ["ES256"]), ["key"])).toBe("private_key_jwt");
    expect(chooseClientAuthMethod(offering(["private_key_jwt"]), ["key"])).toBe("private_key_jwt");
    expect(chooseClientAuthMethod(offering(["private_key_jwt"], ["RS256"]), ["key"])).toBeUndefined();
    expect(chooseClientAuthMethod(offering(["private_key_jwt", "none"], ["RS256"]), ["key", "nothing"])).toBe("none");
  });
});
