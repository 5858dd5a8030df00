import { z } from "zod";
import { categories } from "../catalogue/product.ts";
import { addressShape, readableText } from "../checkout/address.ts";
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
  options: z.array(z.object({ name: z.string(), values: z.array(z.string()) })).describe("What can be chosen, such as size or colour"),
  variants: z
    .array(
      z.object({
        id: z.string(),
        title: z.string(),
        choices: z.record(z.string(), z.string()),
        price: money,
        image: z.string(),
        stock: z.int(),
      }),
    )
    .describe("What can be bought; the first one is what `price` and `stock` are of, and what is bought when no variant is named"),
});
const line: Shape = z.object({
  product_id: z.string(),
  variant_id: z.string(),
  title: z.string(),
  quantity: z.int(),
  unit_price: money,
  amount: money,
  image: z.string().optional().describe("Name of the picture in the shop's view"),
});
const shipping: Shape = z.object({ option: z.string(), title: z.string(), amount: money, address: addressShape.optional() });
const tax: Shape = z.object({
  region: z.string(),
  name: z.string(),
  rate: z.int().describe("Basis points: 2100 is 21 %"),
  included: z.boolean().describe("Whether the other figures contain it already"),
  amount: money,
});
export const checkout: Shape = z.object({
  id: z.string(),
  version: z.int(),
  status: z.string(),
  items: z.array(line),
  shipping: shipping.optional(),
  shipping_options: z.array(z.object({ id: z.string(), title: z.string(), amount: money })).optional(),
  destinations: z
    .array(z.object({ country: z.string(), regions: z.array(z.object({ code: z.string(), name: z.string() })).optional() }))
    .optional()
    .describe("Where the shop sends to (ISO 3166-1); where there are regions, an address names one"),
  tax: tax.optional(),
  total: money,
  expires_at: z.string(),
  last_refusal: z.string().optional(),
});
export const refundReason: z.ZodString = readableText(200).describe("Why, in the user's words");
export const refund: Shape = z.object({
  id: z.string(),
  status: z.enum(["awaiting_approval", "pending", "done", "refused"]).describe("`pending`: the bank has not confirmed it yet"),
  amount: money,
  created_at: z.string(),
  reason: z.string().optional(),
});
export const order: Shape = z.object({
  id: z.string(),
  checkout_id: z.string(),
  status: z.enum(["complete", "partly_refunded", "refunded"]),
  total: money,
  refunded: money.describe("What was given back of the total"),
  items: z.array(line),
  shipping: shipping.optional(),
  tax: tax.optional(),
  created_at: z.string(),
  payment: z.object({
    id: z.string(),
    status: z.string(),
    human_present: z.boolean().describe("False: a policy of the buyer's approved, and they were not asked"),
  }),
  refunds: z.array(refund).optional(),
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
export const pastVersion: Shape = z.object({ version: z.int(), total: money, ended_at: z.string(), why: z.string() });

type WantedItem = z.ZodObject<{ product_id: z.ZodString; variant_id: z.ZodOptional<z.ZodString>; quantity: z.ZodInt }>;

export const wantedItems: z.ZodArray<WantedItem> = z
  .array(z.object({ product_id: productId, variant_id: productId.optional(), quantity: z.int().min(1).max(quantityMax) }))
  .min(1)
  .max(20);
export const address: typeof addressShape = addressShape;
export const shippingOption: z.ZodString = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/)
  .describe("One of the checkout's `shipping_options`; `collect` needs no address");
