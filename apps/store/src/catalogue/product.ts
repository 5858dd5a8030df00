import type { Money } from "@countersign/protocol/money";

export type Category = "kitchen" | "desk" | "outdoors" | "home";

/** In the order in which they are shown. */
export const categories: readonly Category[] = ["kitchen", "desk", "outdoors", "home"];

/** One thing that can be bought. The first variant of a product has the product's id, and is what is bought when none is named. */
export interface Variant {
  readonly id: string;
  /** What tells it apart from its siblings, by the name of the choice, such as `colour`; empty where there are none. */
  readonly choices: Readonly<Record<string, string>>;
  readonly price: Money;
  /** The name of a picture that ships with the view; variants that look the same share one. */
  readonly image: string;
  readonly grams: number;
  /** How many there are when the shop opens for the first time. */
  readonly openingStock: number;
}

/** `image`, like `price`, is the first variant's; `words` are further words that a search finds it by. */
export interface Product {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly category: Category;
  readonly price: Money;
  readonly image: string;
  readonly words: readonly string[];
  readonly variants: readonly [Variant, ...Variant[]];
}

/** A variant of a product by its id, the first one when none is named; undefined for one that is not this product's. */
export function variantOf(product: Product, variantId: string | undefined): Variant | undefined {
  return variantId === undefined ? product.variants[0] : product.variants.find((each) => each.id === variantId);
}

/** How a variant is called on a bill: the product's title and its choices. */
export function titleOf(product: Product, variant: Variant): string {
  return [product.title, ...Object.values(variant.choices)].join(", ");
}

/** The choices of a product in the order of its variants: each name with its values. */
export function optionsOf(product: Product): readonly { readonly name: string; readonly values: readonly string[] }[] {
  const values = new Map<string, Set<string>>();
  for (const variant of product.variants) {
    for (const [name, value] of Object.entries(variant.choices)) {
      values.set(name, (values.get(name) ?? new Set()).add(value));
    }
  }
  return [...values].map(([name, held]) => ({ name, values: [...held] }));
}
