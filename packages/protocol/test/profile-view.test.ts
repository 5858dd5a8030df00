import { describe, expect, it } from "vitest";
import { bridgeMethods } from "../src/bridge.ts";
import { hostNames, readProfile } from "../src/host-profile.ts";
import { hostViews } from "../src/host-profile-view.ts";
import type { HostProfile } from "../src/ladder.ts";
import { bridgeSurfaceOf, featuresUnder, frameRightsOf } from "../src/profile-view.ts";
import { parseWidgetPolicy, widgetSandbox } from "../src/sandbox.ts";

const profiles = Object.keys(hostNames).flatMap((name) => readProfile(name) ?? []);
const place = { consoleOrigin: "https://console.example", development: false };

describe("bridgeSurfaceOf", () => {
  it("serves under countersign everything that the bridge lets through", () => {
    expect(bridgeSurfaceOf("countersign")).toEqual({ ...bridgeMethods.view, hasOpenai: true });
  });

  it.each<[HostProfile, readonly string[], readonly string[]]>([
    ["chatgpt", ["tools/call", "ui/message", "openai/callTool", "openai/requestModal"], ["ui/download-file", "countersign/open-auth-popup"]],
    ["claude", ["tools/call", "ui/message", "ui/download-file"], ["openai/callTool", "sampling/createMessage", "countersign/open-auth-popup"]],
    ["vscode", ["tools/call", "ui/update-model-context"], ["ui/message", "openai/callTool"]],
    ["cursor", ["tools/call", "resources/read"], ["ui/message", "ui/update-model-context"]],
    ["goose", ["ui/open-link", "ui/initialize", "ping"], ["tools/call", "resources/read", "ui/message"]],
    ["copilot", ["tools/call", "openai/callTool"], ["openai/requestModal", "openai/beginUpload", "resources/read"]],
    ["generic", ["tools/call", "ui/message"], ["openai/callTool", "countersign/open-auth-popup"]],
  ])("serves under %s %j and not %j", (profile, served, missing) => {
    const { requests } = bridgeSurfaceOf(profile);
    expect(requests).toEqual(expect.arrayContaining([...served]));
    expect(requests.filter((method) => missing.includes(method))).toEqual([]);
  });

  it("leaves out of a frame without window.openai every method of it", () => {
    for (const profile of profiles) {
      const { requests, notifications, hasOpenai } = bridgeSurfaceOf(profile);
      expect([...requests, ...notifications].some((method) => method.startsWith("openai/"))).toBe(hasOpenai);
    }
    expect(profiles.filter((profile) => bridgeSurfaceOf(profile).hasOpenai)).toEqual(["countersign", "chatgpt", "copilot"]);
  });
});

describe("frameRightsOf", () => {
  it("is this product's own frame under countersign", () => {
    expect(frameRightsOf("countersign")).toEqual({ flags: widgetSandbox, withheld: [] });
  });

  it.each<[HostProfile, string, readonly string[]]>([
    ["chatgpt", "allow-scripts allow-forms", ["allow-same-origin"]],
    ["claude", "allow-scripts allow-forms", ["allow-same-origin"]],
    ["vscode", "allow-scripts allow-pointer-lock allow-forms", ["allow-same-origin", "allow-downloads"]],
    ["generic", "allow-scripts", ["allow-same-origin"]],
  ])("lends under %s %s and withholds %j", (profile, flags, withheld) => {
    expect(frameRightsOf(profile)).toEqual({ flags, withheld });
  });

  it("V03: gives no view an origin, a window, a navigation or a download, whatever the profile", () => {
    for (const profile of profiles) {
      const flags = frameRightsOf(profile).flags.split(" ");
      expect(flags).toContain("allow-scripts");
      expect(flags.filter((flag) => !["allow-scripts", "allow-forms", "allow-pointer-lock"].includes(flag))).toEqual([]);
    }
  });
});

describe("featuresUnder", () => {
  it.each<[HostProfile, string]>([
    ["countersign", "camera; microphone; geolocation; clipboard-write"],
    ["chatgpt", "microphone; clipboard-write"],
    ["claude", "clipboard-write"],
    ["copilot", ""],
  ])("grants under %s of the four permissions: %s", (profile, granted) => {
    expect(featuresUnder(profile, "camera; microphone; geolocation; clipboard-write")).toBe(granted);
  });

  it("V23: grants nothing that was not declared", () => {
    for (const profile of profiles) expect(featuresUnder(profile, "")).toBe("");
    expect(featuresUnder("chatgpt", "clipboard-write")).toBe("clipboard-write");
  });
});

describe("the policy of a view under a profile", () => {
  const meta = {
    ui: {
      csp: {
        connectDomains: ["https://api.example.com"],
        resourceDomains: ["https://cdn.example.com"],
        frameDomains: ["https://maps.example.com"],
        baseUriDomains: ["https://base.example.com"],
      },
    },
  };
  const cspUnder = (profile: HostProfile): ReadonlyMap<string, string> => {
    const policy = parseWidgetPolicy(meta, { ...place, host: hostViews[profile].csp.value });
    if (!policy.ok) throw new Error(policy.error.detail);
    return new Map(policy.value.csp.split("; ").map((line) => [line.split(" ", 1)[0] ?? "", line]));
  };

  it("is the declared one under countersign", () => {
    const own = parseWidgetPolicy(meta, place);
    expect(parseWidgetPolicy(meta, { ...place, host: hostViews.countersign.csp.value })).toEqual(own);
    expect(own).toMatchObject({ ok: true });
  });

  it("lacks under claude the frames and bases that it declares, and may compile code", () => {
    const csp = cspUnder("claude");
    expect(csp.get("frame-src")).toBe("frame-src 'self'");
    expect(csp.get("base-uri")).toBe("base-uri 'none'");
    expect(csp.get("script-src")).toContain("'unsafe-eval' https://cdn.example.com");
    expect(csp.get("connect-src")).toContain("https://api.example.com");
  });

  it("has under chatgpt two more places to load from and to ask, and none to frame", () => {
    const csp = cspUnder("chatgpt");
    expect(csp.get("connect-src")).toBe("connect-src 'self' https://api.example.com https://cdn.jsdelivr.net https://unpkg.com");
    expect(csp.get("script-src")).toBe("script-src 'self' 'unsafe-inline' https://cdn.example.com https://cdn.jsdelivr.net https://unpkg.com");
    expect(csp.get("frame-src")).toBe("frame-src 'self' https://maps.example.com");
  });

  it("V06: is refused for a bad entry in a list that the host ignores", () => {
    const host = hostViews.claude.csp.value;
    expect(parseWidgetPolicy({ ui: { csp: { frameDomains: ["https://a.example"] } } }, { ...place, host }).ok).toBe(true);
    expect(parseWidgetPolicy({ ui: { csp: { frameDomains: ["*"] } } }, { ...place, host }).ok).toBe(false);
  });
});
