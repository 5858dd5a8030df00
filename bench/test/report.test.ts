import { describe, expect, it } from "vitest";
import { plotGoals } from "../plot.ts";
import { formatReport, judgeRatios, type Results } from "../report.ts";

const results: Results = {
  call: {
    figures: [{ name: "a|b", value: 1234.5, unit: "us CPU/op" }],
    ratios: [
      { name: "cost < peer & floor", value: 8, goal: { most: 4 } },
      { name: "gain", value: 8, goal: { least: 4 } },
      { name: "of interest", value: 3 },
    ],
  },
  start: { figures: [], ratios: [{ name: "time", value: 0.5, goal: { most: 1 } }] },
};

/** `x` and `width` of each bar, after the background. */
function bars(svg: string): readonly (readonly number[])[] {
  return [...svg.matchAll(/<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)].map(([, x, width]) => [Number(x), Number(width)]);
}

describe("the report of a run", () => {
  it("judges the ratios that have a goal, by how far they are from it in the worse direction", () => {
    expect(judgeRatios(results).map(({ ratio, goal, isKept, distance }) => [ratio.name, goal, isKept, distance])).toEqual([
      ["cost < peer & floor", "<= 4", false, 2],
      ["gain", ">= 4", true, 0.5],
      ["time", "<= 1", true, 0.5],
    ]);
  });

  it("is a table of goals, then one of everything for each scenario", () => {
    const lines = formatReport("2 x CPU", results).split("\n");
    expect(lines).toContain("Machine: 2 x CPU.");
    expect(lines).toContain("| call | cost < peer & floor | 8 | <= 4 | missed |");
    expect(lines).toContain("| start | time | 0.5 | <= 1 | kept |");
    expect(lines).toContain("| a\\|b | 1230 | us CPU/op |");
    expect(lines).toContain("| of interest | 3 | x |");
  });

  it("is plotted with what is kept on one side of the goal and what is missed on the other", () => {
    const svg = plotGoals("2 x <CPU>", results);
    const [missed = [], kept = [], alike = []] = bars(svg);
    const goal = Number(/<line x1="([\d.]+)"[^>]*stroke="#111"/.exec(svg)?.[1]);
    expect(missed[0]).toBe(goal);
    expect((kept[0] ?? 0) + (kept[1] ?? 0)).toBeCloseTo(goal, 0);
    expect(kept).toEqual(alike);
    expect(svg).toContain("call: cost &lt; peer &amp; floor");
    expect(svg).toContain("2 x &lt;CPU&gt;");
    expect(svg).not.toContain("of interest");
  });

  it("keeps every bar inside the plot, whatever was measured", () => {
    const extremes = [0, 1e-9, 1, 1e9, Number.POSITIVE_INFINITY, Number.NaN].map((value) => ({ name: "r", value, goal: { most: 1 } }));
    const drawn = bars(plotGoals("m", { extreme: { figures: [], ratios: extremes } }));
    expect(drawn).toHaveLength(6);
    for (const [x = -1, width = 0] of drawn) {
      expect(x).toBeGreaterThanOrEqual(430);
      expect(x + width).toBeLessThanOrEqual(771);
    }
    expect(drawn[4]).toEqual(drawn[3]);
    expect(drawn[5]).toEqual(drawn[3]);
  });
});
