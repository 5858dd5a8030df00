import { isObject } from "@countersign/widget/wire";
import { type Checkout, readCheckout } from "./buying/checkout.ts";
import { type Product, readProduct } from "./buying/product.ts";
import { type Order, type Receipt, readOrder, readReceipt } from "./paying/order.ts";
import { readList } from "./read.ts";

/** Everything of the shop that one answer can carry. */
export interface Answer {
  readonly products?: readonly Product[];
  readonly checkout?: Checkout;
  readonly orders?: readonly Order[];
  readonly order?: Order;
  readonly receipt?: Receipt;
}

/** Reads an answer; what is malformed is left out. */
export function readAnswer(content: unknown): Answer {
  if (!isObject(content)) return {};
  const checkout = readCheckout(content["checkout"]);
  const order = readOrder(content["order"]);
  const receipt = readReceipt(content["receipt"]);
  return {
    ...(Array.isArray(content["products"]) ? { products: readList(content["products"], readProduct) } : {}),
    ...(Array.isArray(content["orders"]) ? { orders: readList(content["orders"], readOrder) } : {}),
    ...(checkout === undefined ? {} : { checkout }),
    ...(order === undefined ? {} : { order }),
    ...(receipt === undefined ? {} : { receipt }),
  };
}
