import { expect, test } from "vitest";
import { didYouMean, nearestOf } from "../../src/command/nearest.ts";

const known = ["up", "call", "connect", "config", "--device"];

test.each([
  ["cal", "call"],
  ["clal", "call"],
  ["conect", "connect"],
  ["konfig", "config"],
  ["--devcie", "--device"],
])("%s probably means %s", (word, meant) => {
  expect(nearestOf(word, known)).toBe(meant);
});

test.each(["", "x", "pu-", "connections", "fly", "c".repeat(100)])("%j means nothing that is known", (word) => {
  expect(nearestOf(word, known)).toBeUndefined();
  expect(didYouMean(word, known)).toBe("");
});
