import { describe, expect, it } from "vitest";
import type { ErrorCode } from "../src/errors.ts";
import { errorCatalogue, refuse, toHttpError, toWidgetError } from "../src/errors.ts";

const codes = Object.keys(errorCatalogue) as ErrorCode[];

describe("the catalogue", () => {
  it.each(codes)("%s has a status, a public sentence and a hint", (code) => {
    const entry = errorCatalogue[code];
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(entry.status).toBeGreaterThanOrEqual(400);
    expect(entry.status).toBeLessThan(600);
    expect(entry.text).toMatch(/^[A-Z].*\.$/);
    expect(entry.hint).toMatch(/\.$/);
    expect(entry.text).not.toMatch(/RFC|HTTP|OAuth|JSON|token|scope/);
  });

  it("retries no judgement of security", () => {
    const judgements: readonly ErrorCode[] = [
      "tool_not_visible",
      "resource_mismatch",
      "issuer_mismatch",
      "invalid_metadata",
      "pkce_unsupported",
      "unsafe_url",
      "invalid_state",
      "invalid_challenge",
      "widget_refused",
      "forbidden_origin",
      "invalid_token",
      "passkey_refused",
      "consent_mismatch",
      "mandate_invalid",
      "mandate_spent",
      "mandate_revoked",
    ];
    expect(judgements.filter((code) => errorCatalogue[code].retryable)).toEqual([]);
  });
});

describe("refuse", () => {
  it("cuts the detail to 300 characters and leaves out an absent one", () => {
    expect(refuse("conflict")).toEqual({ code: "conflict" });
    expect(refuse("conflict", "d".repeat(400)).detail).toHaveLength(300);
  });
});

describe("toWidgetError", () => {
  it("shows public text only, never the detail, and never an empty object", () => {
    expect(toWidgetError(refuse("access_denied", "internal"), "call_1")).toEqual({
      code: "access_denied",
      message: "Access was not granted.",
      retryable: true,
      callId: "call_1",
    });
  });
});

describe("toHttpError", () => {
  it("uses the OAuth name where there is one, and our code beside it", () => {
    expect(toHttpError(refuse("rate_limited", "slow"))).toEqual({
      status: 429,
      body: {
        error: "slow_down",
        error_description: "Too many attempts. Please wait a little.",
        code: "rate_limited",
        retryable: true,
        detail: "slow",
      },
    });
    expect(toHttpError(refuse("not_found"))).toEqual({
      status: 404,
      body: { error: "not_found", error_description: "Nothing is here.", code: "not_found", retryable: false },
    });
  });
});
