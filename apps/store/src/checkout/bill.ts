import type { Money } from "@countersign/protocol/money";
import type { CheckoutTerms } from "@countersign/protocol/payment";
import { type Address, addressLine } from "./address.ts";
import type { Checkout } from "./checkout.ts";

const itemNameMax = 120;

/**
 * The terms that the payee signs and the user approves: the lines, then shipping with where it goes to, then a tax that is added. A tax that the prices include
 * is no line of its own.
 */
export function termsOf(checkout: Checkout, resource: string): CheckoutTerms {
  return {
    id: checkout.id,
    version: checkout.version,
    amount: checkout.total.amount,
    currency: checkout.total.currency,
    items: billOf(checkout).map(({ name, quantity, amount }) => ({ name, quantity, amount: amount.amount })),
    resource,
  };
}

export interface BillLine {
  readonly name: string;
  readonly quantity: number;
  readonly amount: Money;
}

/** Everything that adds up to the total. `nameShipping`: what sending is called; by default with where it goes to. */
export function billOf(
  { lines, shipping, tax }: Pick<Checkout, "lines" | "shipping" | "tax">,
  nameShipping: (title: string, address: Address) => string = shippingName,
): readonly BillLine[] {
  const goods = lines.map((line) => ({ name: line.title, quantity: line.quantity, amount: line.amount }));
  const sent =
    shipping === null || shipping.address === null
      ? []
      : [{ name: nameShipping(shipping.title, shipping.address), quantity: 1, amount: shipping.amount }];
  const added =
    tax === null || tax.included || tax.amount.amount === 0
      ? []
      : [{ name: `${tax.name} ${percent(tax.rate)} (${tax.region})`, quantity: 1, amount: tax.amount }];
  return [...goods, ...sent, ...added];
}

function shippingName(title: string, address: Address): string {
  const start = `${title} to `;
  return start + addressLine(address, itemNameMax - start.length);
}

/** Basis points as people write them: 725 is `7.25 %`. */
function percent(rate: number): string {
  return `${rate / 100} %`;
}
