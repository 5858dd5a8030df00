import { exponentOf } from "@countersign/protocol/money";
import type { Money } from "./read.ts";

/** Writes sums and times as people of a locale do. */
export interface Format {
  money(money: Money): string;
  /** Day and time of milliseconds since 1970. */
  moment(at: number): string;
  /** Day, of the same. */
  day(at: number): string;
  /** Time of day. */
  time(at: number): string;
  /** The name of a country, by its code of ISO 3166-1. */
  country(code: string): string;
}

/** Makes the writer of a locale; one that the browser does not know falls back to its own. */
export function createFormat(locale: string | undefined): Format {
  const locales = isKnown(locale) ? locale : undefined;
  const moment = new Intl.DateTimeFormat(locales, { day: "numeric", month: "short", year: "numeric", hour: "numeric", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(locales, { day: "numeric", month: "short", year: "numeric" });
  const time = new Intl.DateTimeFormat(locales, { hour: "numeric", minute: "2-digit" });
  const countries = new Intl.DisplayNames(locales, { type: "region", fallback: "code" });
  return {
    money: ({ amount, currency }) => {
      const exponent = exponentOf(currency);
      if (exponent === undefined) return `${amount} ${currency}`;
      const digits = { minimumFractionDigits: exponent, maximumFractionDigits: exponent };
      return new Intl.NumberFormat(locales, { style: "currency", currency, ...digits }).format(amount / 10 ** exponent);
    },
    moment: (at) => (Number.isFinite(at) ? moment.format(at) : ""),
    day: (at) => (Number.isFinite(at) ? day.format(at) : ""),
    time: (at) => (Number.isFinite(at) ? time.format(at) : ""),
    country: (code) => (/^[A-Z]{2}$/.test(code) ? (countries.of(code) ?? code) : code),
  };
}

function isKnown(locale: string | undefined): locale is string {
  try {
    return locale !== undefined && Intl.NumberFormat.supportedLocalesOf(locale).length > 0;
  } catch {
    return false;
  }
}
