import { describe, expect, it } from "vitest";
import { changedGlobals, type OpenAiGlobals, withGlobals } from "../src/bridge/globals.ts";
import { allowOf } from "../src/bridge/permissions.ts";
import { clampHeight, heightMax, heightMin } from "../src/bridge/size.ts";
import { failureOf } from "../src/bridge/widget-host.ts";
import { aCall, someGlobals } from "./fixtures.ts";

const globals: OpenAiGlobals = { ...someGlobals, toolOutput: { text: "</script><script>alert(1)</script>\u2028" }, maxHeight: 1200 };

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

describe("changedGlobals", () => {
  it("names what is another value as JSON, and nothing else", () => {
    const now = { ...globals, theme: "dark" as const, view: { mode: "inline" as const }, widgetState: { page: 1 } };
    expect(changedGlobals(globals, now)).toEqual({ theme: "dark", widgetState: { page: 1 } });
    expect(changedGlobals(globals, { ...globals })).toEqual({});
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
  it("says no more than HTTP 400 and {} where the host that is acted out says no more", () => {
    const error = { code: "authorization_required", message: "Please sign in.", retryable: false };
    expect(failureOf(aCall({ error, emptied: true }))).toEqual({ code: -32000, message: "HTTP 400: {}", data: {} });
  });
  it("is never empty, even for an end without a reason", () => {
    expect(failureOf(aCall({ state: "failed" })).data).toMatchObject({ code: "internal_error", callId: "call_1" });
  });
});
