import { answer, refused } from "@countersign/kit/answer";
import type { App } from "@countersign/kit/app";
import { either } from "@countersign/kit/auth";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import { formatMinorUnits } from "@countersign/protocol/money";
import { err, ok, type Result } from "@countersign/protocol/result";
import { z } from "zod";
import { findProduct } from "../catalogue/products.ts";
import type { CheckoutEvent } from "../checkout/advance.ts";
import { canChange, type Checkout } from "../checkout/checkout.ts";
import { applyToCheckout, readCheckout } from "../checkout/checkout-rows.ts";
import { changeWish, type WishChange } from "../checkout/change-wish.ts";
import { priceCheckout } from "../checkout/price.ts";
import { viewCheckout } from "../checkout/view.ts";
import type { Shop } from "../shop.ts";
import { readAvailability } from "../stock.ts";
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
      const changed = await changeCheckout(shop, checkout_id, version, { items, address, option });
      if (!changed.ok) return refused(changed.error);
      const { total, id } = changed.value;
      shop.report({ event: "checkout_changed", checkout: id, version: changed.value.version });
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
      const canceled = await cancelCheckout(shop, checkout_id);
      return canceled.ok
        ? answer({ checkout: viewCheckout(canceled.value, shop.clock()) }, `Checkout ${checkout_id} is canceled.`)
        : refused(canceled.error);
    },
  );
}

async function changeCheckout(shop: Shop, id: string, version: number | undefined, change: WishChange): Promise<Result<Checkout, Refusal>> {
  const checkout = await readCheckout(shop.db, id);
  if (checkout === undefined) return err(refuse("not_found"));
  const wish = changeWish(checkout, change);
  if (!wish.ok) return wish;
  const price = priceCheckout(wish.value, { findProduct, available: await availableTo(shop, checkout) });
  if (!price.ok) return canChange(checkout.status) ? price : err(refuse("checkout_not_open"));
  // Without a word of the caller, the change is one of what was just read: two at once never lose each other's.
  return apply(shop, id, { type: "changed", price: price.value, from: version ?? checkout.version });
}

/** What can be bought, where the checkout's own reservation counts as free: it is given back with the change. */
async function availableTo(shop: Shop, checkout: Checkout): Promise<ReadonlyMap<string, number>> {
  const available = new Map(await readAvailability(shop.db));
  if (checkout.status === "awaiting_approval") {
    for (const { variant_id, quantity } of checkout.lines) available.set(variant_id, (available.get(variant_id) ?? 0) + quantity);
  }
  return available;
}

async function cancelCheckout(shop: Shop, id: string): Promise<Result<Checkout, Refusal>> {
  const checkout = await readCheckout(shop.db, id);
  if (checkout === undefined) return err(refuse("not_found"));
  if (checkout.status === "canceled") return ok(checkout);
  const canceled = await apply(shop, id, { type: "canceled" });
  if (canceled.ok) shop.report({ event: "checkout_canceled", checkout: id });
  return canceled;
}

/** The withdrawal is noted in the same transaction; the wallet is told at once and nobody waits for it. */
async function apply(shop: Shop, id: string, event: CheckoutEvent): Promise<Result<Checkout, Refusal>> {
  const applied = await applyToCheckout(shop.db, id, event, shop.clock());
  if (applied.ok) await shop.withdrawals.begin();
  return applied;
}
