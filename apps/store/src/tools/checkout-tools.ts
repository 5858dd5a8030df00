import { answer, refused } from "@countersign/kit/answer";
import type { App } from "@countersign/kit/app";
import { either } from "@countersign/kit/auth";
import { formatMinorUnits } from "@countersign/protocol/money";
import { z } from "zod";
import { createCheckout } from "../checkout/create.ts";
import { findCheckout } from "../checkout/find.ts";
import { viewCheckout, viewPast } from "../checkout/view.ts";
import type { Shop } from "../shop.ts";
import { refusedGoods } from "./refused-goods.ts";
import * as shapes from "./shapes.ts";

/** Adds the tools that make and read a checkout. Its id is unguessable, and knowing it is the right to read it. */
export function addCheckoutTools(app: App, shop: Shop): void {
  app.tool(
    "create_checkout",
    {
      title: "Create checkout",
      description:
        "Prices a set of products for buying: goods, shipping and tax. Without an address the order is collected at the shop. Nothing is charged: the user approves the payment in their wallet when `pay` is called with the checkout's id.",
      input: z.object({ items: shapes.wantedItems, address: shapes.address.optional(), shipping_option: shapes.shippingOption.optional() }),
      output: z.object({ checkout: shapes.checkout }),
      auth: either(),
      ui: "shop",
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
      idempotency: shop.answers,
    },
    async ({ items, address = null, shipping_option: option }) => {
      const created = await createCheckout(shop, { items, address, option }, null);
      if (!created.ok) {
        return refusedGoods(created.error);
      }
      const checkout = created.value;
      const { total } = checkout;
      return answer(
        { checkout: viewCheckout(checkout, shop.clock()) },
        `Checkout ${checkout.id} over ${formatMinorUnits(total)} ${total.currency} is ready to pay.`,
      );
    },
  );

  app.tool(
    "get_checkout",
    {
      title: "Checkout status",
      description: "Reads a checkout: items, shipping, tax, total, whether it is paid, and what it was in earlier versions.",
      input: z.object({ checkout_id: shapes.checkoutId }),
      output: z.object({ checkout: shapes.checkout, past_versions: z.array(shapes.pastVersion) }),
      auth: either(),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async ({ checkout_id }) => {
      const found = await findCheckout(shop, checkout_id, null);
      return found.ok ? answer({ checkout: viewCheckout(found.value, shop.clock()), past_versions: viewPast(found.value) }) : refused(found.error);
    },
  );
}
