import type { SignedCheckout } from "@countersign/kit/payment/payee";
import type { EpochMs } from "@countersign/protocol/brand";
import { type ErrorCode, type Refusal, refuse } from "@countersign/protocol/errors";
import type { Money } from "@countersign/protocol/money";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { BankPayment } from "../bank-client.ts";

/** `awaiting_approval`: the user has to say yes first. `pending`: the bank is being asked, and will be until it has said. `done`: the money is back. `refused`: it is not, and will not be by this refund. */
export type RefundState = "awaiting_approval" | "pending" | "done" | "refused";

/** One refund of one payment, at most once. A payment has one that is not settled at a time, so that `before` is what was given back until it began. */
export interface Refund {
  readonly id: string;
  readonly paymentId: string;
  /** Null where a charge came to no order and is taken back. */
  readonly orderId: string | null;
  readonly amount: Money;
  /** Minor units that had been given back when it began. */
  readonly before: number;
  /** Minor units that were captured. */
  readonly captured: number;
  readonly state: RefundState;
  readonly attempts: number;
  /** In the words of whoever asked for it. */
  readonly reason: string | null;
  readonly createdAt: EpochMs;
  readonly refusedWith: ErrorCode | null;
  /** Whether the user approved it with their passkey. */
  readonly isApproved: boolean;
  /** What the user is asked to approve; null where nobody is. */
  readonly signed: SignedCheckout | null;
  /** The wallet's request for that, once it is known. */
  readonly requestId: string | null;
}

/** What somebody wants back. Without an amount: all that is left. `seen`: what had been given back when they decided. */
export interface RefundWish {
  readonly amount: number | undefined;
  readonly seen: number;
}

/** Where a payment stands, in minor units, with its refunds. */
export interface RefundableSums {
  readonly captured: number;
  readonly refunded: number;
  readonly refunds: readonly Pick<Refund, "id" | "amount" | "before" | "state" | "isApproved">[];
  /** Up to how many minor units of a payment are refunded on a token alone; undefined: none. */
  readonly limit: number | undefined;
}

/**
 * `go_on`: it is this very refund, begun before; its state says how far it is. `begin`: a new one over so many minor units. `replaces`: one that nobody has approved, and
 * that is wanted no more.
 */
export type RefundVerdict =
  | { readonly verdict: "go_on"; readonly id: string }
  | { readonly verdict: "begin"; readonly amount: number; readonly needsApproval: boolean; readonly replaces: string | null };

/**
 * Decides what a wish comes to. What was given back when its caller decided is part of it, so that the same wish told twice is one refund. What was
 * refunded on tokens alone counts together, so that many small ones need an approval like a large one. Refuses with `conflict` while another one
 * is under way or when more was given back since, with `payment_closed` when nothing is left, and with `exceeds_payment` for more than is left.
 */
export function judgeRefund(sums: RefundableSums, wish: RefundWish): Result<RefundVerdict, Refusal> {
  const wanted = wish.amount ?? sums.captured - wish.seen;
  const isSame = (refund: RefundableSums["refunds"][number]): boolean => refund.before === wish.seen && refund.amount.amount === wanted;
  const live = sums.refunds.find((each) => each.state === "pending" || each.state === "awaiting_approval");
  if (live !== undefined && isSame(live)) return ok({ verdict: "go_on", id: live.id });
  if (live?.state === "pending") return err(refuse("conflict", "another refund is under way"));
  if (wish.seen !== sums.refunded) {
    const done = sums.refunds.find((each) => each.state === "done" && isSame(each));
    return done === undefined ? err(refuse("conflict", "more was refunded since")) : ok({ verdict: "go_on", id: done.id });
  }
  const left = sums.captured - sums.refunded;
  const last = sums.refunds.findLast((each) => each.state === "done");
  // Who wants all that is left back has it.
  if (left === 0 && wish.amount === undefined && last !== undefined) return ok({ verdict: "go_on", id: last.id });
  if (left === 0) return err(refuse("payment_closed", "all of it was refunded"));
  if (wanted > left) return err(refuse("exceeds_payment", "more than is left"));
  const onTokens = sums.refunds.filter((each) => each.state !== "refused" && each.state !== "awaiting_approval" && !each.isApproved);
  const unapproved = onTokens.reduce((sum, each) => sum + each.amount.amount, wanted);
  const needsApproval = sums.limit === undefined || unapproved > sums.limit;
  return ok({ verdict: "begin", amount: wanted, needsApproval, replaces: live?.id ?? null });
}

/** Says whether the bank tells of exactly this refund, under the key that it was sent with. `other`: something else has its key. */
export function findRefund(payment: BankPayment, refund: Refund, key: string): "found" | "absent" | "other" {
  if (payment.id !== refund.paymentId || payment.currency !== refund.amount.currency || payment.captured !== refund.captured) return "other";
  const move = payment.moves.find((each) => each.key === key);
  if (move === undefined) return "absent";
  return move.kind === "refund" && move.amount === refund.amount.amount && payment.refunded >= move.amount ? "found" : "other";
}

/** How an order stands with its money. */
export type PaidStatus = "complete" | "partly_refunded" | "refunded";

/** The status that sums in minor units make. */
export function paidStatusOf({ captured, refunded }: { readonly captured: number; readonly refunded: number }): PaidStatus {
  if (refunded === 0) return "complete";
  return refunded < captured ? "partly_refunded" : "refunded";
}

/** A refund as tools answer it. */
export interface RefundView {
  readonly id: string;
  readonly status: RefundState;
  readonly amount: Money;
  readonly created_at: string;
  readonly reason?: string;
}

/** Shows a refund. */
export function viewRefund({ id, state, amount, createdAt, reason }: Refund): RefundView {
  const view = { id, status: state, amount, created_at: new Date(createdAt).toISOString() };
  return reason === null ? view : { ...view, reason };
}
