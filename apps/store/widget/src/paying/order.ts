import { isObject } from "@countersign/widget/wire";
import { type Bill, readBill } from "../bill.ts";
import { type Money, readMoney, texts } from "../read.ts";

export interface Order extends Bill {
  readonly id: string;
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

/** Reads an order; undefined for what is none. */
export function readOrder(value: unknown): Order | undefined {
  if (!isObject(value)) return undefined;
  const bill = readBill(value);
  const [id, createdAt] = texts(value, ["id", "created_at"]);
  const payment = value["payment"];
  if (id === undefined || bill === undefined) return undefined;
  const paymentId = isObject(payment) ? (texts(payment, ["id"])[0] ?? "") : "";
  return { id, ...bill, createdAt: Date.parse(createdAt ?? ""), paymentId };
}

/** Reads a receipt; undefined for what is none. */
export function readReceipt(value: unknown): Receipt | undefined {
  if (!isObject(value)) return undefined;
  const total = readMoney(value["total"]);
  const [number, payee, paidAt, paidWith] = texts(value, ["number", "payee", "paid_at", "paid_with"]);
  if (number === undefined || payee === undefined || total === undefined) return undefined;
  return { number, payee, total, paidAt: Date.parse(paidAt ?? ""), paidWith: paidWith ?? "", humanPresent: value["human_present"] === true };
}
