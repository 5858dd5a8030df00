import { describe, expect, it } from "vitest";
import { percentOf, readProgress } from "../src/progress.ts";

describe("readProgress", () => {
  it.each([
    [{ progress: 3 }, { progress: 3 }],
    [
      { progress: 0.5, total: 2, message: "Half way" },
      { progress: 0.5, total: 2, message: "Half way" },
    ],
    [{ progress: 1, total: 0, message: "" }, { progress: 1 }],
    [{ progress: 1, total: Number.POSITIVE_INFINITY, message: 7 }, { progress: 1 }],
    [{ progress: 1, total: "2", progressToken: "t" }, { progress: 1 }],
    [
      { progress: 1, message: "one\u001b[2J\u202e\r\n\ttwo\u200b" },
      { progress: 1, message: "one[2J two" },
    ],
  ])("of %j keeps %j", (json, progress) => {
    expect(readProgress(json)).toEqual(progress);
  });

  it("cuts a message at 200 units", () => {
    expect(readProgress({ progress: 1, message: "m".repeat(100_000) })?.message).toBe("m".repeat(200));
  });

  it.each([undefined, null, 3, {}, { progress: "3" }, { progress: Number.NaN }, { progress: Number.POSITIVE_INFINITY }, { total: 3 }])(
    "has nothing of %j",
    (json) => {
      expect(readProgress(json)).toBeUndefined();
    },
  );
});

describe("percentOf", () => {
  it.each([
    [{ progress: 1 }, undefined],
    [{ progress: 0, total: 3 }, 0],
    [{ progress: 1, total: 3 }, 33],
    [{ progress: 2.999, total: 3 }, 99],
    [{ progress: 9, total: 3 }, 100],
    [{ progress: -1, total: 3 }, 0],
    [{ progress: Number.MAX_VALUE, total: Number.MIN_VALUE }, 100],
  ])("of %j is %j", (progress, percent) => {
    expect(percentOf(progress)).toBe(percent);
  });
});
