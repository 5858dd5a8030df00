import { describe, expect, it } from "vitest";
import { bridgeMethods } from "../src/bridge.ts";
import { hostNames, readProfile } from "../src/host-profile.ts";
import { hostViews } from "../src/host-profile-view.ts";
import { type HostProfile, profileOf } from "../src/ladder.ts";
import { bridgeSurfaceOf, displayModesUnder, frameRightsOf, hostNameOf, openaiMembersOf, placeUnder } from "../src/profile-view.ts";
import { parseWidgetPolicy, type WidgetPolicy, widgetSandbox } from "../src/sandbox.ts";

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

describe("openaiMembersOf", () => {
  it.each<[HostProfile, readonly string[], readonly string[]]>([
    ["countersign", ["callTool", "sendFollowupTurn", "notifyIntrinsicHeight", "openAuthPopup", "countersign/authorization"], []],
    ["chatgpt", ["callTool", "requestModal", "sendFollowUpMessage"], ["openAuthPopup", "countersign/authorization", "notifyIntrinsicHeight"]],
    ["copilot", ["callTool", "sendFollowUpMessage", "notifyIntrinsicHeight"], ["requestModal", "uploadFile", "openAuthPopup"]],
  ])("gives under %s %j and not %j", (profile, given, missing) => {
    const members = openaiMembersOf(profile);
    expect(members).toEqual(expect.arrayContaining([...given]));
    expect(members.filter((name) => missing.includes(name))).toEqual([]);
  });

  it("gives none where the host has no window.openai", () => {
    expect(profiles.filter((profile) => openaiMembersOf(profile).length > 0)).toEqual(["countersign", "chatgpt", "copilot"]);
  });
});

describe("what a view hears of its host", () => {
  it("is the name that the host gives itself, and a name that says nothing where nobody has told one", () => {
    expect(profiles.map((profile) => profileOf(hostNameOf(profile), false))).toEqual([
      "countersign",
      "chatgpt",
      "claude",
      "vscode",
      "cursor",
      // Goose names its library.
      "generic",
      "copilot",
      "generic",
    ]);
  });

  it("is of the modes at hand those that the host has", () => {
    expect(displayModesUnder("countersign", ["inline", "fullscreen", "pip"])).toEqual(["inline", "fullscreen", "pip"]);
    expect(displayModesUnder("goose", ["inline", "fullscreen"])).toEqual(["inline", "fullscreen"]);
    expect(displayModesUnder("vscode", ["inline", "fullscreen", "pip"])).toEqual(["inline"]);
    for (const profile of profiles) expect(displayModesUnder(profile, ["inline"])).toEqual(["inline"]);
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
      permissions: { camera: {}, microphone: {}, geolocation: {}, clipboardWrite: {} },
    },
  };
  const policyUnder = (profile: HostProfile, declared: unknown = meta): WidgetPolicy => {
    const policy = parseWidgetPolicy(declared, placeUnder(profile, place));
    if (!policy.ok) throw new Error(policy.error.detail);
    return policy.value;
  };
  const cspUnder = (profile: HostProfile): ReadonlyMap<string, string> => {
    return new Map(
      policyUnder(profile)
        .csp.split("; ")
        .map((line) => [line.split(" ", 1)[0] ?? "", line]),
    );
  };

  it("is the declared one under countersign", () => {
    const own = parseWidgetPolicy(meta, place);
    expect(parseWidgetPolicy(meta, placeUnder("countersign", place))).toEqual(own);
    expect(own).toMatchObject({ ok: true });
  });

  it.each<[HostProfile, readonly string[]]>([
    ["countersign", ["camera", "microphone", "geolocation", "clipboardWrite"]],
    ["chatgpt", ["microphone", "clipboardWrite"]],
    ["claude", ["clipboardWrite"]],
    ["copilot", []],
  ])("grants under %s of the four permissions %j", (profile, granted) => {
    const { allow, permissions, permissionsPolicy } = policyUnder(profile);
    expect(permissions).toEqual(granted);
    expect(allow.split("; ").filter(Boolean)).toHaveLength(granted.length);
    expect(permissionsPolicy.includes("camera=()")).toBe(!granted.includes("camera"));
  });

  it("V23: grants nothing that was not declared", () => {
    for (const profile of profiles) expect(policyUnder(profile, {})).toMatchObject({ allow: "", permissions: [] });
    expect(policyUnder("chatgpt", { ui: { permissions: { clipboardWrite: {} } } }).allow).toBe("clipboard-write");
  });

  it("V03: lends the flags of the view to the frame around it, and neither ever a window, a navigation or a download", () => {
    expect(policyUnder("generic")).toMatchObject({ sandbox: "allow-scripts" });
    expect(cspUnder("generic").get("sandbox")).toBe("sandbox allow-scripts allow-same-origin");
    expect(policyUnder("vscode").sandbox).toBe("allow-scripts allow-pointer-lock allow-forms");
    expect(cspUnder("vscode").get("sandbox")).toBe("sandbox allow-scripts allow-same-origin allow-pointer-lock allow-forms");
    for (const profile of profiles) {
      expect(cspUnder(profile).get("sandbox")).not.toMatch(/popups|navigation|downloads|modals/);
      expect(cspUnder(profile).get("form-action")).toBe("form-action 'none'");
      expect(policyUnder(profile).sandbox).not.toContain("same-origin");
    }
  });

  it("lacks under claude the frames and bases that it declares, and may compile code", () => {
    const csp = cspUnder("claude");
    expect(csp.get("frame-src")).toBe("frame-src 'self'");
    expect(csp.get("base-uri")).toBe("base-uri 'none'");
    expect(csp.get("script-src")).toContain("'unsafe-eval' https://cdn.example.com");
    expect(csp.get("connect-src")).toContain("https://api.example.com");
  });

  it("may under claude load from one more place than it may ask", () => {
    const csp = cspUnder("claude");
    expect(csp.get("connect-src")).toBe("connect-src 'self' https://api.example.com https://esm.sh");
    expect(csp.get("font-src")).toBe("font-src 'self' data: https://cdn.example.com https://esm.sh https://assets.claude.ai");
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
