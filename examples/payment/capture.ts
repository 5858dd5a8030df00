import type { Payee, PaymentApproval } from "@countersign/kit/payment/payee";

/** `unknown`: the bank may have acted or not. Asking again with the same approval is safe: it answers the same. */
export type Capture = "captured" | "refused" | "unknown";

/** What the bank will not change its mind about. */
const definite: ReadonlySet<unknown> = new Set(["payment_declined", "insufficient_funds", "mandate_invalid", "mandate_spent", "mandate_revoked"]);
const msMax = 10_000;

/** Lets the bank move the money that an approval is for. The mandate can be redeemed once, whoever asks how often. */
export async function capture(bank: string, payee: Payee, approval: PaymentApproval, amount: number, currency: string): Promise<Capture> {
  const { jti } = approval.claims;
  try {
    const assertion = await payee.assertion(bank);
    const response = await fetch(`${bank}/payments`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": jti, authorization: `Bearer ${assertion.reveal()}` },
      body: JSON.stringify({
        id: `pay_${jti}`,
        mandate: approval.mandate.reveal(),
        amount,
        currency,
        checkout_hash: approval.checkoutHash,
        capture: true,
      }),
      redirect: "manual",
      signal: AbortSignal.timeout(msMax),
    });
    if (response.ok) return "captured";
    const refusal: unknown = await response.json();
    return typeof refusal === "object" && refusal !== null && "code" in refusal && definite.has(refusal.code) ? "refused" : "unknown";
  } catch {
    return "unknown";
  }
}
