import { describe, expect, it } from "vitest";
import {
  earlyPollsMax,
  formatUserCode,
  judgeNumber,
  judgePollTime,
  type PollHistory,
  readNumber,
  readUserCode,
  userCodeAlphabet,
  userCodeLength,
} from "../src/device-code.ts";

describe("readUserCode", () => {
  it.each([
    ["WDJB-MJHT", { letters: "WDJBMJHT" }],
    ["wdjbmjht", { letters: "WDJBMJHT" }],
    [" wdjb mjht ", { letters: "WDJBMJHT" }],
    ["WDJB–MJHT", { letters: "WDJBMJHT" }],
    ["WDJB.MJHT-07", { letters: "WDJBMJHT", number: "07" }],
  ])("reads %j as it was meant", (typed, code) => {
    expect(readUserCode(typed)).toEqual(code);
  });

  it.each(["", "WDJB-MJH", "WDJB-MJHTB", "WDJB-MJHA", "WDJB-MJHT-7", "WDJB-MJHT-123", "12345678", "WDJB-MJHT\u0000", "W".repeat(1000), "ΩDJB-MJHT"])(
    "takes %j for no code",
    (typed) => {
      expect(readUserCode(typed)).toBeUndefined();
    },
  );

  it("reads back what is shown", () => {
    expect(formatUserCode({ letters: "WDJBMJHT" })).toBe("WDJB-MJHT");
    expect(formatUserCode({ letters: "WDJBMJHT", number: "42" })).toBe("WDJB-MJHT-42");
    expect(readUserCode(formatUserCode({ letters: "WDJBMJHT", number: "42" }))).toEqual({ letters: "WDJBMJHT", number: "42" });
  });

  it("D01 leaves five guesses a chance below 2^-32 of meeting one live code", () => {
    expect(new Set(userCodeAlphabet).size).toBe(20);
    const chance = 5 / userCodeAlphabet.length ** userCodeLength;
    expect(Math.log2(chance)).toBeLessThan(-32);
  });
});

describe("judgePollTime", () => {
  const start = 1_000_000;
  const first = (): PollHistory => {
    const judged = judgePollTime(undefined, start);
    if (judged.verdict !== "in_time") throw new Error("the first poll is in time");
    return judged.history;
  };

  it("hears the first poll and every one after the interval (RFC 8628 section 3.5)", () => {
    expect(first()).toEqual({ intervalMs: 5_000, acceptedAt: start, early: 0 });
    expect(judgePollTime(first(), start + 5_000)).toEqual({
      verdict: "in_time",
      history: { intervalMs: 5_000, acceptedAt: start + 5_000, early: 0 },
    });
    expect(judgePollTime(first(), start + 4_600).verdict).toBe("in_time");
  });

  it("D03 adds five seconds for good to whoever is too early, a minute at most, and turns away who does not stop", () => {
    let history = first();
    for (let count = 1; count <= earlyPollsMax; count += 1) {
      const judged = judgePollTime(history, start + 50 * count);
      if (judged.verdict !== "slow_down") throw new Error("the poll was early");
      expect(judged.history).toEqual({ intervalMs: 5_000 + 5_000 * count, acceptedAt: start, early: count });
      history = judged.history;
    }
    expect(judgePollTime(history, start + 400)).toEqual({ verdict: "too_many", retryAfterSeconds: 30 });
    const long = { intervalMs: 58_000, acceptedAt: start, early: 0 };
    expect(judgePollTime(long, start + 1)).toMatchObject({ verdict: "slow_down", history: { intervalMs: 60_000 } });
  });

  it("D03 hears a client again that slowed down as told, and one that never does once in a while", () => {
    const told = judgePollTime(first(), start + 1_000);
    if (told.verdict !== "slow_down") throw new Error("the poll was early");
    expect(judgePollTime(told.history, start + 11_000)).toMatchObject({ verdict: "in_time", history: { intervalMs: 10_000, early: 0 } });
    let history = first();
    let heard = 0;
    for (let at = start + 1_000; at < start + 300_000; at += 1_000) {
      const judged = judgePollTime(history, at);
      if (judged.verdict === "in_time") heard += 1;
      if (judged.verdict !== "too_many") history = judged.history;
    }
    expect(heard).toBeGreaterThanOrEqual(4);
  });

  it("keeps nobody waiting when the clock steps back", () => {
    expect(judgePollTime(first(), start - 3_600_000).verdict).toBe("in_time");
  });
});

describe("judgeNumber", () => {
  it.each([
    [undefined, undefined, "not_needed"],
    ["42", undefined, "ask"],
    ["42", "42", "matched"],
    ["42", "24", "wrong"],
    [undefined, "42", "wrong"],
  ] as const)("expected %s and given %s is %s", (expected, given, verdict) => {
    expect(judgeNumber(expected, given)).toBe(verdict);
  });

  it("reads two digits and nothing else", () => {
    expect([readNumber("07"), readNumber(" 42 ")]).toEqual(["07", "42"]);
    expect([readNumber("7"), readNumber("123"), readNumber("4a"), readNumber(42), readNumber(undefined)]).toEqual(Array(5).fill(undefined));
  });
});
