/** A clock that moves only when told to. */
export interface TestClock {
  readonly now: () => number;
  advance(ms: number): void;
}

export function createTestClock(startMs: number = Date.UTC(2026, 10, 22, 12, 0, 0)): TestClock {
  let now = startMs;
  return {
    now: () => now,
    advance(ms) {
      now += ms;
    },
  };
}
