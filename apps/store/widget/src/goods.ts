import { isObject, type JsonObject } from "@countersign/widget/wire";

/** What the shop's tools answer, as far as the view shows it. Sums are minor units and ISO 4217. */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}

export interface Product {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly price: Money;
  readonly image: string;
  readonly category: string;
  readonly stock: number;
}

export interface Line {
  readonly productId: string;
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

export interface Checkout {
  readonly id: string;
  readonly status: string;
  readonly lines: readonly Line[];
  readonly extras: readonly Extra[];
  readonly total: Money;
  readonly expiresAt: number;
}

export interface Order {
  readonly id: string;
  readonly lines: readonly Line[];
  readonly extras: readonly Extra[];
  readonly total: Money;
  readonly createdAt: number;
  readonly paymentId: string;
}

export interface Receipt {
  readonly number: string;
  readonly payee: string;
  readonly total: Money;
  readonly paidAt: number;
  readonly paidWith: string;
  readonly humanPresent: boolean;
}

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

function readProduct(value: unknown): Product | undefined {
  if (!isObject(value)) return undefined;
  const price = readMoney(value["price"]);
  const stock = value["stock"];
  const [id, title, description, image, category] = texts(value, ["id", "title", "description", "image", "category"]);
  if (id === undefined || title === undefined || price === undefined || typeof stock !== "number") return undefined;
  return { id, title, description: description ?? "", price, image: image ?? "", category: category ?? "", stock };
}

function readCheckout(value: unknown): Checkout | undefined {
  if (!isObject(value)) return undefined;
  const total = readMoney(value["total"]);
  const [id, status, expiresAt] = texts(value, ["id", "status", "expires_at"]);
  if (id === undefined || status === undefined || total === undefined) return undefined;
  return { id, status, lines: readList(value["items"], readLine), extras: readExtras(value), total, expiresAt: Date.parse(expiresAt ?? "") };
}

function readOrder(value: unknown): Order | undefined {
  if (!isObject(value)) return undefined;
  const total = readMoney(value["total"]);
  const [id, createdAt] = texts(value, ["id", "created_at"]);
  const payment = value["payment"];
  if (id === undefined || total === undefined) return undefined;
  const paymentId = isObject(payment) ? (texts(payment, ["id"])[0] ?? "") : "";
  return { id, total, lines: readList(value["items"], readLine), extras: readExtras(value), createdAt: Date.parse(createdAt ?? ""), paymentId };
}

function readReceipt(value: unknown): Receipt | undefined {
  if (!isObject(value)) return undefined;
  const total = readMoney(value["total"]);
  const [number, payee, paidAt, paidWith] = texts(value, ["number", "payee", "paid_at", "paid_with"]);
  if (number === undefined || payee === undefined || total === undefined) return undefined;
  return { number, payee, total, paidAt: Date.parse(paidAt ?? ""), paidWith: paidWith ?? "", humanPresent: value["human_present"] === true };
}

function readLine(value: unknown): Line | undefined {
  if (!isObject(value)) return undefined;
  const amount = readMoney(value["amount"]);
  const quantity = value["quantity"];
  const [productId, title] = texts(value, ["product_id", "title"]);
  if (title === undefined || amount === undefined || typeof quantity !== "number") return undefined;
  return { productId: productId ?? "", title, quantity, amount };
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
  return { label: `${isContained ? "Including " : ""}${name} ${rate / 100} %`, amount, isContained };
}

function readMoney(value: unknown): Money | undefined {
  if (!isObject(value)) return undefined;
  const { amount, currency } = value;
  return typeof amount === "number" && Number.isSafeInteger(amount) && typeof currency === "string" ? { amount, currency } : undefined;
}

function readList<T>(value: unknown, read: (item: unknown) => T | undefined): readonly T[] {
  return Array.isArray(value) ? value.map(read).filter((item) => item !== undefined) : [];
}

function texts(value: JsonObject, names: readonly string[]): readonly (string | undefined)[] {
  return names.map((name) => {
    const text = value[name];
    return typeof text === "string" ? text : undefined;
  });
}
