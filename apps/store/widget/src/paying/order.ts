import { isObject } from "@countersign/widget/wire";
import { type Bill, readBill } from "../bill.ts";
import { type Money, readList, readMoney, texts } from "../read.ts";

/** How an order stands with its money. */
export type OrderStatus = "complete" | "partly_refunded" | "refunded";

/** Money that was given back, or is on its way: `pending` until the bank has said. */
export interface Refund {
  readonly id: string;
  readonly status: "pending" | "done" | "refused";
  readonly amount: Money;
  readonly createdAt: number;
}

export interface Order extends Bill {
  readonly id: string;
  readonly checkoutId: string;
  readonly status: OrderStatus;
  readonly createdAt: number;
  readonly paymentId: string;
  /** Of the total. */
  readonly refunded: Money;
  /** The oldest first; only where one order is looked at. */
  readonly refunds: readonly Refund[];
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
  const [id, checkoutId, status, createdAt] = texts(value, ["id", "checkout_id", "status", "created_at"]);
  const payment = value["payment"];
  if (id === undefined || bill === undefined) return undefined;
  return {
    id,
    ...bill,
    checkoutId: checkoutId ?? "",
    status: orderStatuses.find((each) => each === status) ?? "complete",
    createdAt: Date.parse(createdAt ?? ""),
    paymentId: isObject(payment) ? (texts(payment, ["id"])[0] ?? "") : "",
    refunded: readMoney(value["refunded"]) ?? { amount: 0, currency: bill.total.currency },
    refunds: readList(value["refunds"], readRefund),
  };
}

/** Reads a refund; undefined for what is none. */
export function readRefund(value: unknown): Refund | undefined {
  if (!isObject(value)) return undefined;
  const amount = readMoney(value["amount"]);
  const [id, told, createdAt] = texts(value, ["id", "status", "created_at"]);
  const status = refundStatuses.find((each) => each === told);
  return id === undefined || amount === undefined || status === undefined
    ? undefined
    : { id, status, amount, createdAt: Date.parse(createdAt ?? "") };
}

/** Reads a receipt; undefined for what is none. */
export function readReceipt(value: unknown): Receipt | undefined {
  if (!isObject(value)) return undefined;
  const total = readMoney(value["total"]);
  const [number, payee, paidAt, paidWith] = texts(value, ["number", "payee", "paid_at", "paid_with"]);
  if (number === undefined || payee === undefined || total === undefined) return undefined;
  return { number, payee, total, paidAt: Date.parse(paidAt ?? ""), paidWith: paidWith ?? "", humanPresent: value["human_present"] === true };
}

const orderStatuses: readonly OrderStatus[] = ["complete", "partly_refunded", "refunded"];
const refundStatuses: readonly Refund["status"][] = ["pending", "done", "refused"];
