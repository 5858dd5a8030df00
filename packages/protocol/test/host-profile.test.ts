import { describe, expect, it } from "vitest";
import { defaultProfile, type Fact, hostNames, type HostTable, readProfile } from "../src/host-profile.ts";
import { hostBugs } from "../src/host-profile-bugs.ts";
import { hostClients } from "../src/host-profile-client.ts";
import { hostSignIns } from "../src/host-profile-sign-in.ts";
import { hostViews } from "../src/host-profile-view.ts";
import { type HostProfile, hostLadders, profileOf } from "../src/ladder.ts";
import { isJsonObject, member } from "../src/shape.ts";

const profiles = Object.keys(hostNames).flatMap((name) => readProfile(name) ?? []);
const tables: readonly (readonly [string, HostTable<unknown>])[] = [
  ["client", hostClients],
  ["sign-in", hostSignIns],
  ["view", hostViews],
];
const isFact = (value: unknown): value is Fact<unknown> => isJsonObject(value) && "certainty" in value;

/** Every fact of a row with its place. */
function factsOf(row: unknown, place: string): readonly (readonly [string, Fact<unknown>])[] {
  if (isFact(row)) return [[place, row]];
  return isJsonObject(row) ? Object.entries(row).flatMap(([name, value]) => factsOf(value, `${place}.${name}`)) : [];
}

describe("readProfile", () => {
  it("reads the names of the table and nothing else", () => {
    expect(profiles).toEqual(Object.keys(hostLadders));
    for (const other of ["", "ChatGPT", "constructor", "__proto__", 1, undefined, null, ["chatgpt"]]) expect(readProfile(other)).toBeUndefined();
    expect(readProfile(defaultProfile)).toBe("countersign");
  });
});

describe("host profiles", () => {
  it.each(profiles)("give a certainty and a source for each fact about %s", (profile) => {
    const facts = tables.flatMap(([name, table]) => factsOf(table[profile], name));
    expect(facts.length).toBe(27);
    const certainties = profile === "countersign" ? ["own"] : ["doc", "code", "issue", "inferred", "assumed"];
    const bad = facts.filter(([, { certainty, source }]) => !certainties.includes(certainty) || source.length < 11);
    expect(bad.map(([place]) => place)).toEqual([]);
  });

  it("name a thread for each bug, and the bug that is acted out", () => {
    for (const { source, effect } of Object.values(hostBugs).flat()) {
      expect(source).toMatch(/ #?\d+/);
      expect(effect).toMatch(/^[A-Z].{20,}\.$/);
    }
    const emptied = profiles.filter((profile) => hostSignIns[profile].viewWithout.value === "empty");
    expect(emptied).toEqual(["chatgpt"]);
    expect(hostBugs.chatgpt.map(({ source }) => source)).toContain(hostSignIns.chatgpt.viewWithout.source);
  });

  it.each<[HostProfile, readonly (string | null)[]]>([
    ["countersign", ["countersign", "Countersign", null]],
    ["chatgpt", ["openai-mcp", "chatgpt", "openai-mcp/1.0.0 (ChatGPT)"]],
    ["claude", ["claude-ai", "Claude", "claude-user"]],
    ["vscode", ["Visual Studio Code", "Visual Studio Code", null]],
    ["cursor", ["cursor-vscode", "Cursor", null]],
    ["copilot", ["mcs", "Copilot", null]],
    ["generic", ["mcp-client", null, null]],
  ])("are found again by the names that %s gives itself", (profile, names) => {
    const { clientInfo, userAgent } = hostClients[profile];
    expect([clientInfo.value.name, hostViews[profile].hostInfo.value, userAgent.value]).toEqual(names);
    expect(new Set(names.flatMap((name) => (name === null ? [] : [profileOf(name, false)])))).toEqual(new Set([profile]));
  });

  it("are found by servers at goose, whose views are not told its name", () => {
    expect([hostClients.goose.clientInfo.value.name, hostClients.goose.userAgent.value ?? ""].map((name) => profileOf(name, false))).toEqual([
      "goose",
      "goose",
    ]);
    expect(profileOf(hostViews.goose.hostInfo.value ?? "", false)).toBe("generic");
  });

  it.each(profiles)("announce at %s that it shows views", (profile) => {
    const extensions = member(hostClients[profile].capabilities.value, "extensions");
    expect(member(extensions, "io.modelcontextprotocol/ui")).toEqual({ mimeTypes: ["text/html;profile=mcp-app"] });
  });

  it.each(profiles)("frame a view at %s so that scripts run", (profile) => {
    for (const flags of hostViews[profile].sandbox.value) expect(flags.split(" ")).toContain("allow-scripts");
  });
});

describe("the ladder", () => {
  it.each(profiles)("takes an empty answer for a missing sign-in at %s only if that host gives such answers", (profile) => {
    expect(hostLadders[profile].emptyMeansSignIn).toBe(hostSignIns[profile].viewWithout.value === "empty");
  });

  it.each(profiles)("asks the model at %s unless its call is known to lead to no sign-in", (profile) => {
    const { value, certainty } = hostSignIns[profile].opensOn.model;
    expect(hostLadders[profile].rungs.includes("model")).toBe(value.length > 0 || certainty === "assumed");
  });

  it.each(profiles)("waits for Continue at %s only if that host tells views of it, or is unknown", (profile) => {
    const tells = hostViews[profile].capabilities.value.includes("countersign/authorization");
    expect(hostLadders[profile].rungs.includes("continue")).toBe(tells || profile === "generic");
  });
});
