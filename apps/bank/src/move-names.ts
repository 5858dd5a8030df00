import type { EpochMs } from "@countersign/protocol/brand";
import { newAccountRow } from "./journal.ts";
import type { AccountRow } from "./tables.ts";

/** The id of the transfer that sets a payment's money aside, as of its change number `sequence`. */
export function holdIdOf(paymentId: string, sequence: number): string {
  return `hold_${paymentId}_${sequence}`;
}

/** What the bank owes a payee in one currency, as a row with nothing in it. */
export function payableAccount(payee: string, currency: string, now: EpochMs): AccountRow {
  return newAccountRow({ id: `payable_${currency}_${payee}`, kind: "payable", owner: payee, holder: payee, currency }, now);
}
