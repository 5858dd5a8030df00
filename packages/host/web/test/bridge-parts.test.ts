import { describe, expect, it } from "vitest";
import { type OpenAiGlobals, withGlobals } from "../src/bridge/globals.ts";
import { judgeLink } from "../src/bridge/link.ts";
import { allowOf } from "../src/bridge/permissions.ts";
import { clampHeight, heightMax, heightMin } from "../src/bridge/size.ts";
import { failureOf } from "../src/bridge/widget-host.ts";
import { aCall } from "./fixtures.ts";

const globals: OpenAiGlobals = {
  toolInput: {},
  toolOutput: { text: "</script><script>alert(1)</script>\u2028" },
  toolResponseMetadata: null,
  widgetState: null,
  theme: "light",
  displayMode: "inline",
  locale: "en",
  maxHeight: 1200,
  safeArea: { insets: { top: 0, right: 0, bottom: 0, left: 0 } },
  userAgent: { device: { type: "desktop" }, capabilities: { hover: true, touch: false } },
  view: { mode: "inline" },
};

describe("withGlobals", () => {
  const places: readonly (readonly [string, string, string])[] = [
    ["the head", '<!doctype html><html lang="en"><head>', "<title>x</title></head></html>"],
    ["a head with attributes", '<!doctype html><html><head data-x="1">', "</head></html>"],
    ["the html when there is no head", "<!doctype html><html>", "<body></body></html>"],
    ["after the doctype when there is neither", "<!DOCTYPE html>", "<p>x</p>"],
    ["the front when there is nothing", "", "<p>x</p>"],
    ["the html, not a header element", "<html>", "<header></header></html>"],
  ];
  it.each(places)("goes into %s, never before a doctype", (_title, before, after) => {
    const html = withGlobals(before + after, globals);
    expect(html.startsWith(`${before}<script type="application/json" data-openai-globals>`)).toBe(true);
    expect(html.endsWith(`</script>${after}`)).toBe(true);
  });

  it("cannot be ended by what a tool answered, and reads back as it was", () => {
    const html = withGlobals("", globals);
    expect(html.match(/<\/script>/g)?.length).toBe(1);
    const json = /^<script[^>]*>(.*)<\/script>$/s.exec(html)?.[1];
    expect(JSON.parse(json ?? "")).toEqual(globals);
  });
});

describe("judgeLink", () => {
  const issuers = ["http://localhost:4200"];
  it.each(["https://store.example/about", "http://127.0.0.1:4300/help", "http://localhost:4200/account"])("lets the user decide about %s", (url) => {
    expect(judgeLink(url, issuers).ok).toBe(true);
  });
  it.each([
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "blob:https://store.example/x",
    "https://user:pass@store.example/",
    "store.example",
    "",
    `https://store.example/${"a".repeat(9000)}`,
    "http://localhost:4200/authorize?x=1",
    "http://localhost:4200/device",
    "https://other.example/login?client_id=me&response_type=code",
  ])("V12 refuses %s", (url) => {
    const judged = judgeLink(url, issuers);
    expect(judged.ok ? "" : judged.error.code).toBe("unsafe_url");
  });
});

describe("clampHeight", () => {
  it.each([
    [300.4, 300],
    [1_000_000, heightMax],
    [0, heightMin],
    [-5, heightMin],
  ])("V07 turns %d into %d", (asked, given) => {
    expect(clampHeight(asked)).toBe(given);
  });
  it.each([Number.NaN, Number.POSITIVE_INFINITY, "300", null, undefined, {}])("V07 ignores %s", (asked) => {
    expect(clampHeight(asked)).toBeUndefined();
  });
});

describe("allowOf", () => {
  it("names what was granted, in the words of the browser", () => {
    expect(allowOf({ camera: {}, clipboardWrite: {} })).toBe("camera; clipboard-write");
    expect(allowOf(undefined)).toBe("");
  });
  it("V23 never names anything else, however it is asked", () => {
    const asked = ["publickey-credentials-get", "payment", "publicKeyCredentials", "camera *; payment", "usb", "__proto__"];
    expect(allowOf(Object.fromEntries(asked.map((name) => [name, {}])))).toBe("");
  });
});

describe("failureOf", () => {
  it("carries code, message, retryable and the call's id", () => {
    const error = { code: "access_denied", message: "Access was not granted.", retryable: true };
    expect(failureOf(aCall({ error }))).toEqual({ code: -32000, message: error.message, data: { ...error, callId: "call_1" } });
  });
  it("is never empty, even for an end without a reason", () => {
    expect(failureOf(aCall({ state: "failed" })).data).toMatchObject({ code: "internal_error", callId: "call_1" });
  });
});
