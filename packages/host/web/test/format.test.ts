import { expect, it } from "vitest";
import { formatCountdown } from "../src/format.ts";

it.each([
  [245_000, "4:05"],
  [9001, "0:10"],
  [9000, "0:09"],
  [600_000, "10:00"],
  [-5, "0:00"],
])("%d ms are left: %s", (ms, text) => {
  expect(formatCountdown(ms)).toBe(text);
});
