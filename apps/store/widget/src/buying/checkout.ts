import { isObject } from "@countersign/widget/wire";
import { type Bill, readBill } from "../bill.ts";
import { texts } from "../read.ts";

/** An order before it is paid. */
export interface Checkout extends Bill {
  readonly id: string;
  readonly status: string;
  /** Milliseconds since 1970; NaN where the shop does not say. */
  readonly expiresAt: number;
  /** Why the last try to pay ended, by its code. */
  readonly lastRefusal: string | undefined;
}

/** Reads a checkout; undefined for what is none. */
export function readCheckout(value: unknown): Checkout | undefined {
  if (!isObject(value)) return undefined;
  const bill = readBill(value);
  const [id, status, expiresAt, lastRefusal] = texts(value, ["id", "status", "expires_at", "last_refusal"]);
  if (id === undefined || status === undefined || bill === undefined) return undefined;
  return { id, status, ...bill, expiresAt: Date.parse(expiresAt ?? ""), lastRefusal };
}
