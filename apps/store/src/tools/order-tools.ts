import { answer, refused } from "@countersign/kit/answer";
import type { App } from "@countersign/kit/app";
import { either, oauth2 } from "@countersign/kit/auth";
import { refuse } from "@countersign/protocol/errors";
import { z } from "zod";
import { receiptOf, viewOrder } from "../orders/order.ts";
import { readAnyOrder, readOrder, readOrders } from "../orders/order-rows.ts";
import { orderOfReceipt } from "../orders/receipt-handle.ts";
import { readRefundsOf } from "../refunds/refund-rows.ts";
import type { Shop } from "../shop.ts";
import * as shapes from "./shapes.ts";

const pageSizeMax = 50;

/** Adds the tools that show a signed-in user their own orders, and nobody else's. */
export function addOrderTools(app: App, shop: Shop): void {
  app.tool(
    "list_orders",
    {
      title: "My orders",
      description: "Lists the signed-in user's orders, newest first.",
      input: z.object({ limit: z.int().min(1).max(pageSizeMax).optional(), cursor: shapes.orderId.optional() }),
      output: z.object({ orders: z.array(shapes.order), nextCursor: z.string().optional() }),
      auth: oauth2("orders:read"),
      ui: "shop",
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async ({ limit, cursor }, ctx) => {
      const page = await readOrders(shop.db, ctx.subject ?? "", limit ?? pageSizeMax, cursor);
      if (!page.ok) {
        return refused(page.error);
      }
      return answer({ ...page.value, orders: page.value.orders.map((order) => viewOrder(order)) });
    },
  );

  app.tool(
    "get_order",
    {
      title: "Order details",
      description: "Reads one of the signed-in user's orders with its receipt. A guest reads the order that they paid in the shop's view.",
      input: z.object({ order_id: shapes.orderId, receipt_handle: shapes.receiptHandle.optional() }),
      output: z.object({ order: shapes.order, receipt: shapes.receipt }),
      auth: either("orders:read"),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async ({ order_id, receipt_handle }, ctx) => {
      const isSignedIn = ctx.subject !== undefined && ctx.scope.has("orders:read");
      if (receipt_handle === undefined && !isSignedIn) {
        return ctx.challenge(new Set(["orders:read"]));
      }
      const mayRead = receipt_handle !== undefined && orderOfReceipt(shop.sealer, receipt_handle) === order_id;
      const order = mayRead ? await readAnyOrder(shop.db, order_id) : isSignedIn ? await readOrder(shop.db, ctx.subject, order_id) : undefined;
      if (order === undefined) return refused(refuse("not_found"));
      const refunds = await readRefundsOf(shop.db, order.paymentId);
      return answer({ order: viewOrder(order, refunds), receipt: receiptOf(order, shop.name) });
    },
  );
}
