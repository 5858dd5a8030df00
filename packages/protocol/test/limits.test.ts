import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import {
  changeZone,
  type CountedPayment,
  formerZoneMs,
  isLooser,
  isTimeZone,
  type LimitCalendar,
  localDate,
  parseLimits,
  parseLimitsByCurrency,
  type SpendingLimits,
  windowsOf,
} from "../src/limits.ts";

const limits: SpendingLimits = { payment: 100, otherDevice: 40, day: 150, month: 400, payee: 300 };
const utc: LimitCalendar = { timeZone: "UTC", former: null };
const noon = Date.UTC(2026, 2, 28, 12);
const payment: CountedPayment = { payeeId: "store", currency: "EUR", amount: 40, channel: "same_device", at: noon };

describe("windowsOf", () => {
  it("counts a payment toward its day, its month, and its payee's month", () => {
    const windows = windowsOf(payment, { EUR: limits }, utc);
    expect(windows).toMatchObject({
      ok: true,
      value: [
        { limit: "day", bucket: "EUR:day:2026-03-28", ceiling: 150 },
        { limit: "month", bucket: "EUR:month:2026-03", ceiling: 400 },
        { limit: "payee", bucket: "EUR:payee:2026-03:store", ceiling: 300 },
      ],
    });
  });

  test.each([
    ["as much as one payment may be", { amount: 100 }, limits, undefined],
    ["one more", { amount: 101 }, limits, "payment"],
    ["as much as another device may approve", { amount: 40, channel: "other_device" }, limits, undefined],
    ["one more on another device", { amount: 41, channel: "other_device" }, limits, "otherDevice"],
    ["one more than that by a policy", { amount: 41, channel: "policy" }, limits, undefined],
    ["a currency without limits", { currency: "USD" }, limits, "currency"],
    ["a currency that every object has", { currency: "constructor" }, limits, "currency"],
    ["more than a day's limit", { amount: 40 }, { ...limits, day: 39 }, "day"],
    ["more than a month's limit", { amount: 40 }, { ...limits, month: 39 }, "month"],
    ["more than a payee's limit", { amount: 40 }, { ...limits, payee: 39 }, "payee"],
    ["anything when nothing is allowed", { amount: 1 }, { ...limits, payment: 0 }, "payment"],
  ] as const)("P13 %s", (_name, change, own, broken) => {
    const judged = windowsOf({ ...payment, ...change }, { EUR: own }, utc);
    expect(judged.ok ? undefined : judged.error).toEqual(broken === undefined ? undefined : { code: "over_limit", detail: broken });
  });

  test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])("an amount of %s is no amount", (amount) => {
    expect(windowsOf({ ...payment, amount }, { EUR: limits }, utc)).toMatchObject({ ok: false });
  });

  it("keeps a sum until nobody can ask for it", () => {
    const judged = windowsOf(payment, { EUR: limits }, utc);
    for (const window of judged.ok ? judged.value : []) {
      const spanMs = window.limit === "day" ? 86_400_000 : 31 * 86_400_000;
      expect(window.expiresAt).toBeGreaterThan(noon + spanMs);
    }
  });
});

describe("a day in the account's time zone", () => {
  test.each([
    ["in Berlin the day of spring has 23 hours", "Europe/Berlin", "2026-03-28T23:00Z", "2026-03-29T21:59Z", "2026-03-29"],
    ["and the day of autumn 25", "Europe/Berlin", "2026-10-24T22:00Z", "2026-10-25T22:59Z", "2026-10-25"],
    ["in Havana the clock is changed at midnight", "America/Havana", "2026-03-08T05:00Z", "2026-03-09T03:59Z", "2026-03-08"],
    ["in Kathmandu the quarter hour counts", "Asia/Kathmandu", "2026-06-30T18:15Z", "2026-07-01T18:14Z", "2026-07-01"],
    ["on Kiritimati it is tomorrow", "Pacific/Kiritimati", "2026-01-31T10:00Z", "2026-02-01T09:59Z", "2026-02-01"],
  ])("%s", (_name, zone, first, last, day) => {
    const minute = 60_000;
    expect(localDate(Date.parse(first) - minute, zone).day).not.toBe(day);
    expect(localDate(Date.parse(first), zone)).toEqual({ day, month: day.slice(0, 7) });
    expect(localDate(Date.parse(last), zone).day).toBe(day);
    expect(localDate(Date.parse(last) + minute, zone).day).not.toBe(day);
  });

  it("never steps back while time goes on", () => {
    const zone = fc.constantFrom("Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "America/Havana", "UTC");
    const at = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2060, 0, 1) });
    fc.assert(
      fc.property(
        zone,
        at,
        fc.integer({ min: 0, max: 90_000_000 }),
        (name, time, step) => localDate(time, name).day <= localDate(time + step, name).day,
      ),
    );
  });
});

