import { formatMinorUnits, parseDecimal } from "@countersign/protocol/money";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Money } from "../read.ts";
import type { Order } from "./order.ts";

/** What is left to give back, less what is on its way. */
export function refundable({ total, refunded, refunds }: Order): Money {
  const pending = refunds.filter(({ status }) => status === "pending").reduce((sum, { amount }) => sum + amount.amount, 0);
  return { amount: Math.max(0, total.amount - refunded.amount - pending), currency: total.currency };
}

/** Reads what somebody typed as a sum of at most what is left; a comma counts as a point. An error is what to tell them. */
export function readRefundAmount(typed: string, left: Money): Result<number, string> {
  const text = typed.trim().replace(",", ".");
  const read = parseDecimal(text, left.currency);
  const example = formatMinorUnits(left);
  if (!read.ok || read.value.amount === 0) return err(`Write a sum such as ${example}.`);
  return read.value.amount > left.amount ? err(`At most ${example} can be refunded.`) : ok(read.value.amount);
}
