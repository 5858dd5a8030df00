import type { EpochMs } from "./brand.ts";
import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import { exponentOf, isMinorUnits } from "./money.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import { hasOnlyMembers, isJsonObject, member } from "./shape.ts";

/**
 * What an account may spend in one currency, in minor units: in one payment, in one payment approved on another device than the one that asked, in a day,
 * in a month, and in a month to one payee. Days and months are those of the calendar in the account's time zone.
 */
export interface SpendingLimits {
  readonly payment: number;
  readonly otherDevice: number;
  readonly day: number;
  readonly month: number;
  readonly payee: number;
}

export type LimitName = keyof SpendingLimits;

export const limitNames: readonly LimitName[] = ["payment", "otherDevice", "day", "month", "payee"];

/** By currency. A currency that is not in it cannot be spent: sums of different currencies are never compared or converted. */
export type LimitsByCurrency = Readonly<Record<string, SpendingLimits>>;

/** How an approval came about: on the device that asked, on another one, or by a policy while nobody was there. */
export type ApprovalChannel = "same_device" | "other_device" | "policy";

/** A time zone that was in force until a change, and still counts for a while. */
export interface FormerZone {
  readonly timeZone: string;
  readonly until: EpochMs;
}

/** The IANA time zone of an account's days and months. */
export interface LimitCalendar {
  readonly timeZone: string;
  readonly former: FormerZone | null;
}

/** A payment as the limits see it. `at` is the moment of approval: that is when it counts, whether or not it is captured later. */
export interface CountedPayment {
  readonly payeeId: string;
  readonly currency: string;
  readonly amount: number;
  readonly channel: ApprovalChannel;
  readonly at: EpochMs;
}

/** A sum that must not pass its ceiling. `bucket` names what is summed, within one account; after `expiresAt` nobody asks for it any more. */
export interface SpendingWindow {
  readonly limit: "day" | "month" | "payee" | "budget";
  readonly bucket: string;
  readonly ceiling: number;
  readonly expiresAt: EpochMs;
}

const dayMs = 86_400_000;
/** How long a sum is kept after it was last added to. */
export const windowRetentionMs: Readonly<Record<"day" | "month", number>> = { day: 3 * dayMs, month: 40 * dayMs };

/** Two zones are at most 26 hours apart; after two days the same date has begun and ended in both. */
export const formerZoneMs: number = 2 * dayMs;

/**
 * The sums that a payment counts toward. Refuses with `over_limit`, the limit's name as detail, when it is too large by itself, or when nothing may be spent
 * in its currency. Whether the sums have room is decided by the one statement that adds to them.
 */
export function windowsOf(payment: CountedPayment, limits: LimitsByCurrency, calendar: LimitCalendar): Result<readonly SpendingWindow[], Refusal> {
  const { currency, amount, payeeId, at } = payment;
  const own = Object.hasOwn(limits, currency) ? limits[currency] : undefined;
  if (own === undefined) return err(refuse("over_limit", "currency"));
  if (!isMinorUnits(amount)) return err(refuse("invalid_amount"));
  if (amount > own.payment) return err(refuse("over_limit", "payment"));
  if (payment.channel === "other_device" && amount > own.otherDevice) return err(refuse("over_limit", "otherDevice"));
  const windows = new Map<string, SpendingWindow>();
  const add = (limit: "day" | "month" | "payee", bucket: string): void => {
    windows.set(bucket, { limit, bucket, ceiling: own[limit], expiresAt: at + windowRetentionMs[limit === "day" ? "day" : "month"] });
  };
  for (const timeZone of zonesAt(calendar, at)) {
    const { day, month } = localDate(at, timeZone);
    add("day", `${currency}:day:${day}`);
    add("month", `${currency}:month:${month}`);
    add("payee", `${currency}:payee:${month}:${payeeId}`);
  }
  for (const each of windows.values()) if (amount > each.ceiling) return err(refuse("over_limit", each.limit));
  return ok([...windows.values()]);
}

