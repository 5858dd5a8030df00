import { describe, expect, it } from "vitest";
import type { RegistrationObservation } from "../src/server-observation.ts";
import { isAddressRefused, judgeRegistrations } from "../src/server-rules-registration.ts";

const stable = "https://chat.example/redirect";
const own = "https://chat.example/oauth/abc";
const other = "http://127.0.0.1:1/callback";
const host = { registration: ["preregistered", "dcr"], redirectUris: [stable, "https://chat.example/oauth/{}"] } as const;

const taken = (redirectUri: string, kept = true): RegistrationObservation => ({ redirectUri, seen: "registered", kept, removed: true });
const refused = (redirectUri: string, error?: string, status = 400): RegistrationObservation => ({
  redirectUri,
  seen: "refused",
  status,
  ...(error === undefined ? {} : { error }),
});
const silent = (redirectUri: string): RegistrationObservation => ({ redirectUri, seen: "nothing", problem: "timeout" });
const badUri = "invalid_redirect_uri";

describe("clients that were registered for a try", () => {
  it.each<readonly [string, readonly RegistrationObservation[], readonly [string, string] | undefined]>([
    ["all taken", [taken(stable), taken(own), taken(other)], undefined],
    ["nobody tried", [], undefined],
    ["both addresses of the host refused", [refused(stable, badUri), refused(own, badUri)], ["redirect_refused", "falls_back"]],
    ["both refused for whatever reason, and another taken", [refused(stable), refused(own), taken(other)], ["redirect_refused", "falls_back"]],
    ["both changed", [taken(stable, false), taken(own, false)], ["redirect_refused", "falls_back"]],
    ["one of two refused", [refused(stable, badUri), taken(own)], ["redirect_partly", "unknown"]],
    ["only another's address refused", [taken(stable), taken(own), refused(other, badUri)], undefined],
    ["everybody refused for another reason", [refused(stable, "invalid_client_metadata"), refused(own), refused(other)], undefined],
    [
      "everybody refused without a credential",
      [refused(stable, undefined, 401), refused(own, undefined, 403)],
      ["registration_closed", "falls_back"],
    ],
    ["a failure", [refused(stable, badUri, 503), refused(own, badUri, 429), taken(other)], undefined],
    ["no answer", [silent(stable), silent(own)], undefined],
  ])("%s", (_name, tried, verdict) => {
    const judged = judgeRegistrations(tried, host);
    expect(judged === undefined ? undefined : [judged.finding, judged.standing]).toEqual(verdict);
    expect(judged === undefined || judged.fix !== undefined).toBe(true);
  });

  it("leave a host dead that nobody can register by hand", () => {
    const verdict = judgeRegistrations([refused(own, badUri)], { ...host, registration: ["dcr"] });
    expect(verdict).toMatchObject({ standing: "dead", finding: "redirect_refused", rests: "redirectUris" });
    expect(verdict?.reason).not.toContain("Somebody");
  });

  it("say nothing of a host whose addresses nobody has told", () => {
    expect(judgeRegistrations([refused(stable, badUri), taken(other)], { ...host, redirectUris: [] })).toBeUndefined();
  });
});

describe("isAddressRefused", () => {
  it("takes a refusal of one among clients that are taken for one of its address", () => {
    expect(isAddressRefused(refused(other), [refused(other), taken(stable)])).toBe(true);
    expect(isAddressRefused(refused(other), [refused(other), refused(stable)])).toBe(false);
  });
});
