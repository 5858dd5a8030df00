import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import { changeZone, parseLimitsByCurrency, type SpendingLimits } from "@countersign/protocol/limits";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import { z } from "zod";
import { atomically } from "../atomically.ts";
import { writeAudit } from "../audit/log.ts";
import type { ConfirmableAction } from "../passkeys/confirm.ts";
import { type LimitDefaults, type LimitSettings, limitSettingsKind, limitsOf } from "./settings.ts";

/** What an owner changes with their passkey: the limits of one currency, or the time zone. */
export type LimitChange =
  | { readonly type: "limits"; readonly currency: string; readonly limits: SpendingLimits }
  | { readonly type: "time_zone"; readonly timeZone: string };

const change = z.discriminatedUnion("type", [
  z.object({ type: z.literal("limits"), currency: z.string(), limits: z.unknown() }),
  z.object({ type: z.literal("time_zone"), timeZone: z.string() }),
]);

/** Limits move money, so the passkey that changes them is one that may. */
export const changeLimitsAction: ConfirmableAction<LimitChange> = {
  type: "change_limits",
  use: "money",
  parse(json) {
    const read = change.parse(json);
    if (read.type === "time_zone") return read;
    const limits = parseLimitsByCurrency({ [read.currency]: read.limits });
    const own = limits.ok ? limits.value[read.currency] : undefined;
    if (own === undefined) throw new TypeError("a confirmed change is no change of limits");
    return { type: "limits", currency: read.currency, limits: own };
  },
};

/**
 * Carries a confirmed change out; `spend` spends its confirmation in the same transaction. Refuses with `conflict` when the settings changed meanwhile,
 * as {@link changeZone}, and as `spend` does.
 */
export async function changeLimits(
  parts: { readonly database: Database<unknown>; readonly limits: LimitDefaults },
  subject: { readonly accountId: string; readonly request?: Request },
  changed: LimitChange,
  now: EpochMs,
  spend: (tx: Database<unknown>) => Promise<Result<void, Refusal>>,
): Promise<Result<void, Refusal>> {
  const { accountId } = subject;
  return atomically(parts.database, async (tx) => {
    const spent = await spend(tx);
    if (!spent.ok) return spent;
    const { settings, version } = await limitsOf(tx, accountId, parts.limits, now);
    const after = settingsAfter(settings, changed, now);
    if (!after.ok) return after;
    const records = tx.records(limitSettingsKind);
    const saved = version === 0 ? await records.create(accountId, after.value) : await records.update(accountId, version, after.value);
    if (!saved.ok) return err(refuse("conflict"));
    await writeAudit(tx, { ...subject, at: now }, { type: "limits_changed" });
    return ok(undefined);
  });
}

function settingsAfter(before: LimitSettings, changed: LimitChange, now: EpochMs): Result<LimitSettings, Refusal> {
  if (changed.type === "limits") return ok({ ...before, own: { ...before.own, [changed.currency]: changed.limits } });
  const calendar = changeZone(before.calendar, changed.timeZone, now);
  return calendar.ok ? ok({ ...before, calendar: calendar.value }) : calendar;
}
