import { z } from "zod";
import { addressShape } from "./address.ts";
import type { CheckoutLine, Shipping } from "./price.ts";
import type { Tax } from "./tax.ts";

const money = z.object({ amount: z.int().nonnegative(), currency: z.string() });

/** How figures lie in the bodies of rows. */
export const storedMoney: z.ZodType<{ readonly amount: number; readonly currency: string }> = money;

/** A line from before there were variants is the product's first one, which has the product's id. */
export const storedLine: z.ZodType<CheckoutLine> = z
  .object({
    product_id: z.string(),
    variant_id: z.string().optional(),
    title: z.string(),
    quantity: z.int().positive(),
    unit_price: money,
    amount: money,
  })
  .transform((line) => ({ ...line, variant_id: line.variant_id ?? line.product_id }));

export const storedShipping: z.ZodType<Shipping> = z.object({
  option: z.string(),
  title: z.string(),
  amount: money,
  address: addressShape.nullable(),
  offers: z.array(z.object({ id: z.string(), title: z.string(), amount: money })),
});

export const storedTax: z.ZodType<Tax> = z.object({
  region: z.string(),
  name: z.string(),
  rate: z.int().nonnegative(),
  included: z.boolean(),
  amount: money,
});
