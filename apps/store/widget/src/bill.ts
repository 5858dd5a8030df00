import { isObject, type JsonObject } from "@countersign/widget/wire";
import { type Money, readList, readMoney, texts } from "./read.ts";

export interface Line {
  readonly productId: string;
  readonly variantId: string;
  /** The name of a picture that ships with the view; empty where the shop names none. */
  readonly image: string;
  readonly title: string;
  readonly quantity: number;
  readonly amount: Money;
}

/** What stands below the lines: shipping, and a tax that is added to them or contained in them. */
export interface Extra {
  readonly label: string;
  readonly amount: Money;
  readonly isContained: boolean;
}

/** What a checkout and an order have in common: everything that adds up to the total. */
export interface Bill {
  readonly lines: readonly Line[];
  readonly extras: readonly Extra[];
  readonly total: Money;
}

/** Reads the bill of a checkout or an order; undefined for what has no total. */
export function readBill(value: JsonObject): Bill | undefined {
  const total = readMoney(value["total"]);
  return total === undefined ? undefined : { lines: readList(value["items"], readLine), extras: readExtras(value), total };
}

function readLine(value: unknown): Line | undefined {
  if (!isObject(value)) return undefined;
  const amount = readMoney(value["amount"]);
  const quantity = value["quantity"];
  const [productId = "", variantId = productId, title, image = ""] = texts(value, ["product_id", "variant_id", "title", "image"]);
  if (title === undefined || amount === undefined || typeof quantity !== "number") return undefined;
  return { productId, variantId, image, title, quantity, amount };
}

function readExtras({ shipping, tax }: JsonObject): readonly Extra[] {
  return [readShipping(shipping), readTax(tax)].filter((extra) => extra !== undefined);
}

function readShipping(value: unknown): Extra | undefined {
  if (!isObject(value)) return undefined;
  const amount = readMoney(value["amount"]);
  const [title] = texts(value, ["title"]);
  const address = isObject(value["address"]) ? texts(value["address"], ["city"])[0] : undefined;
  if (amount === undefined || title === undefined) return undefined;
  return { label: address === undefined ? title : `${title} to ${address}`, amount, isContained: false };
}

/** A tax of nothing is not worth a line. */
function readTax(value: unknown): Extra | undefined {
  if (!isObject(value)) return undefined;
  const amount = readMoney(value["amount"]);
  const [name] = texts(value, ["name"]);
  const { rate, included } = value;
  if (amount === undefined || amount.amount === 0 || name === undefined || typeof rate !== "number") return undefined;
  const isContained = included === true;
  return { label: `${isContained ? "Including " : "Plus "}${name} ${rate / 100} %`, amount, isContained };
}
