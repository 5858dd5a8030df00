import { formatMinorUnits } from "@countersign/protocol/money";
import type { CheckoutLine, Shipping } from "../checkout/price.ts";
import type { Tax } from "../checkout/tax.ts";
import type { Money } from "@countersign/protocol/money";

export type TotalType = "items_base_amount" | "subtotal" | "fulfillment" | "tax" | "total" | "amount_refunded";

/** One figure of a bill: minor units of the session's currency. */
export interface AcpTotal {
  readonly type: TotalType;
  readonly display_text: string;
  readonly amount: number;
  readonly description?: string;
  readonly breakdown?: readonly { readonly jurisdiction: string; readonly rate: number; readonly amount: number }[];
}

/** What the figures of a bill are made from. */
export interface Bill {
  readonly lines: readonly CheckoutLine[];
  readonly shipping: Pick<Shipping, "title" | "amount"> | null;
  readonly tax: Tax | null;
  readonly total: Money;
}

/** The figures of a bill. Subtotal, fulfillment and tax add up to the total; a tax that the prices include is told with the total and is no figure of its own. */
export function totalsOf({ lines, shipping, tax, total }: Bill): readonly AcpTotal[] {
  const goods = lines.reduce((sum, line) => sum + line.amount.amount, 0);
  const sent: readonly AcpTotal[] = shipping === null ? [] : [{ type: "fulfillment", display_text: shipping.title, amount: shipping.amount.amount }];
  return [
    { type: "items_base_amount", display_text: "Items", amount: goods },
    { type: "subtotal", display_text: "Subtotal", amount: goods },
    ...sent,
    ...addedTax(tax),
    { type: "total", display_text: "Total", amount: total.amount, ...includedTax(tax) },
  ];
}

/** The figures of one line. */
export function lineTotals({ amount: { amount } }: CheckoutLine): readonly AcpTotal[] {
  return [
    { type: "items_base_amount", display_text: "Items", amount },
    { type: "subtotal", display_text: "Subtotal", amount },
    { type: "total", display_text: "Total", amount },
  ];
}

function addedTax(tax: Tax | null): readonly AcpTotal[] {
  if (tax === null || tax.included) return [];
  const { name, region, rate, amount } = tax;
  return [
    { type: "tax", display_text: name, amount: amount.amount, breakdown: [{ jurisdiction: region, rate: rate / 10_000, amount: amount.amount }] },
  ];
}

function includedTax(tax: Tax | null): { readonly description?: string } {
  if (tax === null || !tax.included || tax.amount.amount === 0) return {};
  const { name, rate, region, amount } = tax;
  return { description: `Includes ${formatMinorUnits(amount)} ${amount.currency} ${name} at ${rate / 100} % (${region}).` };
}
