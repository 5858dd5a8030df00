import { variantOf } from "../catalogue/product.ts";
import { findProduct } from "../catalogue/products.ts";
import type { CheckoutLine } from "./price.ts";

/** A line as tools answer it: with the name of its picture, as long as the shop sells such a thing. */
export interface LineView extends CheckoutLine {
  readonly image?: string;
}

/** Shows the lines of a checkout or an order. */
export function viewLines(lines: readonly CheckoutLine[]): readonly LineView[] {
  return lines.map((line) => {
    const product = findProduct(line.product_id);
    const image = (product === undefined ? undefined : variantOf(product, line.variant_id))?.image;
    return image === undefined ? line : { ...line, image };
  });
}
