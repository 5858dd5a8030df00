import { describe, expect, it } from "vitest";
import { keepsGoal, quantile, roundFigure } from "../scenario.ts";

describe("bench figures", () => {
  it("a quantile is a sample, not an average", () => {
    expect(quantile([5, 1, 4, 2, 3], 0.5)).toBe(3);
    expect(quantile([1, 100], 0.99)).toBe(100);
    expect(quantile([], 0.5)).toBeNaN();
  });

  it("a goal is kept at its bound and missed beyond it", () => {
    expect(keepsGoal({ name: "r", value: 4, goal: { most: 4 } })).toBe(true);
    expect(keepsGoal({ name: "r", value: 4.01, goal: { most: 4 } })).toBe(false);
    expect(keepsGoal({ name: "r", value: 0.99, goal: { least: 1 } })).toBe(false);
    expect(keepsGoal({ name: "r", value: 1 })).toBeUndefined();
  });

  it("figures are printed with three significant digits", () => {
    expect(roundFigure(1234.5)).toBe(1230);
    expect(roundFigure(0.012345)).toBe(0.0123);
  });
});
