import { describe, expect, it } from "vitest";
import { coolDownMs, decideAtFlow, decideAtStart, predictCall, reopenAfterMs, type StartFacts } from "../src/popup-decision.ts";
import { aConnector, aTool } from "./fixtures.ts";

const nowMs = 1_000_000;
const signedIn = { issuer: "http://localhost:4200", scope: ["orders:read"], expiresAt: nowMs + 60_000 };

describe("predictCall", () => {
  const either = aTool({ security: [{ type: "noauth" }, { type: "oauth2", scopes: new Set() }] });
  const rows = [
    ["widget, oauth2 only, no token", aTool(), aConnector(), "widget", "authorize"],
    ["user, oauth2 only, no token", aTool(), aConnector(), "user", "authorize"],
    ["oauth2 only, covering token", aTool(), aConnector({ token: signedIn }), "widget", "call"],
    ["oauth2 only, token without the scope", aTool(), aConnector({ token: { ...signedIn, scope: ["profile"] } }), "widget", "authorize"],
    [
      "oauth2 only, token that ran out and is refreshed by the host",
      aTool(),
      aConnector({ token: { ...signedIn, expiresAt: nowMs } }),
      "widget",
      "call",
    ],
    ["both schemes, no token", either, aConnector(), "widget", "call"],
    ["nothing declared, no token", aTool({ security: undefined }), aConnector(), "widget", "call"],
    ["widget, tool not visible to apps (V15)", aTool({ visibility: new Set(["model"]) }), aConnector(), "widget", "refuse"],
  ] as const;
  it.each(rows)("%s", (_title, tool, connector, origin, action) => {
    expect(predictCall("countersign", tool, connector, origin, nowMs).action).toBe(action);
  });

  it.each([
    ["chatgpt", "widget", "answer"],
    ["chatgpt", "user", "call"],
    ["claude", "widget", "call"],
    ["claude", "user", "call"],
  ] as const)("expects of %s at a %s's call that needs sign-in no window before the server was asked: %s", (profile, origin, action) => {
    expect(predictCall(profile, aTool(), aConnector(), origin, nowMs).action).toBe(action);
  });
});

describe("decideAtStart", () => {
  const facts: StartFacts = {
    decision: { action: "authorize", scope: new Set(), reason: "" },
    activated: true,
    openedAtMs: undefined,
    nowMs,
    cancelledAtMs: undefined,
  };
  it("reserves a window when sign-in is certain and the click is fresh", () => {
    expect(decideAtStart(facts)).toBe("reserve");
  });
  const waiting: readonly (readonly [string, Partial<StartFacts>])[] = [
    ["V17 there was no click", { activated: false }],
    ["the call needs no sign-in", { decision: { action: "call", token: "omit", reason: "" } }],
    ["the call will be refused", { decision: { action: "refuse", code: "tool_not_visible", reason: "" } }],
    ["a window of the same connector was opened a moment ago", { openedAtMs: nowMs - reopenAfterMs + 1 }],
    ["M20 the user cancelled a moment ago", { cancelledAtMs: nowMs - coolDownMs + 1 }],
  ];
  it.each(waiting)("waits when %s", (_title, change) => {
    expect(decideAtStart({ ...facts, ...change })).toBe("wait");
  });
  it("reserves again when the last window was opened a while ago", () => {
    expect(decideAtStart({ ...facts, openedAtMs: nowMs - reopenAfterMs })).toBe("reserve");
  });
  it("reserves again when the cancel is long ago", () => {
    expect(decideAtStart({ ...facts, cancelledAtMs: nowMs - coolDownMs })).toBe("reserve");
  });
});

describe("decideAtFlow", () => {
  const opened = { never: undefined, "just now": nowMs - 1, "a while ago": nowMs - reopenAfterMs } as const;
  for (const [when, openedAtMs] of Object.entries(opened)) {
    for (const reserved of [true, false]) {
      for (const activated of [true, false]) {
        for (const cooling of [true, false]) {
          const fresh = activated && !cooling && when !== "just now";
          const verdict = reserved ? "navigate" : fresh ? "open" : when === "never" ? "card" : "leave";
          it(`opened ${when}, reserved ${reserved}, activated ${activated}, cooling ${cooling}: ${verdict}`, () => {
            expect(decideAtFlow({ quiet: false, openedAtMs, reserved, activated, nowMs, cancelledAtMs: cooling ? nowMs : undefined })).toBe(verdict);
          });
        }
      }
    }
  }
});

describe("after a refusal that the host tells of", () => {
  it.each([
    ["a reserved window is not used", { reserved: true, openedAtMs: undefined }, "card"],
    ["no window opens in a click", { reserved: false, openedAtMs: undefined }, "card"],
    ["a flow whose window was opened already is left alone", { reserved: false, openedAtMs: 0 }, "leave"],
  ])("M20 %s", (_, facts, verdict) => {
    const click = { activated: true, nowMs: 100_000, cancelledAtMs: undefined };
    expect(decideAtFlow({ ...click, reserved: true, openedAtMs: undefined, quiet: false })).toBe("navigate");
    expect(decideAtFlow({ ...click, ...facts, quiet: true })).toBe(verdict);
  });
});
