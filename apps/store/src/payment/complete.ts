import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { PaymentApproval } from "@countersign/kit/payment/payee";
import { applyToCheckout, readCheckout } from "../checkout/checkout-rows.ts";
import { paymentIdOf } from "./capture.ts";
import { insertCapture } from "./capture-rows.ts";
import { insertWithdrawal } from "./withdrawal-rows.ts";
import { captureKeyOf, mandateAad, type Settlement, type Settler, type SettlerOptions } from "./settle.ts";

export type CompleterOptions = Omit<SettlerOptions, "bank" | "announce"> & { readonly settler: Settler };

/**
 * Completes a checkout whose payment was approved: the approval becomes a capture in the outbox in one transaction, then the bank is asked. Whoever comes
 * second, with the same approval or another one of the same terms, meets the first one's capture. An approval that the checkout takes no more is noted to be taken back at the wallet, so that it
 * holds nothing of the user's limits.
 */
export async function completeCheckout(
  options: CompleterOptions,
  checkoutId: string,
  approval: PaymentApproval,
): Promise<Result<Settlement, Refusal>> {
  const { db, sealer, clock, settler } = options;
  const { claims } = approval;
  const paymentId = paymentIdOf(claims.jti);
  const now = clock();
  const started = await applyToCheckout(
    db,
    checkoutId,
    { type: "approved", checkoutHash: approval.checkoutHash, paymentId },
    now,
    async (tx, checkout) => {
      const { amount, currency } = claims.payment_amount;
      if (amount !== checkout.total.amount || currency !== checkout.total.currency) {
        return err(refuse("consent_mismatch", "the approved sum is another one"));
      }
      await insertCapture(
        tx,
        {
          paymentId,
          checkoutId,
          state: "pending",
          attempts: 0,
          total: checkout.total,
          checkoutHash: approval.checkoutHash,
          idempotencyKey: captureKeyOf(paymentId),
          sealedMandate: sealer.seal(approval.mandate.reveal(), mandateAad(paymentId)),
          mandateExpiresAt: claims.exp * 1000,
          subject: claims.sub,
          humanPresent: claims.human_present,
          paidWith: claims.payment_instrument.description,
          refusedWith: null,
        },
        now,
      );
      return ok(undefined);
    },
  );
  if (started.ok) {
    return ok(await settler.settle(paymentId));
  }
  const current = await readCheckout(db, checkoutId);
  const underWay = current?.status === "completing" || current?.status === "completed" ? current.paymentId : null;
  // What lost a race may still be taken the next time; everything else is this approval's end.
  if (underWay !== paymentId && started.error.code !== "conflict") await insertWithdrawal(db, approval.requestId, now);
  return underWay === null ? started : ok(await settler.settle(underWay));
}
