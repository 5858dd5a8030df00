import type { EpochMs } from "@countersign/protocol/brand";
import type { ReportEvent } from "./bank-event.ts";
import type { PaymentParts } from "./make-payment.ts";
import { expirePayment } from "./move-payment.ts";

const batch = 100;

/**
 * Releases what was set aside and not captured in time, a hundred payments at a time; gives how many. Each is a transaction of its own; the
 * error of one that cannot be released is thrown when all others were.
 */
export async function expireHolds(parts: PaymentParts, now: EpochMs, report: ReportEvent): Promise<number> {
  const due = await parts.database.sql
    .selectFrom("payments")
    .select("id")
    .where("held", ">", 0)
    .where("expires_at", "<=", now)
    .orderBy("expires_at")
    .limit(batch)
    .execute();
  let expired = 0;
  const errors: unknown[] = [];
  for (const { id } of due) {
    try {
      const event = await expirePayment(parts, id, now);
      if (event === undefined) continue;
      report(event, id);
      expired += 1;
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
  return expired;
}