/**
 * The calendar after a change of zone. The former zone goes on counting for two days, so that a journey around the date line brings no second day's budget.
 * Refuses with `rate_limited` while an earlier change still counts.
 */
export function changeZone(calendar: LimitCalendar, timeZone: string, now: EpochMs): Result<LimitCalendar, Refusal> {
  if (timeZone === calendar.timeZone) return ok(calendar);
  if (!isTimeZone(timeZone)) return err(refuse("invalid_request", "not an IANA time zone"));
  if (calendar.former !== null && now < calendar.former.until) return err(refuse("rate_limited", "the time zone changes once in two days"));
  return ok({ timeZone, former: { timeZone: calendar.timeZone, until: now + formerZoneMs } });
}

/** Whether a change lets more through than before, and so needs the user's passkey. */
export function isLooser(before: SpendingLimits | undefined, after: SpendingLimits): boolean {
  return before === undefined || limitNames.some((name) => after[name] > before[name]);
}

/** Reads limits: closed shape, minor units, and no smaller span with a larger limit. Refuses with `invalid_amount` or `invalid_request`. */
export function parseLimits(value: unknown): Result<SpendingLimits, Refusal> {
  if (!isJsonObject(value) || !hasOnlyMembers(value, limitNames)) return err(refuse("invalid_request", `limits are { ${limitNames.join(", ")} }`));
  const read = (name: LimitName): number => {
    const amount = member(value, name);
    return isMinorUnits(amount) ? amount : -1;
  };
  const limits = { payment: read("payment"), otherDevice: read("otherDevice"), day: read("day"), month: read("month"), payee: read("payee") };
  if (limitNames.some((name) => limits[name] < 0)) return err(refuse("invalid_amount", "a limit is a number of minor units"));
  const { payment, otherDevice, day, month, payee } = limits;
  if (otherDevice > payment || payment > day || day > month || payee > month) {
    return err(refuse("invalid_request", "otherDevice <= payment <= day <= month, and payee <= month"));
  }
  return ok(limits);
}

/** Reads limits by currency. Refuses as {@link parseLimits}, and with `invalid_amount` for a currency that is not active. */
export function parseLimitsByCurrency(value: unknown): Result<LimitsByCurrency, Refusal> {
  if (!isJsonObject(value)) return err(refuse("invalid_request", "limits by currency"));
  const read: Record<string, SpendingLimits> = {};
  for (const [currency, limits] of Object.entries(value)) {
    if (exponentOf(currency) === undefined) return err(refuse("invalid_amount", "not an active currency"));
    const parsed = parseLimits(limits);
    if (!parsed.ok) return parsed;
    read[currency] = parsed.value;
  }
  return ok(read);
}

/** Says whether a text names an IANA time zone. An offset such as `+01:00` is none: it knows no daylight saving time. */
export function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(text)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/** The calendar date and month at a moment in a time zone, `2026-03-29` and `2026-03`. A day lasts 23 or 25 hours where the clock is changed. Throws on an unknown zone. */
export function localDate(at: EpochMs, timeZone: string): { readonly day: string; readonly month: string } {
  const format = new Intl.DateTimeFormat("en", {
    timeZone,
    calendar: "iso8601",
    numberingSystem: "latn",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  const parts = new Map(format.formatToParts(at).map((part) => [part.type, part.value]));
  const month = `${parts.get("year") ?? ""}-${parts.get("month") ?? ""}`;
  const day = `${month}-${parts.get("day") ?? ""}`;
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) throw new RangeError("not a date of the common era");
  return { day, month };
}

/** The zones whose dates count at a moment: the account's, and for two days after a change the former one. */
export function zonesAt(calendar: LimitCalendar, at: EpochMs): readonly string[] {
  const { timeZone, former } = calendar;
  return former !== null && at < former.until ? [timeZone, former.timeZone] : [timeZone];
}
