import { isObject } from "@countersign/widget/wire";
import { type Bill, readBill } from "../bill.ts";
import { type Money, readList, readMoney, texts } from "../read.ts";
import { type Address, readAddress } from "./address.ts";

/** One way to get the goods, and what it costs for this checkout. */
export interface Offer {
  readonly id: string;
  readonly title: string;
  readonly amount: Money;
}

/** A country that the shop sends to; where it has regions, an address names one. */
export interface Destination {
  readonly country: string;
  readonly regions: readonly { readonly code: string; readonly name: string }[];
}

/** An order before it is paid. While it is open it is what other shops call the cart, and every figure is the shop's. */
export interface Checkout extends Bill {
  readonly id: string;
  /** Grows with each change of the terms. */
  readonly version: number;
  readonly status: string;
  readonly address: Address | undefined;
  /** The offer that is chosen. */
  readonly option: string;
  readonly offers: readonly Offer[];
  readonly destinations: readonly Destination[];
  /** Milliseconds since 1970; NaN where the shop does not say. */
  readonly expiresAt: number;
  /** Why the last try to pay ended, by its code. */
  readonly lastRefusal: string | undefined;
}

/** The offer that needs no address. */
export const collectId = "collect";

/** Says whether a checkout can still be changed, canceled and paid. */
export function isOpen({ status }: Checkout): boolean {
  return status === "priced" || status === "awaiting_approval";
}

/** How many things are in a checkout. */
export function countOf({ lines }: Checkout): number {
  return lines.reduce((sum, line) => sum + line.quantity, 0);
}

/** Reads a checkout; undefined for what is none. */
export function readCheckout(value: unknown): Checkout | undefined {
  if (!isObject(value)) return undefined;
  const bill = readBill(value);
  const { version, shipping } = value;
  const [id, status, expiresAt, lastRefusal] = texts(value, ["id", "status", "expires_at", "last_refusal"]);
  if (id === undefined || status === undefined || bill === undefined) return undefined;
  return {
    id,
    version: typeof version === "number" ? version : 1,
    status,
    ...bill,
    address: isObject(shipping) ? readAddress(shipping["address"]) : undefined,
    option: (isObject(shipping) ? texts(shipping, ["option"])[0] : undefined) ?? "",
    offers: readList(value["shipping_options"], readOffer),
    destinations: readList(value["destinations"], readDestination),
    expiresAt: Date.parse(expiresAt ?? ""),
    lastRefusal,
  };
}

function readOffer(value: unknown): Offer | undefined {
  if (!isObject(value)) return undefined;
  const amount = readMoney(value["amount"]);
  const [id, title] = texts(value, ["id", "title"]);
  return id === undefined || title === undefined || amount === undefined ? undefined : { id, title, amount };
}

function readDestination(value: unknown): Destination | undefined {
  if (!isObject(value)) return undefined;
  const [country] = texts(value, ["country"]);
  return country === undefined ? undefined : { country, regions: readList(value["regions"], readRegion) };
}

function readRegion(value: unknown): Destination["regions"][number] | undefined {
  if (!isObject(value)) return undefined;
  const [code, name] = texts(value, ["code", "name"]);
  return code === undefined ? undefined : { code, name: name ?? code };
}
