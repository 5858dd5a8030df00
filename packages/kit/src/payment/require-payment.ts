import type { EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import { ok, type Result } from "@countersign/protocol/result";
import { paymentRequestIdOf, paymentScope } from "@countersign/protocol/scope";
import type { ToolApproval } from "../answer.ts";
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
  | { readonly outcome: "challenge"; readonly requestId: string; readonly expiresAt: EpochMs; readonly challenge: ToolApproval }
  | { readonly outcome: "refused"; readonly refusal: Refusal };

/** How many payment requests named by a token are looked up. */
const heldRequestsMax = 4;
const payWhy = "Please approve this payment in your wallet.";
const refundWhy = "Please approve this refund in your wallet.";

/**
 * Asks for the user's approval of one checkout. Nothing in the tool's arguments can stand in for it: the wallet's record, its signature, the
 * checkout's hash and what is known of the caller decide.
 * The same checkout always leads to the same live request. One that was denied or has expired is replaced, except in the call that comes back from it.
 * Throws when the app has no payee.
 */
export async function requirePayment(ctx: ToolContext, demand: PaymentDemand): Promise<PaymentOutcome> {
  const payee = ctx.payee;
  if (payee === undefined) throw new TypeError("requirePayment needs an app with a payee");
  const live = await findLive(ctx, payee, demand);
  if (!live.ok) return { outcome: "refused", refusal: live.error };
  // An open one is lodged again: the wallet gives the same request with its address, and binds it to a buyer who has signed in meanwhile.
  const isLodged = live.value !== undefined && live.value.status !== "created";
  const lodged = isLodged ? ok(live.value) : await lodge(ctx, payee, demand.checkout);
  if (!lodged.ok) return { outcome: "refused", refusal: lodged.error };
  // What waits for one user by name is for them: a caller who is not known at the wallet gets nothing by which the outcome could be had, and may sign in.
  const isAnothers = lodged.value.isForNamedUser && buyerOf(ctx) === undefined;
  return await settle(ctx, payee, demand.checkout, isAnothers ? { ...lodged.value, approvalLink: undefined } : lodged.value);
}

export type RefundOutcome =
  /** The user agreed to exactly these terms. */
  { readonly outcome: "approved"; readonly requestId: string } | Exclude<PaymentOutcome, { readonly outcome: "approved" }>;

/**
 * Asks a signed-in user whether they want money back: `checkout` is signed from terms with `refund_of`, and the wallet lets nobody but this user decide. It works as
 * {@link requirePayment} does, and no mandate comes of it. Throws when the app has no payee, or the caller is not known at its wallet.
 */
export async function requireRefund(ctx: ToolContext, demand: PaymentDemand): Promise<RefundOutcome> {
  const { payee, payer } = ctx;
  if (payee === undefined || payer === undefined) throw new TypeError("requireRefund needs an app with a payee and a user of its wallet");
  if (demand.checkout.terms.refund_of === undefined) throw new TypeError("requireRefund needs terms with refund_of");
  const live = await findLive(ctx, payee, demand);
  if (!live.ok) return { outcome: "refused", refusal: live.error };
  const isDecided = live.value !== undefined && live.value.status !== "created";
  const request = isDecided ? ok(live.value) : await payee.lodge(demand.checkout, payer.subject);
  if (!request.ok) return { outcome: "refused", refusal: request.error };
  if (request.value.status === "created") return challenge(request.value, refundWhy);
  if (isApproved(request.value)) return { outcome: "approved", requestId: request.value.id };
  return { outcome: "refused", refusal: refuse(request.value.status === "denied" ? "payment_denied" : "payment_request_expired") };
}

/**
 * Says whether a caller may have the result of a payment that `subject`, the approver's name at the wallet, made by this request: by a token of the wallet, or
 * because this very call was asked for the approval.
 */
export function mayHavePayment(ctx: ToolContext, payment: { readonly requestId: string; readonly subject: string }): boolean {
  const { payer, asked } = ctx;
  if (payer?.subject === payment.subject || payer?.scope.has(paymentScope(payment.requestId)) === true) return true;
  return asked?.requestId === payment.requestId && (asked.payer === undefined || asked.payer === payment.subject);
}

/** The request that is open or approved for this checkout: the stored one, else one that the caller's token names. */
async function findLive(ctx: ToolContext, payee: Payee, demand: PaymentDemand): Promise<Result<PaymentRequestView | undefined, Refusal>> {
  const { asked } = ctx;
  const named = [...(ctx.payer?.scope ?? [])].map(paymentRequestIdOf).filter((id) => id !== undefined);
  const held = asked === undefined ? named.slice(0, heldRequestsMax) : [asked.requestId];
  const ids = demand.requestId === undefined || asked !== undefined ? held : [demand.requestId];
  for (const id of ids) {
    const isAsked = asked?.requestId === id;
    const request = await payee.read(id, isAsked ? asked.waitSeconds : 0, ctx.signal);
    if (!request.ok) {
      if (request.error.code === "not_found") continue;
      return request;
    }
    const isAlive = request.value.status === "created" || isApproved(request.value);
    // The user's no to what this call asked is this call's end, even where the app has made new terms of the checkout since.
    if (isAsked && !isAlive) return request;
    // An approval of another checkout says nothing about this one.
    const same = request.value.id === id && request.value.checkoutHash === demand.checkout.hash;
    if (same && isAlive) return request;
  }
  return ok(undefined);
}

async function lodge(ctx: ToolContext, payee: Payee, checkout: SignedCheckout): Promise<Result<PaymentRequestView, Refusal>> {
  const lodged = await payee.lodge(checkout, buyerOf(ctx));
  return lodged.ok && isApproved(lodged.value) ? await payee.read(lodged.value.id, 0, ctx.signal) : lodged;
}

function buyerOf({ payer, asked }: ToolContext): string | undefined {
  return payer?.subject ?? asked?.payer;
}

async function settle(ctx: ToolContext, payee: Payee, checkout: SignedCheckout, request: PaymentRequestView): Promise<PaymentOutcome> {
  if (request.status === "created") return challenge(request);
  if (!isApproved(request)) {
    const wasNo = request.status === "denied" || request.status === "revoked";
    return { outcome: "refused", refusal: refuse(wasNo ? "payment_denied" : "payment_request_expired") };
  }
  const approval = await payee.verify(request, checkout);
  if (!approval.ok) return { outcome: "refused", refusal: approval.error };
  const payment = { requestId: request.id, subject: approval.value.claims.sub };
  return mayHavePayment(ctx, payment) ? { outcome: "approved", requestId: request.id, approval: approval.value } : challenge(request);
}

function challenge(request: PaymentRequestView, why: string = payWhy): Extract<PaymentOutcome, { readonly outcome: "challenge" }> {
  const { id: requestId, expiresAt, approvalLink: link } = request;
  const isApproved = request.status !== "created";
  return { outcome: "challenge", requestId, expiresAt, challenge: { kind: "approval", requestId, link, isApproved, expiresAt, why } };
}

function isApproved(request: PaymentRequestView): boolean {
  return request.status === "approved" || request.status === "redeemed";
}
