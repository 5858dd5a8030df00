import { describe, expect, it } from "vitest";
import { profileNames } from "../src/host-profile.ts";
import { issuersUnder, registersBy } from "../src/profile-sign-in.ts";

const server = { tokenEndpointAuthMethodsSupported: ["private_key_jwt"], authorizationResponseIssParameterSupported: true };

describe("the sign-in of the host of a profile", () => {
  it("looks at every authorization server where that host is known to, else at the first", () => {
    expect(profileNames.filter((profile) => issuersUnder(profile, ["a", "b"]).length === 2)).toEqual(["countersign", "chatgpt"]);
    for (const profile of profileNames) expect(issuersUnder(profile, ["a", "b"])[0]).toBe("a");
  });

  it("uses a metadata document at Claude only beside the method none", () => {
    const open = { ...server, tokenEndpointAuthMethodsSupported: ["none"] };
    expect(profileNames.filter((profile) => !registersBy(profile, "cimd", server))).toEqual(["claude"]);
    expect(profileNames.every((profile) => registersBy(profile, "cimd", open))).toBe(true);
  });

  it("leaves a host all ways of which nothing is known", () => {
    for (const way of ["preregistered", "cimd", "dcr"] as const) expect(registersBy("copilot", way, server)).toBe(true);
  });
});
