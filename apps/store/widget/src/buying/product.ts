import { isObject } from "@countersign/widget/wire";
import { type Money, readMoney, texts } from "../read.ts";

/** A product as the shop's tools answer it, as far as the view shows it. */
export interface Product {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly price: Money;
  readonly image: string;
  readonly category: string;
  readonly stock: number;
}

/** Reads a product; undefined for what is none. */
export function readProduct(value: unknown): Product | undefined {
  if (!isObject(value)) return undefined;
  const price = readMoney(value["price"]);
  const stock = value["stock"];
  const [id, title, description, image, category] = texts(value, ["id", "title", "description", "image", "category"]);
  if (id === undefined || title === undefined || price === undefined || typeof stock !== "number") return undefined;
  return { id, title, description: description ?? "", price, image: image ?? "", category: category ?? "", stock };
}
