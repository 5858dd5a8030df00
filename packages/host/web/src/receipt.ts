import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { readList, readNumber, readText, readTime } from "./json.ts";
import type { CallResult } from "./wire.ts";

export interface Sum {
  readonly amount: number;
  readonly currency: string;
}

export interface Receipt {
  readonly payee: string;
  readonly total: Sum;
  readonly at: number;
  readonly reference: string | undefined;
  readonly paidWith: string | undefined;
  readonly items: readonly { readonly name: string; readonly quantity: number; readonly amount: Sum | undefined }[];
}

/**
 * Finds the receipt in a tool's structured result: `receipt` with a payee, a total in minor units and a date. Any server may send one; what
 * lacks one of the three is no receipt. Nothing here proves a payment: the proof is at the bank and in the wallet.
 */
export function readReceipt(structuredContent: unknown): Receipt | undefined {
  if (!isJsonObject(structuredContent) || !isJsonObject(structuredContent["receipt"])) return undefined;
  const receipt = structuredContent["receipt"];
  const payee = isJsonObject(receipt["payee"]) ? readText(receipt["payee"]["name"], 200) : readText(receipt["payee"], 200);
  const total = readSum(receipt["total"], receipt["currency"]) ?? readSum(receipt["amount"], receipt["currency"]);
  const at = readTime(receipt["date"] ?? receipt["paid_at"] ?? receipt["created_at"]);
  if (payee === undefined || total === undefined || at === undefined) return undefined;
  const reference = receipt["number"] ?? receipt["id"] ?? receipt["order_id"] ?? receipt["reference"];
  const instrument = receipt["payment_instrument"] ?? receipt["paid_with"];
  return {
    payee,
    total,
    at,
    reference: readText(reference, 100),
    paidWith: isJsonObject(instrument) ? readText(instrument["description"], 100) : readText(instrument, 100),
    items: readList(receipt["items"], (item) => (isJsonObject(item) ? readItem(item, total.currency) : undefined), 100),
  };
}

function readItem(item: JsonObject, currency: string): Receipt["items"][number] | undefined {
  const name = readText(item["name"] ?? item["title"], 200);
  if (name === undefined) return undefined;
  return { name, quantity: readNumber(item["quantity"]) ?? 1, amount: readSum(item["amount"] ?? item["total"], currency) };
}

/**
 * The receipts of results in order, each where it came first: the same shop's receipt of the same number again is a look at it, and undefined here. One without a
 * number is never the same.
 */
export function readNewReceipts(results: readonly (CallResult | undefined)[]): readonly (Receipt | undefined)[] {
  const seen = new Set<string>();
  return results.map((result) => {
    const receipt = result?.isError === false ? readReceipt(result.structuredContent) : undefined;
    if (receipt?.reference === undefined) return receipt;
    const key = JSON.stringify([receipt.payee, receipt.reference]);
    if (seen.has(key)) return undefined;
    seen.add(key);
    return receipt;
  });
}

function readSum(json: unknown, currency: unknown): Sum | undefined {
  if (isJsonObject(json)) return readSum(json["amount"], json["currency"]);
  if (!Number.isSafeInteger(json) || typeof json !== "number") return undefined;
  return typeof currency === "string" && /^[A-Z]{3}$/.test(currency) ? { amount: json, currency } : undefined;
}
