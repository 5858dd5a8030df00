import type { EpochMs } from "./brand.ts";
import { err, ok, type Result } from "./result.ts";

/** How often something may happen: `burst` times at once, and `perMinute` times a minute after that. */
export interface RateBound {
  readonly burst: number;
  readonly perMinute: number;
}

/**
 * Takes one of a bound (a token bucket, kept as the moment at which it is full again). `fullAt` undefined, or past, is a full one. Gives that moment after
 * the taking, or the whole seconds (at least 1) after which there is one again. A clock that steps back empties the bucket at most.
 */
export function takeOne(fullAt: EpochMs | undefined, bound: RateBound, now: EpochMs): Result<EpochMs, number> {
  if (!(bound.burst >= 1) || !(bound.perMinute > 0)) throw new RangeError("a bound lets at least one through");
  const eachMs = 60_000 / bound.perMinute;
  const emptyMs = bound.burst * eachMs;
  const missingMs = Math.min(emptyMs, Math.max(0, (fullAt ?? now) - now));
  const overMs = missingMs + eachMs - emptyMs;
  return overMs <= 0 ? ok(now + missingMs + eachMs) : err(Math.max(1, Math.ceil(overMs / 1000)));
}
