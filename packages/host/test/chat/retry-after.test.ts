import { describe, expect, it } from "vitest";
import { retryAfterMs } from "../../src/chat/retry-after.ts";

describe("how long an endpoint asks to wait", () => {
  it.each([
    [{ "retry-after": "3" }, 3000],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after": "Sun, 22 Nov 2026 10:00:30 GMT", date: "Sun, 22 Nov 2026 10:00:00 GMT" }, 30_000],
    [{ "retry-after": "Sun, 22 Nov 2026 09:00:00 GMT", date: "Sun, 22 Nov 2026 10:00:00 GMT" }, 0],
    [{ "retry-after": "Sun, 22 Nov 2026 10:00:30 GMT" }, undefined],
    [{ "retry-after": "-1 or so" }, undefined],
    [{ "retry-after": "9999999999" }, undefined],
    [{}, undefined],
  ])("%j is %s ms", (headers, expected) => {
    expect(retryAfterMs(new Headers(headers))).toBe(expected);
  });
});
