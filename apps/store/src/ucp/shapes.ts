import { z } from "zod";
import { quantityMax } from "../checkout/price.ts";
import { checkoutId, productId } from "../tools/shapes.ts";

/** A destination as platforms send it: the parts of a UCP postal address that this shop reads. */
export interface Destination {
  readonly id?: string | undefined;
  readonly first_name?: string | undefined;
  readonly last_name?: string | undefined;
  readonly street_address?: string | undefined;
  readonly extended_address?: string | undefined;
  readonly address_locality?: string | undefined;
  readonly address_region?: string | undefined;
  readonly postal_code?: string | undefined;
  readonly address_country?: string | undefined;
}

/** The one way in which a checkout gets to its buyer. */
export interface WantedMethod {
  readonly id?: string | undefined;
  readonly type?: string | undefined;
  readonly destinations?: readonly Destination[] | undefined;
  readonly selected_destination_id?: string | null | undefined;
  readonly groups?: readonly { readonly selected_option_id?: string | null | undefined }[] | undefined;
}

/** A checkout as it is asked for: all of it, each time. */
export interface WantedCheckout {
  readonly line_items: readonly { readonly item: { readonly id: string }; readonly quantity: number }[];
  readonly buyer?: { readonly first_name?: string | undefined; readonly last_name?: string | undefined } | undefined;
  readonly fulfillment?: { readonly methods?: readonly WantedMethod[] | undefined } | undefined;
}

/** What completing brings. An instrument names the handler and nothing else: a credential is neither needed nor looked at. */
export interface Completion {
  readonly payment?: { readonly instruments?: readonly { readonly handler_id: string }[] | undefined } | undefined;
}

// Members that UCP has and this shop does not use are let through and dropped, and those that platforms usually send are listed, because some send only what is.
// Every one that is used is bounded.
const name = z.string().max(64).optional();
const postal = z.string().max(200).optional();

const destination: z.ZodType<Destination> = z
  .object({
    id: name,
    first_name: postal,
    last_name: postal,
    street_address: postal,
    extended_address: postal,
    address_locality: postal,
    address_region: postal,
    postal_code: postal,
    address_country: postal,
    phone_number: postal,
  })
  .describe("Where it is sent: name, street, postal code, town, country (ISO 3166-1) and, in the US, region");

const group = z.object({ id: name, selected_option_id: z.string().max(64).nullable().optional() });

const method: z.ZodType<WantedMethod> = z.object({
  id: name,
  type: z.string().max(32).optional().describe("`shipping`, or `pickup` at the shop"),
  line_item_ids: z.array(z.string().max(80)).max(20).optional(),
  destinations: z.array(destination).max(5).optional(),
  selected_destination_id: z.string().max(64).nullable().optional(),
  groups: z.array(group).max(1).optional(),
});

export const wantedCheckout: z.ZodType<WantedCheckout> = z.object({
  line_items: z
    .array(
      z.object({
        id: z.string().max(80).optional(),
        item: z.object({ id: productId.describe("Of the product, or of one of its variants") }),
        quantity: z.int().min(1).max(quantityMax),
      }),
    )
    .min(1)
    .max(20),
  buyer: z.object({ first_name: postal, last_name: postal, email: postal, phone_number: postal }).optional(),
  fulfillment: z.object({ methods: z.array(method).max(1).optional() }).optional(),
});

const instrument = z.object({ id: name, handler_id: z.string().max(64), type: name });

export const completion: z.ZodType<Completion> = z.object({
  payment: z.object({ instruments: z.array(instrument).max(5).optional() }).optional(),
});

export const sessionId: typeof checkoutId = checkoutId;
/** At least 128 bits as letters: guests share one space of keys. */
export const idempotencyKey: z.ZodString = z.string().regex(/^[\x21-\x7e]{22,255}$/);
