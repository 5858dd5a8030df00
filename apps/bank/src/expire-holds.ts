import type { EpochMs } from "@countersign/protocol/brand";
import type { ReportEvent } from "./bank-event.ts";
import type { PaymentParts } from "./make-payment.ts";
import { expirePayment } from "./move-payment.ts";

const batch = 100;

/** Releases what was set aside and not captured in time, a hundred payments at a time; gives how many. Each is a transaction of its own. */
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
  for (const { id } of due) {
    const event = await expirePayment(parts, id, now);
    if (event === undefined) continue;
    report(event, id);
    expired += 1;
  }
  return expired;
}
