import type { EpochMs } from "./brand.ts";
import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import { type LimitCalendar, localDate, type SpendingWindow, windowRetentionMs, zonesAt } from "./limits.ts";
import { exponentOf, isMinorUnits } from "./money.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import { hasOnlyMembers, isJsonObject, member, textList } from "./shape.ts";

/**
 * What a user allows once, by passkey, for payments that are then approved without being asked: to which payees, up to how much each (`ceiling`), and how much
 * in all in each period (`budget`, in minor units). `all` is the policy's whole life.
 */
export interface PolicyTerms {
  readonly payeeIds: readonly string[];
  readonly currency: string;
  readonly ceiling: number;
  readonly budget: number;
  readonly period: PolicyPeriod;
  readonly expiresAt: EpochMs;
}

export type PolicyPeriod = "day" | "month" | "all";

export const policyPeriods: readonly PolicyPeriod[] = ["day", "month", "all"];

const dayMs = 86_400_000;

/** No policy lives longer. */
export const policyLifeMaxMs: number = 30 * dayMs;

const payeesMax = 10;

/** A policy as it stands: its terms, and when its owner ended it. */
export interface JudgedPolicy {
  readonly id: string;
  readonly terms: PolicyTerms;
  readonly endedAt: EpochMs | null;
}

/**
 * A payment that might need no asking. `knownKeys` are the thumbprints of the keys with which this payee signed what the user approved in person; empty for a
 * payee that was never paid. `isDenied`: the user said no to this very deal and has not said yes to it since.
 */
export interface JudgedPayment {
  readonly payeeId: string;
  readonly currency: string;
  readonly amount: number;
  readonly keyThumbprint: string;
  readonly knownKeys: readonly string[];
  readonly isDenied: boolean;
  readonly at: EpochMs;
}

/** `approve` with the sums that must have room, or why the user has to be asked. */
export type PolicyVerdict =
  | { readonly verdict: "approve"; readonly budgets: readonly SpendingWindow[] }
  | { readonly verdict: "ask"; readonly reason: AskReason };

export type AskReason = "ended" | "expired" | "other_payee" | "other_currency" | "over_ceiling" | "first_payment" | "other_key" | "denied";

/** Judges one payment by one policy. Whether the budget has room is decided by the statement that adds to it. */
export function judgePolicy(policy: JudgedPolicy, payment: JudgedPayment, calendar: LimitCalendar): PolicyVerdict {
  const { terms } = policy;
  if (policy.endedAt !== null) return ask("ended");
  if (payment.at >= terms.expiresAt) return ask("expired");
  if (!terms.payeeIds.includes(payment.payeeId)) return ask("other_payee");
  if (payment.currency !== terms.currency) return ask("other_currency");
  if (!isMinorUnits(payment.amount) || payment.amount > terms.ceiling) return ask("over_ceiling");
  if (payment.knownKeys.length === 0) return ask("first_payment");
  if (!payment.knownKeys.includes(payment.keyThumbprint)) return ask("other_key");
  if (payment.isDenied) return ask("denied");
  return { verdict: "approve", budgets: budgetsOf(policy, payment.at, calendar) };
}

/** The sums of a policy's budget at a moment. */
export function budgetsOf(policy: Pick<JudgedPolicy, "id" | "terms">, at: EpochMs, calendar: LimitCalendar): readonly SpendingWindow[] {
  const { period, budget } = policy.terms;
  const keep = windowRetentionMs[period === "day" ? "day" : "month"];
  const spans = period === "all" ? ["all"] : zonesAt(calendar, at).map((zone) => localDate(at, zone)[period]);
  return [...new Set(spans)].map((span) => ({ limit: "budget", bucket: `policy:${policy.id}:${span}`, ceiling: budget, expiresAt: at + keep }));
}

/** Reads a policy's terms: closed shape, 1 to 10 payees, a ceiling above nothing and within the budget, an end within 30 days. Refuses with `invalid_amount` or `invalid_request`. */
export function parsePolicyTerms(value: unknown, now: EpochMs): Result<PolicyTerms, Refusal> {
  if (!isJsonObject(value) || !hasOnlyMembers(value, ["payeeIds", "currency", "ceiling", "budget", "period", "expiresAt"])) {
    return err(refuse("invalid_request", "a policy is { payeeIds, currency, ceiling, budget, period, expiresAt }"));
  }
  const payeeIds = textList(member(value, "payeeIds"), payeesMax, 200);
  const currency = member(value, "currency");
  const ceiling = member(value, "ceiling");
  const budget = member(value, "budget");
  const period = policyPeriods.find((each) => each === member(value, "period"));
  const expiresAt = member(value, "expiresAt");
  if (payeeIds === undefined || payeeIds.length === 0 || new Set(payeeIds).size !== payeeIds.length)
    return err(refuse("invalid_request", "1 to 10 payees"));
  if (typeof currency !== "string" || exponentOf(currency) === undefined) return err(refuse("invalid_amount", "not an active currency"));
  if (!isMinorUnits(ceiling) || !isMinorUnits(budget) || ceiling === 0) return err(refuse("invalid_amount", "ceiling and budget are minor units"));
  if (ceiling > budget) return err(refuse("invalid_request", "the ceiling is within the budget"));
  if (period === undefined) return err(refuse("invalid_request", "the period is day, month or all"));
  if (!isMinorUnits(expiresAt) || expiresAt <= now || expiresAt > now + policyLifeMaxMs)
    return err(refuse("invalid_request", "a policy ends within 30 days"));
  return ok({ payeeIds, currency, ceiling, budget, period, expiresAt });
}

function ask(reason: AskReason): PolicyVerdict {
  return { verdict: "ask", reason };
}
