import { answer, refused } from "@countersign/kit/answer";
import type { App } from "@countersign/kit/app";
import { either } from "@countersign/kit/auth";
import { formatMinorUnits } from "@countersign/protocol/money";
import { z } from "zod";
import { cancelCheckout } from "../checkout/cancel.ts";
import { changeCheckout } from "../checkout/change.ts";
import { findCheckout } from "../checkout/find.ts";
import { viewCheckout } from "../checkout/view.ts";
import type { Shop } from "../shop.ts";
import { refusedGoods } from "./refused-goods.ts";
import * as shapes from "./shapes.ts";

/** Adds the tools that change a checkout or give it up. Either ends what the wallet is asked to approve: an approval of what it was is not taken any more. */
export function addChangeTools(app: App, shop: Shop): void {
  app.tool(
    "update_checkout",
    {
      title: "Change checkout",
      description:
        "Changes items, address or shipping of a checkout that is not paid, and prices it anew under a new version. A payment that is being approved is withdrawn; call `pay` again. What is left out stays as it is; `items` replaces all items.",
      input: z.object({
        checkout_id: shapes.checkoutId,
        version: z.int().min(1).optional().describe("The version that the change starts from; refused when it is another one by now"),
        items: shapes.wantedItems.optional(),
        address: shapes.address.optional(),
        shipping_option: shapes.shippingOption.optional(),
      }),
      output: z.object({ checkout: shapes.checkout }),
      auth: either(),
      ui: "shop",
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    },
    async ({ checkout_id, version, items, address, shipping_option: option }) => {
      const found = await findCheckout(shop, checkout_id, null);
      const changed = found.ok ? await changeCheckout(shop, found.value, { items, address, option }, version) : found;
      if (!changed.ok) return refusedGoods(changed.error);
      const { total, id } = changed.value;
      const text = `Checkout ${id} is now over ${formatMinorUnits(total)} ${total.currency}, version ${changed.value.version}.`;
      return answer({ checkout: viewCheckout(changed.value, shop.clock()) }, text);
    },
  );

  app.tool(
    "cancel_checkout",
    {
      title: "Cancel checkout",
      description:
        "Gives up a checkout that is not paid: its goods go back to the shelf and a payment that is being approved is withdrawn. One that is paid, or being charged, is refused. Canceling twice is canceling once.",
      input: z.object({ checkout_id: shapes.checkoutId }),
      output: z.object({ checkout: shapes.checkout }),
      auth: either(),
      ui: "shop",
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    },
    async ({ checkout_id }) => {
      const found = await findCheckout(shop, checkout_id, null);
      const canceled = found.ok ? await cancelCheckout(shop, found.value) : found;
      return canceled.ok
        ? answer({ checkout: viewCheckout(canceled.value, shop.clock()) }, `Checkout ${checkout_id} is canceled.`)
        : refused(canceled.error);
    },
  );
}
