import { describe, expect, it } from "vitest";
import { onceSeenFor, type Sight } from "../src/sight-clock.ts";

interface Bench extends Sight {
  readonly show: (visible: boolean) => void;
  readonly pass: (ms: number) => void;
  readonly ran: () => number;
  readonly run: () => void;
}

function bench(): Bench {
  let [nowMs, visible, ran] = [0, true, 0];
  let timer: { readonly at: number; readonly run: () => void } | undefined;
  const listeners = new Set<() => void>();
  return {
    isVisible: () => visible,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    now: () => nowMs,
    schedule: (run, delayMs) => {
      const mine = { at: nowMs + delayMs, run };
      timer = mine;
      return () => void (timer = timer === mine ? undefined : timer);
    },
    show: (to) => {
      visible = to;
      for (const listener of listeners) listener();
    },
    pass: (ms) => {
      nowMs += ms;
      const due = timer;
      if (due === undefined || due.at > nowMs) return;
      timer = undefined;
      due.run();
    },
    ran: () => ran,
    run: () => void (ran += 1),
  };
}

describe("onceSeenFor", () => {
  it("runs once, after the time", () => {
    const page = bench();
    onceSeenFor(100, page.run, page);
    page.pass(99);
    expect(page.ran()).toBe(0);
    page.pass(1);
    page.show(false);
    page.show(true);
    page.pass(1000);
    expect(page.ran()).toBe(1);
  });

  it("counts no time behind another window, and all that was in sight", () => {
    const page = bench();
    onceSeenFor(100, page.run, page);
    page.pass(60);
    page.show(false);
    page.pass(10_000);
    expect(page.ran()).toBe(0);
    page.show(true);
    page.pass(39);
    expect(page.ran()).toBe(0);
    page.pass(1);
    expect(page.ran()).toBe(1);
  });

  it("begins to count when a page that was opened behind comes into sight, and not after it was stopped", () => {
    const page = bench();
    page.show(false);
    const stop = onceSeenFor(100, page.run, page);
    page.pass(1000);
    page.show(true);
    page.pass(50);
    stop();
    page.show(false);
    page.show(true);
    page.pass(1000);
    expect(page.ran()).toBe(0);
  });
});
