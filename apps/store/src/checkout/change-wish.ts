import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Address } from "./address.ts";
import type { Checkout } from "./checkout.ts";
import type { WantedItem, Wish } from "./price.ts";
import { collectId } from "./shipping.ts";

/** What a caller wants to be otherwise; what is undefined stays. */
export interface WishChange {
  readonly items: readonly WantedItem[] | undefined;
  readonly address: Address | undefined;
  readonly option: string | undefined;
}

/**
 * What a checkout is to be after a change. A new address is sent to in the cheapest way unless one is chosen; who chooses to collect gives the address up. Refuses
 * a change of nothing with `invalid_arguments`.
 */
export function changeWish({ lines, shipping }: Pick<Checkout, "lines" | "shipping">, change: WishChange): Result<Wish, Refusal> {
  const { items, address, option } = change;
  if (items === undefined && address === undefined && option === undefined) {
    return err(refuse("invalid_arguments", "nothing to change"));
  }
  const kept = lines.map(({ product_id, variant_id, quantity }) => ({ product_id, variant_id, quantity }));
  const way = option ?? (address === undefined ? shipping?.option : undefined);
  return ok({ items: items ?? kept, address: way === collectId ? null : (address ?? shipping?.address ?? null), option: way });
}
