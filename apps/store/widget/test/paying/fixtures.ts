import type { Checkout } from "../../src/buying/checkout.ts";
import type { Order, Receipt } from "../../src/paying/order.ts";
import type { ShopEvent, ShopState, ShopStep } from "../../src/shop-state.ts";
import { emptyShop, stepShop } from "../../src/step-shop.ts";
import { checkoutOf } from "../buying/examples.ts";

export const price = { amount: 1890, currency: "EUR" };
export const checkout: Checkout = checkoutOf({ lines: [], total: price });
export const order: Order = {
  id: "ord_1",
  checkoutId: "chk_1",
  status: "complete",
  lines: [],
  extras: [],
  total: price,
  createdAt: 0,
  paymentId: "pay_1",
  refunded: { amount: 0, currency: "EUR" },
  refunds: [],
};
export const receipt: Receipt = { number: "ord_1", payee: "Harbour Goods", total: price, paidAt: 0, paidWith: "", humanPresent: true };

/** What events make of a state, one after the other. */
export function play(state: ShopState, ...events: readonly ShopEvent[]): ShopStep {
  return events.reduce<ShopStep>((step, event) => stepShop(step.state, event), { state, next: undefined });
}

export const onCheckout: ShopState = { ...emptyShop, screen: "checkout", checkout };
