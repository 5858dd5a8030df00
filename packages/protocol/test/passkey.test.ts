import { describe, expect, test } from "vitest";
import { isNextCount, judgePasskeyRemoval, judgePasskeyRemover, judgePasskeyUse } from "../src/passkey.ts";

describe("judgePasskeyUse", () => {
  test.each([
    ["the first passkey", {}, "money", "allowed"],
    ["W07 a new passkey just before its time", { paysFrom: 1_001 }, "money", "too_new"],
    ["W07 a new passkey at its time", { paysFrom: 1_000 }, "money", "allowed"],
    ["W04 a passkey with a copy", { copiedAt: 1 }, "money", "copied"],
    ["W04 a passkey with a copy, and new", { copiedAt: 1, paysFrom: 2_000 }, "money", "copied"],
    ["a new passkey for the account", { paysFrom: 2_000 }, "account", "allowed"],
    ["a passkey with a copy for the account", { copiedAt: 1 }, "account", "allowed"],
  ] as const)("%s", (_name, facts, use, verdict) => {
    expect(judgePasskeyUse(facts, use, 1_000)).toBe(verdict);
  });
});

test.each([
  [0, 0, true],
  [0, 1, true],
  [5, 6, true],
  [5, 5, false],
  [5, 4, false],
  [5, 0, false],
])("W04 after the count %i comes %i: %s", (stored, given, expected) => {
  expect(isNextCount(stored, given)).toBe(expected);
});

test.each([
  [2, false, "allowed"],
  [1, true, "allowed"],
  [1, false, "last"],
] as const)("of %i passkeys, with a recovery code %s, removing one is: %s", (passkeys, hasRecoveryCode, verdict) => {
  expect(judgePasskeyRemoval({ passkeys, hasRecoveryCode })).toBe(verdict);
});

test.each([
  ["an old passkey removes an older one", { createdAt: 10 }, { createdAt: 1 }, "allowed"],
  ["W07 a new one removes no older one", { createdAt: 10, paysFrom: 1_001 }, { createdAt: 9 }, "too_new"],
  ["a new one removes a newer one", { createdAt: 10, paysFrom: 1_001 }, { createdAt: 11, paysFrom: 1_002 }, "allowed"],
  ["a day later it removes an older one", { createdAt: 10, paysFrom: 1_000 }, { createdAt: 9 }, "allowed"],
  ["W04 one that may be a copy removes no other", { createdAt: 10, copiedAt: 11 }, { createdAt: 12 }, "copied"],
] as const)("%s", (_name, by, removed, verdict) => {
  expect(judgePasskeyRemover(by, removed, 1_000)).toBe(verdict);
});
