import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { autoResize } from "../src/auto-resize.ts";

let observe: () => void = () => undefined;
const disconnect = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe = vi.fn();
      disconnect = disconnect;
      constructor(callback: () => void) {
        observe = callback;
      }
    },
  );
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("the size is told at once, then at most ten times a second, the last one always, and only when it changed", () => {
  let height = 100.2;
  const root = Object.assign(Object.create(null), { getBoundingClientRect: () => ({ width: 360, height }) });
  const resize = vi.fn();
  const stop = autoResize({ resize }, root);
  expect(resize.mock.calls).toEqual([[{ width: 360, height: 101 }]]);
  for (let step = 0; step < 60; step += 1) {
    height += 1;
    observe();
    vi.advanceTimersByTime(16);
  }
  vi.advanceTimersByTime(100);
  expect(resize.mock.calls.length).toBeLessThanOrEqual(11);
  expect(resize).toHaveBeenLastCalledWith({ width: 360, height: 161 });
  const told = resize.mock.calls.length;
  observe();
  vi.advanceTimersByTime(1_000);
  expect(resize).toHaveBeenCalledTimes(told);
  stop();
  expect(disconnect).toHaveBeenCalledOnce();
});
