import { z } from "zod";
import { categories } from "../catalogue/products.ts";
import { quantityMax } from "../checkout/price.ts";

/** The shapes that tools take and give. They are published, so their words are the store's interface. */
export const productId: z.ZodString = z.string().regex(/^[a-z0-9-]{1,64}$/);
export const checkoutId: z.ZodString = z.string().regex(/^chk_[A-Za-z0-9_-]{22}$/);
export const orderId: z.ZodString = z.string().regex(/^ord_[A-Za-z0-9_-]{22}$/);
export const receiptHandle: z.ZodString = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{22,300}$/)
  .describe("What the shop's view got with the receipt");

type Shape = z.ZodObject;

const money: Shape = z.object({
  amount: z.int().nonnegative().describe("Minor units of the currency"),
  currency: z.string().describe("ISO 4217"),
});
export const product: Shape = z.object({
  id: z.string(),
  title: z.string(),
  description: z.string(),
  price: money,
  image: z.string().describe("Name of the picture in the shop's view"),
  category: z.enum(categories),
  stock: z.int(),
});
const line: Shape = z.object({ product_id: z.string(), title: z.string(), quantity: z.int(), unit_price: money, amount: money });
export const checkout: Shape = z.object({
  id: z.string(),
  version: z.int(),
  status: z.string(),
  items: z.array(line),
  total: money,
  expires_at: z.string(),
  last_refusal: z.string().optional(),
});
export const order: Shape = z.object({
  id: z.string(),
  checkout_id: z.string(),
  status: z.literal("complete"),
  total: money,
  items: z.array(line),
  created_at: z.string(),
  payment: z.object({ id: z.string(), status: z.string() }),
});
export const receipt: Shape = z.object({
  number: z.string(),
  payee: z.string(),
  total: money,
  paid_at: z.string(),
  payment_id: z.string(),
  paid_with: z.string(),
  human_present: z.boolean(),
  items: z.array(z.object({ name: z.string(), quantity: z.int(), amount: money })),
});
export const wantedItems: z.ZodArray<z.ZodObject<{ product_id: z.ZodString; quantity: z.ZodInt }>> = z
  .array(z.object({ product_id: productId, quantity: z.int().min(1).max(quantityMax) }))
  .min(1)
  .max(20);
