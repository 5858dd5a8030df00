import { type Refusal, refuse } from "@countersign/protocol/errors";
import type { Payee, PaymentApproval, SignedCheckout } from "./payee.ts";

export type PaymentWatch =
  | { readonly state: "approved"; readonly approval: PaymentApproval }
  | { readonly state: "denied" }
  | { readonly state: "expired" }
  /** The signal fired. */
  | { readonly state: "stopped" }
  | { readonly state: "refused"; readonly refusal: Refusal };

/** Waits; returns early when the signal fires. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

const waitSeconds = 25;
const pauseMs = 1_000;
const pauseMsMax = 15_000;
/** A mandate outlives the checkout it is for by this much at most. */
const graceMs = 900_000;

/**
 * Follows one payment request until it is decided, so that an order completes whether or not anyone still looks at it. A wallet that does not
 * answer is asked again, ever more slowly, until no approval could be of use any more.
 */
export async function watchPayment(
  payee: Payee,
  watch: { readonly checkout: SignedCheckout; readonly requestId: string },
  signal: AbortSignal,
  pause: Pause = pauseFor,
): Promise<PaymentWatch> {
  let delayMs = pauseMs;
  while (!signal.aborted) {
    const askedAt = payee.now();
    const request = await payee.read(watch.requestId, waitSeconds, signal);
    if (signal.aborted) break;
    if (request.ok) {
      delayMs = pauseMs;
      if (request.value.status !== "created") return await conclude(payee, watch.checkout, request.value);
    } else if (request.error.code === "not_found") {
      return { state: "refused", refusal: request.error };
    }
    if (payee.now() >= watch.checkout.expiresAt + graceMs) {
      return request.ok ? { state: "expired" } : { state: "refused", refusal: request.error };
    }
    if (request.ok && payee.now() - askedAt >= pauseMs) continue;
    await pause(delayMs, signal);
    if (!request.ok) delayMs = Math.min(delayMs * 2, pauseMsMax);
  }
  return { state: "stopped" };
}

type Decided = Parameters<Payee["verify"]>[0];

async function conclude(payee: Payee, checkout: SignedCheckout, request: Decided): Promise<PaymentWatch> {
  // An approval that was taken back is a no; what was redeemed is an approval that this payee has not seen yet.
  if (request.status === "denied" || request.status === "revoked") return { state: "denied" };
  if (request.status !== "approved" && request.status !== "redeemed") return { state: "expired" };
  if (request.checkoutHash !== checkout.hash) return { state: "refused", refusal: refuse("consent_mismatch", "checkout hash") };
  const approval = await payee.verify(request, checkout);
  return approval.ok ? { state: "approved", approval: approval.value } : { state: "refused", refusal: approval.error };
}

/** Waits with a timer. */
export function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
