import { answer, refused, type ToolAnswer } from "@countersign/kit/answer";
import type { App } from "@countersign/kit/app";
import { either } from "@countersign/kit/auth";
import type { ToolContext } from "@countersign/kit/context";
import { mayHavePayment, requirePayment } from "@countersign/kit/payment/require-payment";
import { refuse } from "@countersign/protocol/errors";
import { formatMinorUnits } from "@countersign/protocol/money";
import { z } from "zod";
import { canChange, type Checkout } from "../checkout/checkout.ts";
import { findCheckout } from "../checkout/find.ts";
import { type Order, receiptOf, viewOrder } from "../orders/order.ts";
import { receiptHandle, receiptMetaKey } from "../orders/receipt-handle.ts";
import { payCheckout } from "../payment/pay.ts";
import type { Shop } from "../shop.ts";
import { refusedGoods } from "./refused-goods.ts";
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
        input: z.object({
          checkout_id: shapes.checkoutId,
          version: z.int().min(1).optional().describe("The version that the user saw; refused when the terms are others by now"),
        }),
        output: z.object({ order: shapes.order, receipt: shapes.receipt }),
        auth: either(),
        ui: "shop",
        annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
      },
      async ({ checkout_id, version }, ctx) => {
        const found = await findCheckout(shop, checkout_id, null);
        return found.ok ? pay(shop, found.value, version, ctx) : refused(found.error);
      },
    );
  }
}

async function pay(shop: Shop, checkout: Checkout, seen: number | undefined, ctx: ToolContext): Promise<ToolAnswer> {
  if (checkout.status === "priced" && ctx.asked !== undefined) {
    // What this call was asked to approve has ended; new terms are for a new call.
    return refused(refuse(checkout.lastRefusal ?? "payment_request_expired"));
  }
  // Nobody is asked to approve another sum than the one they pressed the button under.
  if (seen !== undefined && seen !== checkout.version && canChange(checkout.status)) {
    return refused(refuse("conflict", "the checkout has another version"));
  }
  const paid = await payCheckout(shop, checkout, (demand) => requirePayment(ctx, demand));
  switch (paid.outcome) {
    case "paid":
      return tellOrder(shop, ctx, paid.checkout, paid.order);
    case "asked":
      return paid.challenge;
    case "unknown":
      return refused(refuse("payment_outcome_unknown"));
    case "refused":
      return refusedGoods(paid.refusal);
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
  const how = order.humanPresent ? "" : " A policy of the buyer's approved it; they were not asked.";
  const text = `Paid ${formatMinorUnits(total)} ${total.currency} to ${shop.name}. Order ${order.id}.${how}`;
  const told = { order: viewOrder(order), receipt: receiptOf(order, shop.name) };
  return ctx.subject === undefined ? answer(told, text, { [receiptMetaKey]: { handle: receiptHandle(shop.sealer, order.id) } }) : answer(told, text);
}