describe("changeZone", () => {
  it("L15 P13 a change of zone brings no second day's budget: the former zone's day counts on", () => {
    const evening = Date.UTC(2026, 2, 28, 22);
    const moved = changeZone(utc, "Asia/Tokyo", evening);
    expect(moved).toEqual({ ok: true, value: { timeZone: "Asia/Tokyo", former: { timeZone: "UTC", until: evening + formerZoneMs } } });
    const calendar = moved.ok ? moved.value : utc;
    const days = (at: number): readonly string[] => {
      const judged = windowsOf({ ...payment, at }, { EUR: limits }, calendar);
      return judged.ok ? judged.value.filter((each) => each.limit === "day").map((each) => each.bucket) : [];
    };
    expect(days(evening)).toEqual(["EUR:day:2026-03-29", "EUR:day:2026-03-28"]);
    // From the former zone's midnight on, the new zone's day is the one that was counted already.
    expect(days(evening + 3 * 3_600_000)).toEqual(["EUR:day:2026-03-29"]);
    expect(days(evening + formerZoneMs)).toEqual(["EUR:day:2026-03-31"]);
  });

  it("happens once in two days", () => {
    const moved = changeZone(utc, "Asia/Tokyo", noon);
    const calendar = moved.ok ? moved.value : utc;
    expect(changeZone(calendar, "Asia/Tokyo", noon + 1)).toEqual({ ok: true, value: calendar });
    expect(changeZone(calendar, "America/Lima", noon + formerZoneMs - 1)).toMatchObject({ ok: false, error: { code: "rate_limited" } });
    expect(changeZone(calendar, "America/Lima", noon + formerZoneMs)).toMatchObject({ ok: true, value: { timeZone: "America/Lima" } });
  });

  test.each(["", "Nowhere/Here", "+01:00", "UTC\u0000", "../etc", "x".repeat(100), "constructor"])("%j is no time zone", (text) => {
    expect(isTimeZone("Europe/Berlin")).toBe(true);
    expect(isTimeZone(text)).toBe(false);
    expect(changeZone(utc, text, noon)).toMatchObject({ ok: false, error: { code: "invalid_request" } });
  });
});

describe("parseLimits", () => {
  it("reads limits that fit into each other", () => {
    expect(parseLimits({ ...limits })).toEqual({ ok: true, value: limits });
    expect(parseLimitsByCurrency({ EUR: { ...limits } })).toEqual({ ok: true, value: { EUR: limits } });
  });

  test.each([
    ["a payment over the day", { payment: 151 }, "invalid_request"],
    ["another device over a payment", { otherDevice: 101 }, "invalid_request"],
    ["a day over the month", { day: 401 }, "invalid_request"],
    ["a payee over the month", { payee: 401 }, "invalid_request"],
    ["a fraction", { payment: 1.5 }, "invalid_amount"],
    ["a negative limit", { otherDevice: -1 }, "invalid_amount"],
    ["a text", { day: "150" }, "invalid_amount"],
    ["a missing limit", { payee: undefined }, "invalid_amount"],
    ["an unknown limit", { week: 1 }, "invalid_request"],
  ])("%s is refused", (_name, change, code) => {
    expect(parseLimits({ ...limits, ...change })).toMatchObject({ ok: false, error: { code } });
  });

  test.each([[[]], ["x"], [null], [{ XXX: limits }], [{ EUR: 5 }]])("limits by currency are not %j", (value) => {
    expect(parseLimitsByCurrency(value).ok).toBe(false);
  });

  it("knows which change lets more through", () => {
    expect(isLooser(limits, limits)).toBe(false);
    expect(isLooser(limits, { ...limits, payment: 99, month: 300 })).toBe(false);
    expect(isLooser(limits, { ...limits, payment: 50, payee: 301 })).toBe(true);
    expect(isLooser(undefined, limits)).toBe(true);
  });
});
