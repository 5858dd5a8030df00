import { isObject, type JsonObject } from "@countersign/widget/wire";

/** Minor units and ISO 4217. */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}

/** Reads a sum; undefined for anything else. */
export function readMoney(value: unknown): Money | undefined {
  if (!isObject(value)) return undefined;
  const { amount, currency } = value;
  return typeof amount === "number" && Number.isSafeInteger(amount) && typeof currency === "string" ? { amount, currency } : undefined;
}

/** Reads what can be read of a list; the rest is left out. */
export function readList<T>(value: unknown, read: (item: unknown) => T | undefined): readonly T[] {
  return Array.isArray(value) ? value.map(read).filter((item) => item !== undefined) : [];
}

/** The members of these names that are texts, in this order. */
export function texts(value: JsonObject, names: readonly string[]): readonly (string | undefined)[] {
  return names.map((name) => {
    const text = value[name];
    return typeof text === "string" ? text : undefined;
  });
}
