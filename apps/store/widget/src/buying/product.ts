import { isObject } from "@countersign/widget/wire";
import { type Money, readList, readMoney, texts } from "../read.ts";

/** What tells a variant apart from its siblings: each choice by its name, such as `size` or `colour`. */
export type Choices = Readonly<Record<string, string>>;

export interface Variant {
  readonly id: string;
  readonly title: string;
  readonly choices: Choices;
  readonly price: Money;
  readonly image: string;
  readonly stock: number;
}

/** One choice with its values, in the shop's order. */
export interface Option {
  readonly name: string;
  readonly values: readonly string[];
}

/** A product as the shop's tools answer it, as far as the view shows it. */
export interface Product {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly price: Money;
  readonly image: string;
  readonly category: string;
  readonly stock: number;
  readonly options: readonly Option[];
  /** What can be bought; the first one is what the product's own price, picture and stock are of. */
  readonly variants: readonly [Variant, ...Variant[]];
}

/** Reads a product; undefined for what is none. One without readable variants is its only one. */
export function readProduct(value: unknown): Product | undefined {
  if (!isObject(value)) return undefined;
  const price = readMoney(value["price"]);
  const stock = value["stock"];
  const [id, title, description = "", image = "", category = ""] = texts(value, ["id", "title", "description", "image", "category"]);
  if (id === undefined || title === undefined || price === undefined || typeof stock !== "number") return undefined;
  const [first = { id, title, choices: {}, price, image, stock }, ...others] = readList(value["variants"], readVariant);
  const options = readList(value["options"], readOption);
  return { id, title, description, price, image, category, stock, options, variants: [first, ...others] };
}

function readVariant(value: unknown): Variant | undefined {
  if (!isObject(value)) return undefined;
  const price = readMoney(value["price"]);
  const { stock } = value;
  const [id, title, image = ""] = texts(value, ["id", "title", "image"]);
  if (id === undefined || title === undefined || price === undefined || typeof stock !== "number") return undefined;
  return { id, title, choices: readChoices(value["choices"]), price, image, stock };
}

function readChoices(value: unknown): Choices {
  const entries = isObject(value) ? Object.entries(value) : [];
  return Object.fromEntries(entries.flatMap(([name, text]) => (typeof text === "string" ? [[name, text]] : [])));
}

function readOption(value: unknown): Option | undefined {
  if (!isObject(value)) return undefined;
  const [name] = texts(value, ["name"]);
  const values = readList(value["values"], (each) => (typeof each === "string" ? each : undefined));
  return name === undefined || values.length === 0 ? undefined : { name, values };
}
