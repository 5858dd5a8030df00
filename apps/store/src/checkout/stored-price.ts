import type { SignedCheckout } from "@countersign/kit/payment/payee";
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

const item = z.object({ name: z.string(), quantity: z.int(), amount: z.int() });

/** Terms as they were signed. */
export const storedSigned: z.ZodType<SignedCheckout> = z.object({
  terms: z.object({
    id: z.string(),
    version: z.int(),
    amount: z.int(),
    currency: z.string(),
    items: z.array(item),
    resource: z.string(),
    refund_of: z.string().exactOptional(),
  }),
  jwt: z.string(),
  hash: z.string(),
  expiresAt: z.int(),
});

export const storedTax: z.ZodType<Tax> = z.object({
  region: z.string(),
  name: z.string(),
  rate: z.int().nonnegative(),
  included: z.boolean(),
  amount: money,
});
