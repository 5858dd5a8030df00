import { answer, refused, type ToolAnswer } from "@countersign/kit/answer";
import type { App } from "@countersign/kit/app";
import { oauth2 } from "@countersign/kit/auth";
import type { ToolContext } from "@countersign/kit/context";
import { requireRefund } from "@countersign/kit/payment/require-payment";
import { refuse } from "@countersign/protocol/errors";
import { formatMinorUnits } from "@countersign/protocol/money";
import { paymentRequestIdOf } from "@countersign/protocol/scope";
import { z } from "zod";
import { viewOrder } from "../orders/order.ts";
import { readOrder } from "../orders/order-rows.ts";
import { beginRefund } from "../refunds/begin-refund.ts";
import { type Refund, viewRefund } from "../refunds/refund.ts";
import { keepRefundRequest, readRefund, readRefundsOf } from "../refunds/refund-rows.ts";
import type { Shop } from "../shop.ts";
import * as shapes from "./shapes.ts";

/** A key is of one client, and so is the refund that is known by it. */
function keyOf({ clientId, idempotencyKey }: ToolContext): string | undefined {
  return idempotencyKey === undefined ? undefined : JSON.stringify([clientId ?? null, idempotencyKey]);
}

function requestsOf({ asked, payer }: ToolContext): readonly string[] {
  const named = [...(payer?.scope ?? [])].map(paymentRequestIdOf).filter((id) => id !== undefined);
  return asked === undefined ? named : [asked.requestId, ...named];
}

/** Asks the user; undefined when they said yes. The wallet's request is kept, so that their yes counts whoever comes back. */
async function askApproval(shop: Shop, refund: Refund, ctx: ToolContext): Promise<ToolAnswer | undefined> {
  const { id, signed, requestId } = refund;
  if (signed === null) return refused(refuse("internal_error"));
  const outcome = await requireRefund(ctx, requestId === null ? { checkout: signed } : { checkout: signed, requestId });
  if (outcome.outcome !== "refused" && outcome.requestId !== requestId) await keepRefundRequest(shop.db, id, outcome.requestId);
  if (outcome.outcome === "challenge") return outcome.challenge;
  return outcome.outcome === "refused" ? refused(outcome.refusal) : undefined;
}

/** Adds the tool that gives money back to whoever paid, and to nobody else. A guest signs in with the account that paid: a receipt's handle only reads. */
export function addRefundTool(app: App, shop: Shop): void {
  app.tool(
    "refund_order",
    {
      title: "Refund order",
      description:
        "Gives the user their money back for one of their own orders: all that is left, or `amount_minor` of it. It goes to the account that paid. Over a limit of the shop the user approves it with a passkey in their wallet first. Repeating the call with the same `refunded_minor` is safe: it is one refund.",
      input: z.object({
        order_id: shapes.orderId,
        amount_minor: z.int().min(1).optional().describe("Minor units of the order's currency; left out: all that was not refunded yet"),
        refunded_minor: z.int().min(0).optional().describe("What the order said was refunded before this; refused when it is more by now"),
        reason: shapes.refundReason.optional(),
      }),
      output: z.object({ order: shapes.order, refund: shapes.refund }),
      auth: oauth2("orders:write"),
      ui: "shop",
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
      idempotency: shop.answers,
    },
    async ({ order_id, amount_minor: amount, refunded_minor: seen, reason }, ctx) => {
      const order = ctx.subject === undefined ? undefined : await readOrder(shop.db, ctx.subject, order_id);
      if (order === undefined) return refused(refuse("not_found"));
      const begun = await beginRefund(shop, order, { amount, seen, reason, key: keyOf(ctx), requests: requestsOf(ctx) });
      if (!begun.ok) return refused(begun.error);
      const asked = begun.value.state === "awaiting_approval" ? await askApproval(shop, begun.value, ctx) : undefined;
      if (asked !== undefined) return asked;
      const settled = await shop.refunder.settle(begun.value.id);
      if (settled.outcome === "refused") return refused(settled.refusal);
      const refund = (await readRefund(shop.db, begun.value.id)) ?? begun.value;
      const current = (await readOrder(shop.db, order.subject, order.id)) ?? order;
      const told = { order: viewOrder(current, await readRefundsOf(shop.db, order.paymentId)), refund: viewRefund(refund) };
      const sum = `${formatMinorUnits(refund.amount)} ${refund.amount.currency}`;
      return settled.outcome === "done"
        ? answer(told, `Refunded ${sum} of order ${order.id}.`)
        : answer(
            told,
            `The refund of ${sum} of order ${order.id} is on its way: the bank has not confirmed it yet. It is made once; nothing needs to be repeated.`,
          );
    },
  );
}
