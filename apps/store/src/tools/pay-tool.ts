import { answer, refused, type ToolAnswer } from "@countersign/kit/answer";
import type { App } from "@countersign/kit/app";
import { either } from "@countersign/kit/auth";
import type { ToolContext } from "@countersign/kit/context";
import { mayHavePayment, requirePayment } from "@countersign/kit/payment/require-payment";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import { formatMinorUnits } from "@countersign/protocol/money";
import { err, ok, type Result } from "@countersign/protocol/result";
import { z } from "zod";
import { termsOf } from "../checkout/bill.ts";
import type { Checkout } from "../checkout/checkout.ts";
import { applyToCheckout, readCheckout } from "../checkout/checkout-rows.ts";
import { type Order, receiptOf, viewOrder } from "../orders/order.ts";
import { receiptHandle, receiptMetaKey } from "../orders/receipt-handle.ts";
import { completeCheckout } from "../payment/complete.ts";
import type { Settlement } from "../payment/settle.ts";
import { insertWithdrawal } from "../payment/withdrawal-rows.ts";
import type { Shop } from "../shop.ts";
import * as shapes from "./shapes.ts";

/**
 * Adds the tool that pays, under both of its names. Calling it is never enough: the user's approval at the wallet is what authorizes, and the bank is asked once
 * for each.
 */
export function addPayTools(app: App, shop: Shop): void {
  for (const [name, title] of [
    ["pay", "Pay"],
    ["complete_checkout", "Complete checkout"],
  ] as const) {
    app.tool(
      name,
      {
        title,
        description: `${name === "pay" ? "Pays a checkout." : "Pays a checkout: another name of `pay`."} The user approves payee, items and total with a passkey in their wallet first. Repeating the call is safe: a checkout is charged once and gives the same receipt.`,
        input: z.object({ checkout_id: shapes.checkoutId }),
        output: z.object({ order: shapes.order, receipt: shapes.receipt }),
        auth: either(),
        ui: "shop",
        annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
      },
      async ({ checkout_id }, ctx) => {
        const checkout = await readCheckout(shop.db, checkout_id);
        return checkout === undefined ? refused(refuse("not_found")) : payCheckout(shop, checkout, ctx);
      },
    );
  }
}

async function payCheckout(shop: Shop, checkout: Checkout, ctx: ToolContext): Promise<ToolAnswer> {
  switch (checkout.status) {
    case "completing":
    case "completed":
      return checkout.paymentId === null
        ? refused(refuse("internal_error"))
        : conclude(shop, ctx, checkout, await shop.settler.settle(checkout.paymentId));
    case "expired":
      return refused(refuse("checkout_expired"));
    case "open":
    case "authorized":
    case "canceled":
      return refused(refuse("checkout_not_open"));
    case "priced":
    case "awaiting_approval": {
      if (checkout.status === "priced" && ctx.asked !== undefined) {
        // What this call was asked to approve has ended; new terms are for a new call.
        return refused(refuse(checkout.lastRefusal ?? "payment_request_expired"));
      }
      const awaiting = await startPaying(shop, checkout);
      return awaiting.ok ? askApproval(shop, awaiting.value, ctx) : refused(awaiting.error);
    }
  }
}

/** Reserves the goods and signs the terms, unless somebody did already. */
async function startPaying(shop: Shop, checkout: Checkout): Promise<Result<Checkout, Refusal>> {
  if (checkout.status === "awaiting_approval") {
    return ok(checkout);
  }
  const signed = await shop.payee.signCheckout(termsOf(checkout, shop.resource));
  const started = await applyToCheckout(shop.db, checkout.id, { type: "pay_started", signed }, shop.clock());
  if (started.ok) {
    return started;
  }
  // Two presses of the button: the second finds what the first one made.
  const current = await readCheckout(shop.db, checkout.id);
  return current?.status === "awaiting_approval" ? ok(current) : started;
}

