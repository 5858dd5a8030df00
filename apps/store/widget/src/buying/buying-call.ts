import type { JsonObject } from "@countersign/widget/wire";
import type { ToolCall } from "../tool-call.ts";
import { type Address, writeAddress } from "./address.ts";
import type { BuyingAction, BuyingState } from "./buying-state.ts";
import { changeArgs, itemsOf } from "./change.ts";
import { type Checkout, collectId, isOpen } from "./checkout.ts";

/** The tool that an action calls. Goods go into the open checkout where there is one; each change names the version that it starts from. */
export function buyingCall(action: BuyingAction, { checkout, lastAddress }: BuyingState): ToolCall {
  switch (action.type) {
    case "browse":
      return {
        name: "browse_products",
        args: { ...(action.query === "" ? {} : { query: action.query }), ...(action.category === "" ? {} : { category: action.category }) },
        idempotent: true,
      };
    case "look":
      return { name: "get_product", args: { product_id: action.productId }, idempotent: true };
    case "buy":
      return checkout === undefined || !isOpen(checkout)
        ? { name: "create_checkout", args: { items: itemsOf([action]) }, idempotent: false }
        : { name: "update_checkout", args: addArgs(checkout, action), idempotent: false };
    case "again":
      return { name: "create_checkout", args: againArgs(action.checkout, lastAddress), idempotent: false };
    case "change":
      return {
        name: "update_checkout",
        args: checkout === undefined ? { checkout_id: action.checkoutId } : changeArgs(checkout, action.change),
        idempotent: false,
      };
    case "cancel":
      return { name: "cancel_checkout", args: { checkout_id: action.checkoutId }, idempotent: true };
  }
}

function addArgs({ id, version, lines }: Checkout, { productId, variantId, quantity }: BuyingAction & { readonly type: "buy" }): JsonObject {
  const same = lines.find((line) => line.variantId === variantId);
  const others = lines.filter((line) => line !== same);
  const added = { productId, variantId, quantity: quantity + (same?.quantity ?? 0) };
  return { checkout_id: id, version, items: itemsOf(same === undefined ? [...lines, added] : [...others, added]) };
}

/** An order that is over does not name its address any more; one that was collected needs none. */
function againArgs({ lines, option }: Checkout, address: Address | undefined): JsonObject {
  const items = itemsOf(lines);
  return option === collectId || address === undefined ? { items } : { items, address: writeAddress(address), shipping_option: option };
}
