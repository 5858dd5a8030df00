import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EpochMs } from "../src/brand.ts";
import { takeOne } from "../src/rate.ts";

const bound = { burst: 3, perMinute: 6 };
const at = (ms: number): EpochMs => ms;

/** Takes at each of these times; gives how each went: "ok" or the seconds to wait. */
function takeAt(times: readonly number[]): readonly (number | "ok")[] {
  let fullAt: EpochMs | undefined;
  return times.map((time) => {
    const taken = takeOne(fullAt, bound, at(time));
    if (taken.ok) fullAt = taken.value;
    return taken.ok ? "ok" : taken.error;
  });
}

describe("a rate's bound", () => {
  it("lets its burst through at once and says when the next one comes", () => {
    expect(takeAt([0, 0, 0, 0, 9_000, 10_000, 10_000])).toEqual(["ok", "ok", "ok", 10, 1, "ok", 10]);
  });

  it("fills up to its burst and no further", () => {
    expect(takeAt([0, 0, 0, 3_600_000, 3_600_000, 3_600_000, 3_600_000])).toEqual(["ok", "ok", "ok", "ok", "ok", "ok", 10]);
  });

  it("is empty at most when the clock steps back", () => {
    expect(takeAt([3_600_000, 0, 0, 10_000])).toEqual(["ok", 10, 10, 10]);
    expect(takeAt([60_000, 60_000, 60_000, 59_000, 70_000])).toEqual(["ok", "ok", "ok", 10, "ok"]);
  });

  it("X04 never lets more through than its burst and its rate", () => {
    const steps = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (pauses) => {
        let now = 0;
        const times = pauses.map((pause) => (now += pause));
        const through = takeAt(times).filter((how) => how === "ok").length;
        return through <= bound.burst + (now / 60_000) * bound.perMinute + 1e-6;
      }),
    );
  });

  it("that lets nothing through is a mistake", () => {
    expect(() => takeOne(undefined, { burst: 0, perMinute: 1 }, at(0))).toThrow(RangeError);
    expect(() => takeOne(undefined, { burst: 1, perMinute: Number.NaN }, at(0))).toThrow(RangeError);
  });
});