async function askApproval(shop: Shop, checkout: Checkout, ctx: ToolContext): Promise<ToolAnswer> {
  const { signed, requestId } = checkout;
  if (signed === null) {
    return refused(refuse("internal_error"));
  }
  const payment = await requirePayment(ctx, requestId === null ? { checkout: signed } : { checkout: signed, requestId });
  switch (payment.outcome) {
    case "refused":
      return refused(payment.refusal);
    case "approved": {
      const settled = await completeCheckout(shop, checkout.id, payment.approval);
      return settled.ok ? conclude(shop, ctx, checkout, settled.value) : refused(settled.error);
    }
    case "challenge": {
      const remembered = await remember(shop, checkout, signed.hash, payment);
      return remembered.ok ? payment.challenge : refused(remembered.error);
    }
  }
}

/** Keeps the request's id and end, and watches it from here on, so that the order completes even if nobody comes back. */
async function remember(
  shop: Shop,
  checkout: Checkout,
  checkoutHash: string,
  request: { readonly requestId: string; readonly expiresAt: number },
): Promise<Result<void, Refusal>> {
  const { requestId, expiresAt } = request;
  if (checkout.requestId === requestId) {
    shop.watchers.watch(checkout);
    return ok(undefined);
  }
  const lodged = await applyToCheckout(shop.db, checkout.id, { type: "lodged", requestId, checkoutHash, expiresAt }, shop.clock());
  if (!lodged.ok) {
    await dropUnwanted(shop, checkout.id, requestId, checkoutHash);
    // It may have been approved and completed between the question and now; the next call tells.
    return err(lodged.error.code === "checkout_not_open" ? refuse("payment_pending") : lodged.error);
  }
  shop.report({ event: "approval_lodged", checkout: checkout.id, request: requestId });
  shop.watchers.watch(lodged.value);
  return ok(undefined);
}

/** While the wallet was asked, the checkout may have been changed or given up: then nobody must be asked to approve what it was. */
async function dropUnwanted(shop: Shop, checkoutId: string, requestId: string, checkoutHash: string): Promise<void> {
  const current = await readCheckout(shop.db, checkoutId);
  const isWanted = current?.signed?.hash === checkoutHash && current.status !== "canceled" && current.status !== "expired";
  if (isWanted) return;
  await insertWithdrawal(shop.db, requestId, shop.clock());
  await shop.withdrawals.begin();
}

function conclude(shop: Shop, ctx: ToolContext, checkout: Checkout, settlement: Settlement): ToolAnswer {
  switch (settlement.outcome) {
    case "unknown":
      return refused(refuse("payment_outcome_unknown"));
    case "refused":
      return refused(settlement.refusal);
    case "captured":
      return tellOrder(shop, ctx, checkout, settlement.order);
  }
}

/**
 * A receipt is for the user who paid, and for the guest whose call was asked for the approval: with a handle, so that they can read it again. Somebody else's
 * token is refused, and a caller without one is asked to sign in.
 */
function tellOrder(shop: Shop, ctx: ToolContext, checkout: Checkout, order: Order): ToolAnswer {
  // A payment that a policy approved was never asked for: then there is no request, and only the payer themselves has the receipt.
  const { requestId } = checkout;
  const isTheirs = requestId === null ? ctx.payer?.subject === order.subject : mayHavePayment(ctx, { requestId, subject: order.subject });
  if (!isTheirs && ctx.subject === undefined) {
    return ctx.challenge(new Set(["orders:read"]), "This is paid. Please sign in to see the receipt.");
  }
  if (!isTheirs) {
    return refused(refuse("not_found"));
  }
  const { total } = order;
  const text = `Paid ${formatMinorUnits(total)} ${total.currency} to ${shop.name}. Order ${order.id}.`;
  const told = { order: viewOrder(order), receipt: receiptOf(order, shop.name) };
  return ctx.subject === undefined ? answer(told, text, { [receiptMetaKey]: { handle: receiptHandle(shop.sealer, order.id) } }) : answer(told, text);
}
