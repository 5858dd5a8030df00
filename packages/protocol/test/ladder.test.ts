import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type HostProfile, hostLadders, mayClimb, nextRung, profileOf, readLadderStep, type Rung, type RungFailure } from "../src/ladder.ts";

const everything = { continue: true, link: true, model: true };
const nothing = { continue: false, link: false, model: false };
const isProfile = (name: string): name is HostProfile => Object.hasOwn(hostLadders, name);
const profiles = Object.keys(hostLadders).filter(isProfile);
const anyRung = fc.constantFrom<Rung>("host_resumes", "continue", "link", "model");

describe("hostLadders", () => {
  it.each(profiles)("begins with the plain call at %s, names each way once and says what it rests on", (profile) => {
    const { rungs, source } = hostLadders[profile];
    expect(rungs[0]).toBe("host_resumes");
    expect(new Set(rungs).size).toBe(rungs.length);
    expect(source.length).toBeGreaterThan(20);
  });
});

describe("nextRung", () => {
  it("climbs in the order of the row", () => {
    const climbed: Rung[] = [];
    for (let rung = nextRung("countersign", climbed, everything); rung !== undefined; rung = nextRung("countersign", climbed, everything))
      climbed.push(rung);
    expect(climbed).toEqual(["host_resumes", "continue", "link", "model"]);
  });

  it.each<[HostProfile, readonly Rung[], typeof everything, Rung | undefined]>([
    ["chatgpt", [], nothing, "host_resumes"],
    ["chatgpt", ["host_resumes"], everything, "link"],
    ["chatgpt", ["host_resumes"], { ...everything, link: false }, "model"],
    ["chatgpt", ["host_resumes", "link"], everything, "model"],
    ["claude", ["host_resumes", "link"], everything, "model"],
    ["goose", ["host_resumes", "link"], everything, undefined],
    ["countersign", ["host_resumes"], { ...everything, continue: false }, "link"],
    ["generic", ["host_resumes"], nothing, undefined],
    ["countersign", ["link"], everything, "model"],
  ])("gives at %s after %j with %j: %s", (profile, tried, can, expected) => {
    expect(nextRung(profile, tried, can)).toBe(expected);
  });

  it("ends, and never gives a way that was tried, that the host lacks or that cannot be used", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...profiles),
        fc.array(anyRung),
        fc.record({ continue: fc.boolean(), link: fc.boolean(), model: fc.boolean() }),
        (profile, tried, can) => {
          const rung = nextRung(profile, tried, can);
          if (rung === undefined) return;
          expect(tried).not.toContain(rung);
          expect(hostLadders[profile].rungs).toContain(rung);
          expect(rung === "host_resumes" || can[rung]).toBe(true);
        },
      ),
    );
  });
});

describe("mayClimb", () => {
  it.each<[HostProfile, RungFailure, boolean, boolean]>([
    ["generic", "unauthorized", false, true],
    ["generic", "unreadable", false, false],
    ["generic", "unreadable", true, true],
    ["chatgpt", "unreadable", false, true],
    ["chatgpt", "ended", true, false],
    ["chatgpt", "failed", true, false],
  ])("at %s after %s, repeatable %j: %j", (profile, failure, repeatable, expected) => {
    expect(mayClimb(profile, failure, repeatable)).toBe(expected);
  });
});

describe("profileOf", () => {
  it.each<[string | undefined, boolean, HostProfile]>([
    ["Countersign", false, "countersign"],
    ["ChatGPT", false, "chatgpt"],
    ["openai-mcp", true, "chatgpt"],
    ["Claude", false, "claude"],
    ["Visual Studio Code", false, "vscode"],
    ["goose", false, "goose"],
    ["Microsoft 365 Copilot", true, "copilot"],
    ["mcs", false, "copilot"],
    ["mcsomething", false, "generic"],
    ["something new", false, "generic"],
    [undefined, false, "generic"],
    [undefined, true, "chatgpt"],
    ["a".repeat(10_000), false, "generic"],
  ])("takes %s, openai %j, for %s", (name, hasOpenai, expected) => {
    expect(profileOf(name, hasOpenai)).toBe(expected);
  });
});

describe("readLadderStep", () => {
  it("reads a step and drops whatever else is said", () => {
    const step = { tool: "list_orders", rung: "link", outcome: "begun" };
    expect(readLadderStep({ ...step, handle: "lnk_secret" })).toEqual(step);
  });

  it.each([
    undefined,
    "link",
    {},
    { tool: "", rung: "link", outcome: "begun" },
    { tool: "a".repeat(200), rung: "link", outcome: "begun" },
    { tool: "t", rung: "sideways", outcome: "begun" },
    { tool: "t", rung: "link", outcome: "paid" },
  ])("takes %j for none", (data) => {
    expect(readLadderStep(data)).toBeUndefined();
  });
});
