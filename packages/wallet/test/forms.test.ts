import { Secret } from "@countersign/protocol/secret";
import { describe, expect, test } from "vitest";
import { createFormTokens, isOwnOrigin } from "../src/forms.ts";

const own = "https://wallet.example";

describe("isOwnOrigin", () => {
  test.each([
    [own, null, true],
    [own, "same-origin", true],
    ["null", "same-origin", true],
    ["null", "same-site", false],
    ["null", "cross-site", false],
    ["null", "none", false],
    ["null", null, false],
    [null, null, false],
    [null, "same-origin", false],
    ["https://wallet.example.evil.example", "same-origin", false],
    ["https://wallet.example:8443", "same-origin", false],
    ["http://wallet.example", "same-origin", false],
  ])("O36 Origin %s with Sec-Fetch-Site %s is %s", (origin, secFetchSite, expected) => {
    expect(isOwnOrigin({ origin, secFetchSite }, own)).toBe(expected);
  });
});

describe("form tokens", () => {
  const tokens = createFormTokens(new Secret("k"));
  const subject = { interactionUid: "u", form: "consent", shownDigest: "d" } as const;

  test("a token is good for its own form", () => {
    expect(tokens.verify(tokens.issue(subject), subject)).toBe(true);
  });

  test.each([
    ["another interaction", { ...subject, interactionUid: "v" }],
    ["another form", { ...subject, form: "cancel" as const }],
    ["O37 another content", { ...subject, shownDigest: "e" }],
    ["shifted fields", { ...subject, interactionUid: "u\nconsent" }],
  ])("and not for %s", (_name, other) => {
    expect(tokens.verify(tokens.issue(subject), other)).toBe(false);
  });

  test.each([undefined, null, 1, "", "x", "A".repeat(101)])("%s is no token", (value) => {
    expect(tokens.verify(value, subject)).toBe(false);
  });

  test("another key makes other tokens", () => {
    expect(createFormTokens(new Secret("l")).verify(tokens.issue(subject), subject)).toBe(false);
  });
});
