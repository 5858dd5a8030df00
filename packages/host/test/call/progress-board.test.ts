import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ProgressBoard, type ToldProgress } from "../../src/call/progress-board.ts";

let told: ToldProgress[];
let board: ProgressBoard;
beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  board = new ProgressBoard((userId, each) => void (userId === "usr_1" && told.push(each)));
});
afterEach(() => void vi.useRealTimers());

it("passes the first word on at once, and of a hundred thousand that follow the newest", () => {
  const { hear } = board.attend("usr_1", "call_1");
  for (let progress = 0; progress <= 100_000; progress += 1) hear({ progress });
  expect(told).toEqual([{ callId: "call_1", progress: 0 }]);
  expect(board.of("call_1")).toEqual({ progress: 100_000 });
  vi.advanceTimersByTime(299);
  expect(told).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(told.slice(1)).toEqual([{ callId: "call_1", progress: 100_000 }]);
});

it("tells nothing twice, and again at once after a while", () => {
  const { hear } = board.attend("usr_1", "call_1");
  hear({ progress: 1 });
  vi.advanceTimersByTime(10_000);
  expect(told).toHaveLength(1);
  hear({ progress: 2 });
  expect(told).toHaveLength(2);
});

it("hears nothing more of a call that is back from its server, and keeps nothing of it", () => {
  const { hear, stop } = board.attend("usr_1", "call_1");
  hear({ progress: 1 });
  hear({ progress: 2 });
  stop();
  hear({ progress: 3 });
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([{ callId: "call_1", progress: 1 }]);
  expect(board.of("call_1")).toBeUndefined();
  expect(vi.getTimerCount()).toBe(0);
});
