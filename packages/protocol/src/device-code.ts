import type { EpochMs } from "./brand.ts";

/** The letters of user codes (RFC 8628 section 6.1): no vowels, so that no word comes up, and nothing that looks like something else. */
export const userCodeAlphabet = "BCDFGHJKLMNPQRSTVWXZ";

/** How many of them a code has: 20^8, about 2^34.6. */
export const userCodeLength = 8;

/** How long a device code lives, in seconds. What is about a payment lives shorter, because it is worth more to a thief (RFC 10027). */
export const deviceCodeTtlSeconds = 600;
export const paymentDeviceCodeTtlSeconds = 180;

/** The least time between two polls, in seconds (RFC 8628 section 3.2). */
export const pollIntervalSeconds = 5;

/** A user code as a person typed it, or as a link brought it. `number` is there when its two digits were typed too. */
export interface TypedUserCode {
  readonly letters: string;
  readonly number?: string;
}

const typedLengthMax = 40;
const typedGrammar = new RegExp(`^([${userCodeAlphabet}]{${userCodeLength}})([0-9]{2})?$`);

/** Reads what was typed: capitals and separators do not matter. Undefined for whatever cannot be a code. */
export function readUserCode(typed: string): TypedUserCode | undefined {
  if (typed.length > typedLengthMax) return undefined;
  const [, letters, number] = typedGrammar.exec(typed.toUpperCase().replaceAll(/[\s.\u2010-\u2015-]/g, "")) ?? [];
  if (letters === undefined) return undefined;
  return number === undefined ? { letters } : { letters, number };
}

/** Writes a code as it is shown: two groups of four letters, and the number behind them. */
export function formatUserCode(code: TypedUserCode): string {
  const { letters, number } = code;
  const half = userCodeLength / 2;
  return [letters.slice(0, half), letters.slice(half), ...(number === undefined ? [] : [number])].join("-");
}

/** What is known about the polls of one device code. `acceptedAt` is when the last one that came in time began; `early` counts those too early since. */
export interface PollHistory {
  readonly intervalMs: number;
  readonly acceptedAt: EpochMs;
  readonly early: number;
}

export type PollJudgement =
  | { readonly verdict: "in_time"; readonly history: PollHistory }
  | { readonly verdict: "slow_down"; readonly history: PollHistory }
  /** It goes on too fast after {@link earlyPollsMax} warnings; nothing is written for it any more. `retryAfterSeconds` is at least 1. */
  | { readonly verdict: "too_many"; readonly retryAfterSeconds: number };

/** So many polls in a row may come too early before they are turned away. */
export const earlyPollsMax = 5;

const slowDownMs = 5_000;
const intervalMaxMs = 60_000;
/** Timers and networks are not exact: a poll that comes this much early was meant to come in time. */
const toleranceMs = 500;

/**
 * Judges a poll that began at `now` (RFC 8628 section 3.5). Each one that is too early adds five seconds to the interval for good, up to a minute; the time is
 * counted from the last poll in time, so that a client that slows down as told is always heard again.
 */
export function judgePollTime(history: PollHistory | undefined, now: EpochMs): PollJudgement {
  if (history === undefined) return { verdict: "in_time", history: { intervalMs: pollIntervalSeconds * 1000, acceptedAt: now, early: 0 } };
  const waitMs = history.acceptedAt + history.intervalMs - toleranceMs - now;
  // A clock that stepped back makes nobody wait longer than one interval.
  if (waitMs <= 0 || now < history.acceptedAt - toleranceMs) return { verdict: "in_time", history: { ...history, acceptedAt: now, early: 0 } };
  if (history.early >= earlyPollsMax) return { verdict: "too_many", retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) };
  const intervalMs = Math.min(intervalMaxMs, history.intervalMs + slowDownMs);
  return { verdict: "slow_down", history: { ...history, intervalMs, early: history.early + 1 } };
}

/** Whether the number on the first device was named on the second: it is asked for only when money moves. One wrong answer ends the code. */
export type NumberVerdict = "not_needed" | "ask" | "matched" | "wrong";

/** Judges the two-digit number of a second device. `expected` is undefined where none was given out. */
export function judgeNumber(expected: string | undefined, given: string | undefined): NumberVerdict {
  if (expected === undefined) return given === undefined ? "not_needed" : "wrong";
  if (given === undefined) return "ask";
  return given === expected ? "matched" : "wrong";
}

const numberGrammar = /^[0-9]{2}$/;

/** The two digits as a person typed them, or undefined. */
export function readNumber(typed: unknown): string | undefined {
  const digits = typeof typed === "string" ? typed.trim() : "";
  return numberGrammar.test(digits) ? digits : undefined;
}
