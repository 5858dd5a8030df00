import type { Payee, PaymentApproval, SignedCheckout } from "@countersign/kit/payment/payee";
import { watchPayment } from "@countersign/kit/payment/watch-payment";
import { type Capture, capture } from "./capture.ts";

export const price = { amount: 1850, currency: "USD" } as const;

export interface Reservation {
  readonly id: string;
  readonly show: string;
  /** Signed once, so that pressing Pay twice meets the same payment. */
  signed?: Promise<SignedCheckout>;
  /** The capture that runs or has happened. */
  settling?: Promise<Capture>;
  watched?: boolean;
  /** Whoever approved the payment. */
  owner?: string;
}

export interface Sales {
  /** What the user sees and signs. */
  checkoutOf(reservation: Reservation): Promise<SignedCheckout>;
  /** Captures once for each approval. One that nobody knows the outcome of is asked for again, under the same key. */
  settle(reservation: Reservation, approval: PaymentApproval): Promise<Capture>;
  /** Completes the sale when the user approves, whether or not anybody sends the call again. */
  watch(reservation: Reservation, requestId: string): Promise<void>;
}

/** Sells reservations of this resource: `bank` moves the money, `signal` ends the watching. */
export function createSales(options: {
  readonly payee: Payee;
  readonly bank: string;
  readonly resource: string;
  readonly signal: AbortSignal;
}): Sales {
  const { payee, bank, resource, signal } = options;
  const sales: Sales = {
    checkoutOf(reservation) {
      const items = [{ name: `Seat for “${reservation.show}”`, quantity: 1, amount: price.amount }];
      reservation.signed ??= payee.signCheckout({ id: reservation.id, version: 1, ...price, items, resource });
      return reservation.signed;
    },
    async settle(reservation, approval) {
      reservation.settling ??= capture(bank, payee, approval, price.amount, price.currency);
      const outcome = await reservation.settling;
      if (outcome === "captured") reservation.owner = approval.claims.sub;
      else delete reservation.settling;
      return outcome;
    },
    async watch(reservation, requestId) {
      if (reservation.watched === true) return;
      reservation.watched = true;
      const seen = await watchPayment(payee, { checkout: await sales.checkoutOf(reservation), requestId }, signal);
      reservation.watched = false;
      if (seen.state === "approved") await sales.settle(reservation, seen.approval);
    },
  };
  return sales;
}
