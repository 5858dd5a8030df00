import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import { isTimeZone, limitNames, parseLimits, windowsOf } from "@countersign/protocol/limits";
import { parseDecimal } from "@countersign/protocol/money";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { changeLimits, changeLimitsAction, type LimitChange } from "../limits/change.ts";
import { usedOf } from "../limits/reserve.ts";
import { limitsOf } from "../limits/settings.ts";
import { type CurrencyLimits, limitsView } from "../pages/account-limits.ts";
import { spendConfirmation, startConfirmation, verifyConfirmation } from "../passkeys/confirm.ts";
import type { AccountFields, AccountFrame, AccountParts, AccountVisit } from "./frame.ts";

const page = "/account/limits";

/** What the account may spend, how much of it is used, and the forms that change it; each change needs the passkey. */
export function addLimits(frame: AccountFrame, parts: AccountParts): void {
  frame.page(page, async (visit) => {
    const { limits, settings } = await limitsOf(parts.database, visit.accountId, parts.limits, parts.now());
    const currencies = await Promise.all(Object.keys(limits).map((currency) => currencyOf(parts, visit, currency)));
    return ok(
      limitsView({
        currencies: currencies.flatMap((each) => each ?? []),
        timeZone: settings.calendar.timeZone,
        zoneToken: visit.token(`${page}/time-zone`),
      }),
    );
  });

  frame.ceremony(
    `${page}/currency/:currency`,
    async (visit, fields) => {
      const change = readLimits(visit.param("currency"), fields);
      return change.ok ? start(parts, visit, change.value) : change;
    },
    (visit, fields) => complete(parts, visit, fields),
  );

  frame.ceremony(
    `${page}/time-zone`,
    async (visit, fields) => {
      const timeZone = fields["time_zone"];
      if (typeof timeZone !== "string" || !isTimeZone(timeZone)) return err(refuse("invalid_request", "time_zone"));
      return start(parts, visit, { type: "time_zone", timeZone });
    },
    (visit, fields) => complete(parts, visit, fields),
  );
}

async function start(parts: AccountParts, visit: AccountVisit, change: LimitChange): Promise<Result<{ readonly options: unknown }, Refusal>> {
  return ok({ options: await startConfirmation(parts, visit, changeLimitsAction, change) });
}

async function complete(parts: AccountParts, visit: AccountVisit, fields: AccountFields): Promise<Result<{ readonly next: string }, Refusal>> {
  const confirmed = await verifyConfirmation(parts, visit, changeLimitsAction, fields["credential"]);
  if (!confirmed.ok) return confirmed;
  const now = parts.now();
  const changed = await changeLimits(parts, visit, confirmed.value.action, now, (tx) => spendConfirmation(tx, confirmed.value, now));
  return changed.ok ? ok({ next: page }) : changed;
}

/** Reads the form of one currency: decimals such as `250.00`. Refuses with `invalid_amount` and `invalid_request`. */
function readLimits(currency: string, fields: AccountFields): Result<LimitChange, Refusal> {
  const amounts: Record<string, number> = {};
  for (const name of limitNames) {
    const typed = fields[name];
    const money = typeof typed === "string" ? parseDecimal(typed.trim(), currency) : err(refuse("invalid_amount"));
    if (!money.ok) return money;
    amounts[name] = money.value.amount;
  }
  const limits = parseLimits(amounts);
  return limits.ok ? ok({ type: "limits", currency, limits: limits.value }) : limits;
}

async function currencyOf(parts: AccountParts, visit: AccountVisit, currency: string): Promise<CurrencyLimits | undefined> {
  const now = parts.now();
  const { limits, settings } = await limitsOf(parts.database, visit.accountId, parts.limits, now);
  const own = limits[currency];
  if (own === undefined) return undefined;
  const windows = windowsOf({ payeeId: "", currency, amount: 0, channel: "same_device", at: now }, limits, settings.calendar);
  const spans = windows.ok ? windows.value : [];
  const used = await usedOf(parts.database, visit.accountId, spans);
  const most = (limit: "day" | "month"): number =>
    Math.max(0, ...spans.filter((each) => each.limit === limit).map((each) => used.get(each.bucket) ?? 0));
  return { currency, limits: own, usedToday: most("day"), usedThisMonth: most("month"), token: visit.token(`${page}/currency/${currency}`) };
}
