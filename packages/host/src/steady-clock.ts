import { uptime } from "node:os";
import type { EpochMs } from "@countersign/protocol/brand";

/** Where a clock takes its time from, both in milliseconds. */
export interface ClockSources {
  /** The wall clock since 1970: right in the long run, but it may be stepped at any moment. */
  wall(): number;
  /** Time since some moment, sleep of the machine included: it never steps. */
  elapsed(): number;
}

/** So much faster or slower than real time a clock may run to come back to the wall clock: an hour is made up for in twenty. */
const slewMax = 0.05;
const sleepCheckedEveryMs = 1000;

/**
 * The time for deadlines: it starts with the wall clock, never runs backwards and never jumps, and comes back to the wall clock slowly when that was stepped. So
 * a step neither ends what still has time nor revives what has none; a lifetime is right to within 5 %.
 */
export function steadyClock(sources: ClockSources = systemSources()): () => EpochMs {
  let at = sources.wall();
  let last = sources.elapsed();
  return () => {
    const elapsed = sources.elapsed();
    const passed = Math.max(0, elapsed - last);
    last += passed;
    at += passed;
    const most = passed * slewMax;
    at += Math.min(most, Math.max(-most, sources.wall() - at));
    return Math.floor(at);
  };
}

/** `performance.now()` stands still while a machine sleeps; its uptime counts on, but coarsely, so it is asked for nothing else. */
function systemSources(): ClockSources {
  const bootedAt = uptime() * 1000 - performance.now();
  let slept = 0;
  let checkedAt = performance.now();
  return {
    wall: Date.now,
    elapsed: () => {
      const now = performance.now();
      if (now - checkedAt >= sleepCheckedEveryMs) {
        checkedAt = now;
        const behind = uptime() * 1000 - now - bootedAt;
        if (behind > slept + sleepCheckedEveryMs) slept = behind;
      }
      return now + slept;
    },
  };
}
