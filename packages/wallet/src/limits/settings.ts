import type { EpochMs } from "@countersign/protocol/brand";
import type { LimitCalendar, LimitsByCurrency } from "@countersign/protocol/limits";
import { parseLimitsByCurrency } from "@countersign/protocol/limits";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";

/** What an account's owner has set: a time zone, and limits for some currencies. The others have the wallet's. */
export interface LimitSettings {
  readonly calendar: LimitCalendar;
  readonly own: LimitsByCurrency;
}

/** The operator's limits for accounts that have set none, and the time zone of accounts that have chosen none. */
export interface LimitDefaults {
  readonly limits: LimitsByCurrency;
  readonly timeZone: string;
}

/** What counts for an account now. `version` is that of its settings, 0 when it has none. */
export interface EffectiveLimits {
  readonly settings: LimitSettings;
  readonly limits: LimitsByCurrency;
  readonly version: number;
}

const euros = { payment: 1_000_00, otherDevice: 300_00, day: 2_000_00, month: 10_000_00, payee: 5_000_00 } as const;

/** Enough for a household's shopping, and a bound on what a stolen passkey spends. */
export const defaultLimits: LimitDefaults = { limits: { EUR: euros, USD: euros, GBP: euros, CHF: euros }, timeZone: "UTC" };

const settings = z.object({
  calendar: z.object({ timeZone: z.string(), former: z.object({ timeZone: z.string(), until: z.number() }).nullable() }),
  own: z.unknown(),
});

/** By account id. */
export const limitSettingsKind: RecordKind<LimitSettings> = {
  name: "limit-settings",
  parse(json) {
    const row = settings.parse(json);
    const own = parseLimitsByCurrency(row.own);
    if (!own.ok) throw new TypeError("stored limits are no limits");
    return { calendar: row.calendar, own: own.value };
  },
};

/** Reads what counts for an account. */
export async function limitsOf(
  database: Pick<Database<unknown>, "records">,
  accountId: string,
  defaults: LimitDefaults,
  now: EpochMs,
): Promise<EffectiveLimits> {
  const found = await database.records(limitSettingsKind).get(accountId, now);
  const value = found?.value ?? { calendar: { timeZone: defaults.timeZone, former: null }, own: {} };
  return { settings: value, limits: { ...defaults.limits, ...value.own }, version: found?.version ?? 0 };
}

/** Gives a new account the time zone of the browser that it was made in; its limits stay the operator's until the owner changes them. */
export async function startCalendar(tx: Pick<Database<unknown>, "records">, accountId: string, timeZone: string): Promise<void> {
  const created = await tx.records(limitSettingsKind).create(accountId, { calendar: { timeZone, former: null }, own: {} });
  if (!created.ok) throw new Error("a new account has limits already");
}
