import { describe, expect, it } from "vitest";
import { type Contestant, cpuUsPerOp, interleave, median, opsPerSecond, pairedRatio, type Sample, summarize } from "../measure/rounds.ts";

function sample(ops: number, cpuUs: number, latencyMs = 1): Sample {
  return { elapsedMs: 1000, cpuUs, latenciesMs: Array.from({ length: ops }, () => latencyMs) };
}

describe("rounds", () => {
  it("contestants run in turns, every second round backwards, after a warm-up that is not sampled", async () => {
    const ran: string[] = [];
    const contestant = (name: string, warmUpMs?: number): Contestant => ({
      name,
      ...(warmUpMs === undefined ? {} : { warmUpMs }),
      run: async (durationMs) => {
        ran.push(`${name} ${durationMs}`);
        return sample(1, 1);
      },
    });
    const samples = await interleave([contestant("a"), contestant("b", 7)], { warmUpMs: 5, rounds: 2, roundMs: 3 }, () => undefined);
    expect(ran).toEqual(["a 5", "b 7", "a 3", "b 3", "b 3", "a 3"]);
    expect(samples.get("a")).toHaveLength(2);
  });

  it("a ratio compares within a round, so that a machine that slows down between rounds does not change it", () => {
    const samples = new Map([
      ["ours", [sample(10, 200), sample(10, 2000), sample(10, 400)]],
      ["raw", [sample(10, 100), sample(10, 1000), sample(10, 100)]],
    ]);
    expect(pairedRatio(samples, "ours", "raw", cpuUsPerOp)).toBe(2);
    expect(pairedRatio(samples, "ours", "raw", opsPerSecond)).toBe(1);
  });

  it("a summary takes medians over the rounds and quantiles over every latency", () => {
    const samples = new Map([["ours", [sample(1, 30, 1), sample(2, 20, 2), sample(4, 400, 9)]]]);
    expect(summarize(samples, "ours")).toEqual({ cpuUsPerOp: 30, opsPerSecond: 2, p50Ms: 9, p99Ms: 9 });
  });

  it("one who did not run has no summary", () => {
    expect(() => summarize(new Map(), "ours")).toThrow("did not run");
    expect(() => summarize(new Map([["ours", []]]), "ours")).toThrow("did not run");
  });

  it("the median of an even number is the mean of the middle two", () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([3, 1, 2])).toBe(2);
    expect(median([])).toBeNaN();
  });
});
