import type { EpochMs } from "@countersign/protocol/brand";
import type { ErrorCode } from "@countersign/protocol/errors";
import type { Money } from "@countersign/protocol/money";
import type { BankPayment } from "../bank-client.ts";

/**
 * After this much past its expiry no capture of a mandate can happen any more, also none that a slow bank began in time: a bank allows a minute of skew, ends
 * what runs then two minutes later, and clocks differ.
 */
export const mandateMarginMs = 240_000;

/** What is known of one capture while it is being settled. */
export interface CaptureKnowledge {
  /** How often the capture was sent, as the database counted before each sending. */
  readonly attempts: number;
  /** The bank's answer to the last sending in this run. */
  readonly reply: "none" | "captured" | "refused" | "unknown";
  /** What reading the payment gave after that. */
  readonly reading: "none" | "found" | "absent" | "unknown";
  /** How many sendings this run may still do. */
  readonly sendsLeft: number;
  /** Whether a bank could still redeem the mandate. */
  readonly mandateAlive: boolean;
}

/** `finish`: the money moved. `refuse`: it did not and never will. `postpone`: nobody knows; ask again later. */
export type CaptureStep = "send" | "read" | "finish" | "refuse" | "postpone";

/**
 * Decides what to do next. A capture that was sent and not answered is read before it is sent again, and is never called failed while it may have
 * happened; a refusal counts only once a read has found no payment.
 */
export function decideCapture(known: CaptureKnowledge): CaptureStep {
  if (known.reply === "captured" || known.reading === "found") {
    return "finish";
  }
  if (known.reading === "unknown") {
    return "postpone";
  }
  if (known.reply === "refused") {
    return known.reading === "absent" ? "refuse" : "read";
  }
  if (known.attempts > 0 && known.reading === "none") {
    return "read";
  }
  if (!known.mandateAlive) {
    return "refuse";
  }
  return known.sendsLeft > 0 ? "send" : "postpone";
}

/** Says whether what the bank tells is the payment that was ordered, captured in full. */
export function isOrderedPayment(payment: BankPayment, paymentId: string, total: Money): boolean {
  return (
    payment.id === paymentId &&
    payment.id === paymentIdOf(payment.mandate_jti) &&
    payment.amount === total.amount &&
    payment.currency === total.currency &&
    payment.captured === total.amount &&
    (payment.status === "captured" || payment.status === "refunded")
  );
}

/** The one payment id that a mandate can have. */
export function paymentIdOf(jti: string): string {
  return `pay_${jti}`;
}

/** When to ask again after so many attempts: 1 s, doubling, at most a minute. */
export function nextAttemptAt(attempts: number, now: EpochMs): EpochMs {
  return now + Math.min(60_000, 1000 * 2 ** Math.min(attempts, 10));
}

/** One capture that must happen at most once. */
export interface Capture {
  readonly paymentId: string;
  readonly checkoutId: string;
  readonly state: "pending" | "captured" | "refused";
  readonly attempts: number;
  readonly total: Money;
  readonly checkoutHash: string;
  readonly idempotencyKey: string;
  readonly sealedMandate: string;
  readonly mandateExpiresAt: EpochMs;
  readonly subject: string;
  readonly humanPresent: boolean;
  readonly paidWith: string;
  readonly refusedWith: ErrorCode | null;
}
