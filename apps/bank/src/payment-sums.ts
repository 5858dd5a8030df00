import type { EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import type { PaymentStatus } from "@countersign/protocol/payment";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";

/**
 * Where one payment stands, in minor units: `authorized` is always `captured + voided + held`, and `refunded` at most `captured`. `held` is set aside on the
 * payer's account until `expiresAt`; null for a payment that was captured when it was made. `closedBy`: what released the rest, when something did.
 */
export interface PaymentSums {
  readonly authorized: number;
  readonly captured: number;
  readonly voided: number;
  readonly held: number;
  readonly refunded: number;
  readonly expiresAt: EpochMs | null;
  readonly closedBy: "void" | "expiry" | null;
}

/** What may happen to a payment. A final capture releases what it leaves; a void releases all that is held. */
export type PaymentMove =
  | { readonly kind: "capture"; readonly amount: number; readonly isFinal: boolean }
  | { readonly kind: "void" }
  | { readonly kind: "expiry" }
  | { readonly kind: "refund"; readonly amount: number };

/** The sums afterwards, and how much moved: captured, released or given back. */
export interface PaymentMoved {
  readonly sums: PaymentSums;
  readonly amount: number;
}

/**
 * Judges one move of a payment at `now`. Refuses with `payment_closed` where nothing is left for such a move, the time to capture included, and with
 * `exceeds_payment` for more than is left.
 */
export function judgeMove(sums: PaymentSums, move: PaymentMove, now: EpochMs): Result<PaymentMoved, Refusal> {
  const isDue = sums.expiresAt !== null && now >= sums.expiresAt;
  if (move.kind === "refund") return judgeRefund(sums, move.amount);
  if (sums.held === 0) return err(refuse("payment_closed", "nothing is set aside"));
  if (move.kind === "expiry") return isDue ? ok(release(sums, sums.held, "expiry")) : err(refuse("payment_closed", "it is not due"));
  if (isDue) return err(refuse("payment_closed", "the time to capture is over"));
  if (move.kind === "void") return ok(release(sums, sums.held, "void"));
  if (move.amount > sums.held) return err(refuse("exceeds_payment", "more than is set aside"));
  const captured = { ...sums, captured: sums.captured + move.amount, held: sums.held - move.amount };
  const rest = move.isFinal ? captured.held : 0;
  return ok({ sums: rest === 0 ? captured : release(captured, rest, "void").sums, amount: move.amount });
}

/** The status that everybody sees. What was captured in part stays `captured` until all that was captured is refunded and nothing is held. */
export function statusOf(sums: PaymentSums): PaymentStatus {
  if (sums.captured > 0) return sums.refunded === sums.captured && sums.held === 0 ? "refunded" : "captured";
  if (sums.held > 0) return "authorized";
  return sums.closedBy === "expiry" ? "expired" : "voided";
}

/** The sums as they count at `now`: what is due has expired, whether or not that was written yet. */
export function sumsAt(sums: PaymentSums, now: EpochMs): PaymentSums {
  const expired = judgeMove(sums, { kind: "expiry" }, now);
  return expired.ok ? expired.value.sums : sums;
}

function judgeRefund(sums: PaymentSums, amount: number): Result<PaymentMoved, Refusal> {
  const left = sums.captured - sums.refunded;
  if (left === 0) return err(refuse("payment_closed", "nothing is left to give back"));
  if (amount > left) return err(refuse("exceeds_payment", "more than was captured and not refunded"));
  return ok({ sums: { ...sums, refunded: sums.refunded + amount }, amount });
}

function release(sums: PaymentSums, amount: number, closedBy: "void" | "expiry"): PaymentMoved {
  return { sums: { ...sums, voided: sums.voided + amount, held: sums.held - amount, closedBy }, amount };
}
