import { isObject } from "@countersign/widget/wire";
import { type Checkout, readCheckout } from "./buying/checkout.ts";
import { type Product, readProduct } from "./buying/product.ts";
import { type Order, type Receipt, type Refund, readOrder, readReceipt, readRefund } from "./paying/order.ts";
import { readList, texts } from "./read.ts";

/** Everything of the shop that one answer can carry. */
export interface Answer {
  readonly products?: readonly Product[];
  readonly product?: Product;
  readonly checkout?: Checkout;
  readonly orders?: readonly Order[];
  readonly order?: Order;
  readonly receipt?: Receipt;
  readonly refund?: Refund;
  /** Where a list goes on. */
  readonly nextCursor?: string;
  /** The right to read the order again without signing in. It comes beside what the model sees. */
  readonly receiptHandle?: string;
}

/** Reads an answer and what came beside it, hidden from the model; what is malformed is left out. */
export function readAnswer(content: unknown, meta?: unknown): Answer {
  if (!isObject(content)) return {};
  const product = readProduct(content["product"]);
  const checkout = readCheckout(content["checkout"]);
  const order = readOrder(content["order"]);
  const receipt = readReceipt(content["receipt"]);
  const refund = readRefund(content["refund"]);
  const [nextCursor] = texts(content, ["nextCursor"]);
  const beside = isObject(meta) ? meta["store/receipt"] : undefined;
  const [receiptHandle] = isObject(beside) ? texts(beside, ["handle"]) : [];
  return {
    ...(Array.isArray(content["products"]) ? { products: readList(content["products"], readProduct) } : {}),
    ...(Array.isArray(content["orders"]) ? { orders: readList(content["orders"], readOrder) } : {}),
    ...(product === undefined ? {} : { product }),
    ...(checkout === undefined ? {} : { checkout }),
    ...(order === undefined ? {} : { order }),
    ...(receipt === undefined ? {} : { receipt }),
    ...(refund === undefined ? {} : { refund }),
    ...(nextCursor === undefined ? {} : { nextCursor }),
    ...(receiptHandle === undefined ? {} : { receiptHandle }),
  };
}
