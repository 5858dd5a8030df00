import { hostLadders, type HostProfile } from "@countersign/protocol/ladder";
import { describe, expect, it } from "vitest";
import { type ApprovalFacts, type ApprovalForm, approvalForms, chooseApproval, readClient } from "../../src/policy/choose-approval.ts";

const most: ApprovalFacts = { setting: "auto", profile: "generic", era: "modern", elicitsUrls: true, isWalletIssuer: true, isSignedIn: true };

describe("chooseApproval", () => {
  const rows: readonly [ApprovalForm, Partial<ApprovalFacts>][] = [
    ["elicitation", {}],
    ["scope", { elicitsUrls: false }],
    ["link", { elicitsUrls: false, isWalletIssuer: false }],
    ["elicitation", { isWalletIssuer: false }],
    ["elicitation", { isSignedIn: false }],
    ["elicitation", { era: "legacy" }],
    ["scope", { era: "legacy", isSignedIn: false }],
    ["link", { era: "legacy", isWalletIssuer: false }],
    ["scope", { profile: "countersign" }],
    ["elicitation", { profile: "countersign", isWalletIssuer: false }],
    ["scope", { profile: "chatgpt" }],
    ["link", { profile: "chatgpt", isWalletIssuer: false }],
    ["link", { profile: "claude" }],
    ["scope", { profile: "vscode" }],
    ["elicitation", { profile: "goose" }],
    ["link", { profile: "goose", elicitsUrls: false }],
    ["link", { profile: "cursor", elicitsUrls: false }],
    ["scope", { setting: "scope", profile: "claude" }],
    ["link", { setting: "scope", isWalletIssuer: false }],
    ["link", { setting: "link" }],
    ["elicitation", { setting: "elicitation", profile: "claude" }],
    ["link", { setting: "elicitation", elicitsUrls: false }],
    ["elicitation", { setting: "elicitation", elicitsUrls: false, era: "legacy" }],
    ["link", { setting: "elicitation", era: "legacy", isSignedIn: false }],
  ];
  it.each(rows)("gives %s for %j", (form, change) => {
    expect(chooseApproval({ ...most, ...change })).toBe(form);
  });

  it("L05 has a row with a source for each host, which ends with the link that always works", () => {
    expect(Object.keys(approvalForms).toSorted()).toEqual(Object.keys(hostLadders).toSorted());
    for (const { forms, source } of Object.values(approvalForms)) {
      expect(forms.at(-1)).toBe("link");
      expect(source.length).toBeGreaterThan(10);
    }
  });
});

describe("readClient", () => {
  const key = (name: string): string => `io.modelcontextprotocol/${name}`;
  const modern = { [key("protocolVersion")]: "2026-07-28", [key("clientCapabilities")]: { elicitation: { url: {}, form: {} } } };

  it("reads era and elicitation from the envelope", () => {
    expect(readClient(modern, null)).toEqual({ profile: "generic", era: "modern", elicitsUrls: true });
    expect(readClient({ ...modern, [key("clientCapabilities")]: { elicitation: { form: {} } } }, null)).toMatchObject({ elicitsUrls: false });
    expect(readClient({ ...modern, [key("clientCapabilities")]: { elicitation: {} } }, null)).toMatchObject({ elicitsUrls: false });
    for (const none of [undefined, null, {}, "text", { [key("clientCapabilities")]: 7 }]) {
      expect(readClient(none, null)).toEqual({ profile: "generic", era: "legacy", elicitsUrls: false });
    }
  });

  it.each<[HostProfile, string | undefined, string | null]>([
    ["claude", undefined, "Claude-User/1.0"],
    ["chatgpt", undefined, "openai-mcp/1.0.0 (ChatGPT)"],
    ["countersign", "countersign", "node"],
    ["vscode", "Visual Studio Code", null],
    ["goose", "goose", "reqwest"],
    ["generic", "official", "node"],
  ])("knows %s by the name %s or the user agent %s", (profile, name, userAgent) => {
    const meta = name === undefined ? undefined : { [key("clientInfo")]: { name, version: "1" } };
    expect(readClient(meta, userAgent).profile).toBe(profile);
  });
});
