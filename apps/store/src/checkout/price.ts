import { type Refusal, refuse } from "@countersign/protocol/errors";
import { addMoney, multiplyMoney, type Money } from "@countersign/protocol/money";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Product } from "../catalogue/products.ts";
import type { StockLine } from "../stock.ts";
import type { CheckoutLine } from "./checkout.ts";

/** How many of one product a checkout may have. */
export const quantityMax = 20;

/**
 * Prices what a caller wants, from the catalogue alone. Lines of the same product are joined. Refuses with `invalid_arguments` for an unknown
 * product or a quantity out of bounds, with `out_of_stock` for more than there is.
 */
export function priceItems(
  wanted: readonly StockLine[],
  findProduct: (id: string) => Product | undefined,
  available: ReadonlyMap<string, number>,
): Result<{ readonly lines: readonly CheckoutLine[]; readonly total: Money }, Refusal> {
  const quantities = new Map<string, number>();
  for (const { product_id, quantity } of wanted) {
    quantities.set(product_id, (quantities.get(product_id) ?? 0) + quantity);
  }
  const lines: CheckoutLine[] = [];
  let total: Money | undefined;
  for (const [id, quantity] of quantities) {
    const product = findProduct(id);
    if (product === undefined) {
      return err(refuse("invalid_arguments", "there is no product with this id"));
    }
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > quantityMax) {
      return err(refuse("invalid_arguments", `a quantity is 1 to ${quantityMax}`));
    }
    if (quantity > (available.get(id) ?? 0)) {
      return err(refuse("out_of_stock", id));
    }
    const amount = multiplyMoney(product.price, quantity);
    if (!amount.ok) {
      return amount;
    }
    lines.push({ product_id: id, title: product.title, quantity, unit_price: product.price, amount: amount.value });
    const sum: Result<Money, Refusal> = total === undefined ? amount : addMoney(total, amount.value);
    if (!sum.ok) {
      return sum;
    }
    total = sum.value;
  }
  return total === undefined ? err(refuse("invalid_arguments", "at least one item")) : ok({ lines, total });
}
