import { err, ok } from "@countersign/protocol/result";
import { describe, expect, it } from "vitest";
import type { ApiProblem } from "../src/api.ts";
import { createViewStates } from "../src/view-states.ts";
import { aView } from "./fixtures.ts";

const down: ApiProblem = { code: "unreachable", message: "Nobody answers.", retryable: true };

describe("createViewStates", () => {
  it("has a state at once, before the host has it", async () => {
    const states = createViewStates(() => new Promise(() => {}));
    expect(states.latest(aView({ state: '{"page":1}' }))).toEqual({ page: 1 });
    void states.save("w", { page: 2 });
    expect(states.latest(aView({ state: '{"page":1}' }))).toEqual({ page: 2 });
    expect(states.latest(aView({ id: "other" }))).toBeNull();
  });

  it("stores one state of a view at a time, and of those that came meanwhile only the newest", async () => {
    const stored: string[] = [];
    const running: (() => void)[] = [];
    const states = createViewStates((_, text) => {
      stored.push(text);
      return new Promise((resolve) => void running.push(() => resolve(ok(undefined))));
    });
    const all = [1, 2, 3, 4].map((page) => states.save("w", page));
    expect(stored).toEqual(["1"]);
    running.shift()?.();
    await all[0];
    await expect.poll(() => stored).toEqual(["1", "4"]);
    running.shift()?.();
    expect(await Promise.all(all)).toEqual([true, true, true, true]);
    void states.save("w", 5);
    expect(stored).toEqual(["1", "4", "5"]);
  });

  it("says when a state could not be kept, and V14 sends none that is too large", async () => {
    const sent: string[] = [];
    const states = createViewStates((_, text) => Promise.resolve(sent.push(text) === 1 ? err(down) : ok(undefined)));
    expect(await states.save("w", "first")).toBe(false);
    expect(await states.save("w", "é".repeat(33_000))).toBe(false);
    expect(await states.save("w", "second")).toBe(true);
    expect(sent).toEqual(['"first"', '"second"']);
  });
});
