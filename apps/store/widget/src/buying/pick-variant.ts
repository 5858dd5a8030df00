import type { Product, Variant } from "./product.ts";

/** The variant with this id; without one, the first that can be bought, else the first. */
export function pickedVariant({ variants }: Product, id: string | undefined): Variant {
  return variants.find((each) => each.id === id) ?? variants.find((each) => each.stock > 0) ?? variants[0];
}

/**
 * The variant that another value of one choice leads to. What was chosen of the rest stays where there is such a variant; where there is none, it is one that can
 * be bought, else the first that has the value.
 */
export function pickVariant({ variants }: Product, from: Variant, name: string, value: string): Variant {
  const having = variants.filter((each) => each.choices[name] === value);
  const likeBefore = having.find((each) => Object.entries(from.choices).every(([other, chosen]) => other === name || each.choices[other] === chosen));
  return likeBefore ?? having.find((each) => each.stock > 0) ?? having[0] ?? from;
}
