import type { EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import { ok, type Result } from "@countersign/protocol/result";
import { paymentRequestIdOf, paymentScope, type ScopeSet } from "@countersign/protocol/scope";
import type { ToolChallenge } from "../answer.ts";
import type { ToolContext } from "../context.ts";
import type { Payee, PaymentApproval, SignedCheckout } from "./payee.ts";
import type { PaymentRequestView } from "./wallet-client.ts";

export interface PaymentDemand {
  readonly checkout: SignedCheckout;
  /** The payment request stored with this checkout, when there is one. */
  readonly requestId?: string;
}

export type PaymentOutcome =
  /** The user approved exactly this checkout and this caller may have its result. */
  | { readonly outcome: "approved"; readonly requestId: string; readonly approval: PaymentApproval }
  /** Store `requestId` with the checkout, then return `challenge` from the handler. */
  | { readonly outcome: "challenge"; readonly requestId: string; readonly expiresAt: EpochMs; readonly challenge: ToolChallenge }
  | { readonly outcome: "refused"; readonly refusal: Refusal };

/** How many payment requests named by a token are looked up. */
const heldRequestsMax = 4;
const why = "Please approve this payment in your wallet.";

/**
 * Asks for the user's approval of one checkout. Nothing in the tool's arguments can stand in for it: the wallet's record, its signature, the
 * checkout's hash and the caller's token decide.
 * The same checkout always leads to the same live request. One that was denied or has expired is replaced.
 * Throws when the app has no payee.
 */
export async function requirePayment(ctx: ToolContext, demand: PaymentDemand): Promise<PaymentOutcome> {
  const payee = ctx.payee;
  if (payee === undefined) throw new TypeError("requirePayment needs an app with a payee");
  const live = await findLive(payee, demand, ctx.scope, ctx.signal);
  if (!live.ok) return { outcome: "refused", refusal: live.error };
  const lodged = live.value === undefined ? await lodge(ctx, payee, demand.checkout) : ok(live.value);
  if (!lodged.ok) return { outcome: "refused", refusal: lodged.error };
  return await settle(ctx, payee, demand.checkout, lodged.value);
}

/** The request that is open or approved for this checkout: the stored one, else one that the caller's token names. */
async function findLive(
  payee: Payee,
  demand: PaymentDemand,
  held: ScopeSet,
  signal: AbortSignal,
): Promise<Result<PaymentRequestView | undefined, Refusal>> {
  const named = [...held].map(paymentRequestIdOf).filter((id) => id !== undefined);
  const ids = demand.requestId === undefined ? named.slice(0, heldRequestsMax) : [demand.requestId];
  for (const id of ids) {
    const request = await payee.read(id, 0, signal);
    if (!request.ok) {
      if (request.error.code === "not_found") continue;
      return request;
    }
    // An approval of another checkout says nothing about this one.
    const same = request.value.id === id && request.value.checkoutHash === demand.checkout.hash;
    if (same && (request.value.status === "created" || isApproved(request.value))) return request;
  }
  return ok(undefined);
}

async function lodge(ctx: ToolContext, payee: Payee, checkout: SignedCheckout): Promise<Result<PaymentRequestView, Refusal>> {
  const lodged = await payee.lodge(checkout, ctx.subject);
  return lodged.ok && isApproved(lodged.value) ? await payee.read(lodged.value.id, 0, ctx.signal) : lodged;
}

async function settle(ctx: ToolContext, payee: Payee, checkout: SignedCheckout, request: PaymentRequestView): Promise<PaymentOutcome> {
  const scope = paymentScope(request.id);
  const challenge: PaymentOutcome = {
    outcome: "challenge",
    requestId: request.id,
    expiresAt: request.expiresAt,
    challenge: ctx.challenge(new Set([scope]), why),
  };
  if (request.status === "created") return challenge;
  if (!isApproved(request)) {
    const wasNo = request.status === "denied" || request.status === "revoked";
    return { outcome: "refused", refusal: refuse(wasNo ? "payment_denied" : "payment_request_expired") };
  }
  const approval = await payee.verify(request, checkout);
  if (!approval.ok) return { outcome: "refused", refusal: approval.error };
  const entitled = ctx.scope.has(scope) || ctx.subject === approval.value.claims.sub;
  return entitled ? { outcome: "approved", requestId: request.id, approval: approval.value } : challenge;
}

function isApproved(request: PaymentRequestView): boolean {
  return request.status === "approved" || request.status === "redeemed";
}
