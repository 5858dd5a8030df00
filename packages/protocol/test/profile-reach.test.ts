import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hostNames, readProfile } from "../src/host-profile.ts";
import { hostSignIns, type SignInForm } from "../src/host-profile-sign-in.ts";
import { type HostProfile, hostLadders } from "../src/ladder.ts";
import { judgeReach, type Reach, type ReachFacts } from "../src/profile-reach.ts";

const profiles = Object.keys(hostNames).flatMap((name) => readProfile(name) ?? []);
const shop = { mode: "mixed", by: "view", declares: true, describes: true, offersLinks: true } as const;
/** As a server answers that chooses the form by the client. */
const formsFor = (profile: HostProfile): readonly SignInForm[] => (profile === "chatgpt" ? ["declared", "result"] : ["declared", "http_401"]);
const reach = (profile: HostProfile, changed: Partial<ReachFacts> = {}): Reach =>
  judgeReach(profile, { ...shop, forms: formsFor(profile), ...changed });
const told = (changed: Partial<ReachFacts> = {}): object =>
  Object.fromEntries(
    profiles.map((profile) => {
      const { reach: how, way } = reach(profile, changed);
      return [profile, way === undefined ? how : `${how} by ${way}`];
    }),
  );

describe("judgeReach", () => {
  it("tells for a view of a mixed server with account links", () => {
    expect(told()).toEqual({
      countersign: "works by host_resumes",
      chatgpt: "falls_back by link",
      claude: "falls_back by link",
      vscode: "works by host_resumes",
      cursor: "falls_back by link",
      goose: "dead",
      copilot: "falls_back by link",
      generic: "falls_back by link",
    });
  });

  it("tells for a view of a mixed server without account links", () => {
    expect(told({ offersLinks: false })).toEqual({
      countersign: "works by host_resumes",
      chatgpt: "falls_back by model",
      claude: "falls_back by model",
      vscode: "works by host_resumes",
      cursor: "dead",
      goose: "dead",
      copilot: "dead",
      generic: "falls_back by model",
    });
  });

  it("tells for the model's call of a mixed server", () => {
    expect(told({ by: "model" })).toEqual({
      countersign: "works by host_resumes",
      chatgpt: "works by host_resumes",
      claude: "works by host_resumes",
      vscode: "works by host_resumes",
      cursor: "dead",
      goose: "dead",
      copilot: "dead",
      generic: "works by host_resumes",
    });
  });

  it("works for a full connector wherever views can call at all", () => {
    for (const profile of profiles) {
      expect(reach(profile, { mode: "full", by: "model" }).reach).toBe("works");
      expect(reach(profile, { mode: "full" }).reach).toBe(profile === "goose" ? "dead" : "works");
    }
  });

  it("is dead for the model where the server speaks the other dialect", () => {
    expect(reach("chatgpt", { by: "model", forms: ["declared", "http_401"] }).reach).toBe("dead");
    expect(reach("claude", { by: "model", forms: ["declared", "result"] }).reach).toBe("dead");
    expect(reach("chatgpt", { offersLinks: false, forms: ["declared", "http_401"] }).reach).toBe("dead");
    expect(reach("countersign", { by: "model", forms: ["result"] }).reach).toBe("works");
  });

  it.each<[string, Partial<ReachFacts>]>([
    ["the tool declares no securitySchemes", { declares: false }],
    ["the challenge lacks error or error_description", { describes: false }],
  ])("says at chatgpt that %s", (reason, changed) => {
    expect(reach("chatgpt", { by: "model" }).reach).toBe("works");
    expect(reach("chatgpt", { by: "model", ...changed })).toMatchObject({ reach: "dead", reason });
    expect(reach("claude", { by: "model", ...changed }).reach).toBe("works");
  });

  it("rests on the weakest of its facts and names its source", () => {
    expect(reach("chatgpt")).toMatchObject({ certainty: "issue", source: hostSignIns.chatgpt.opensOn.view.source });
    expect(reach("claude")).toMatchObject({ certainty: "assumed" });
    expect(reach("vscode")).toMatchObject({ certainty: "inferred" });
    const alone = { offersLinks: false };
    expect(reach("chatgpt", alone)).toMatchObject({ way: "model", certainty: "issue", source: hostSignIns.chatgpt.opensOn.view.source });
    expect(reach("cursor", alone)).toMatchObject({ reach: "dead", certainty: "assumed", source: hostSignIns.cursor.opensOn.view.source });
    expect(reach("copilot", alone)).toMatchObject({ reach: "dead", certainty: "doc" });
    expect(reach("goose")).toMatchObject({ certainty: "code", reason: "the host announces no tool calls to views" });
  });

  it("names a way of the ladder exactly where there is one, and gets no worse by a link", () => {
    const order = ["dead", "falls_back", "works"];
    fc.assert(
      fc.property(
        fc.constantFrom(...profiles),
        fc.record({
          mode: fc.constantFrom("mixed" as const, "full" as const),
          by: fc.constantFrom("model" as const, "view" as const),
          forms: fc.subarray<SignInForm>(["declared", "http_401", "result", "structured"]),
          declares: fc.boolean(),
          describes: fc.boolean(),
          offersLinks: fc.boolean(),
        }),
        (profile, facts) => {
          const verdict = judgeReach(profile, facts);
          expect(verdict.way === undefined).toBe(verdict.reach === "dead");
          expect([undefined, ...hostLadders[profile].rungs]).toContain(verdict.way);
          const linked = judgeReach(profile, { ...facts, offersLinks: true });
          expect(order.indexOf(linked.reach)).toBeGreaterThanOrEqual(order.indexOf(verdict.reach));
        },
      ),
    );
  });
});
