import type { JsonObject } from "@countersign/widget/wire";
import { type Address, writeAddress } from "./address.ts";
import type { Checkout } from "./checkout.ts";

/** What the user wants to be otherwise with the open checkout; what is not named stays. Quantities are by variant; 0 takes a line away. */
export interface Change {
  readonly quantities: Readonly<Record<string, number>>;
  readonly address?: Address;
  readonly option?: string;
}

export const noChange: Change = { quantities: {} };

/** Two wishes together; the later one counts. */
export function joinChanges(first: Change, later: Change): Change {
  // A new address is sent to in the cheapest way, so a way that was wanted for the old one is forgotten.
  const { option: _forgotten, ...kept } = first;
  return { ...(later.address === undefined ? first : kept), ...later, quantities: { ...first.quantities, ...later.quantities } };
}

/** What is still wanted after a part of it was asked for. */
export function leftOver(wanted: Change, asked: Change): Change {
  const quantities = Object.entries(wanted.quantities).filter(([id, quantity]) => asked.quantities[id] !== quantity);
  return {
    quantities: Object.fromEntries(quantities),
    ...(wanted.address === undefined || wanted.address === asked.address ? {} : { address: wanted.address }),
    ...(wanted.option === undefined || wanted.option === asked.option ? {} : { option: wanted.option }),
  };
}

/** Says whether nothing is wanted. */
export function isNothing({ quantities, address, option }: Change): boolean {
  return Object.keys(quantities).length === 0 && address === undefined && option === undefined;
}

/** Says whether a change would leave nothing in the checkout. */
export function emptiesAll({ lines }: Checkout, { quantities }: Change): boolean {
  return lines.every((line) => quantities[line.variantId] === 0);
}

/** The arguments of `update_checkout` for a change of the checkout as it was seen. */
export function changeArgs(checkout: Checkout, { quantities, address, option }: Change): JsonObject {
  const lines = checkout.lines.map((line) => ({ ...line, quantity: quantities[line.variantId] ?? line.quantity }));
  return {
    checkout_id: checkout.id,
    version: checkout.version,
    ...(Object.keys(quantities).length === 0 ? {} : { items: itemsOf(lines) }),
    ...(address === undefined ? {} : { address: writeAddress(address) }),
    ...(option === undefined ? {} : { shipping_option: option }),
  };
}

/** Lines as the shop's tools take them; without those of which none is left. */
export function itemsOf(lines: readonly Pick<Checkout["lines"][number], "productId" | "variantId" | "quantity">[]): readonly JsonObject[] {
  return lines
    .filter(({ quantity }) => quantity > 0)
    .map(({ productId, variantId, quantity }) => ({ product_id: productId, ...(variantId === "" ? {} : { variant_id: variantId }), quantity }));
}
