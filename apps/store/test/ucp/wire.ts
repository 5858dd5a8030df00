import { z } from "zod";

/**
 * What UCP 2026-08-25 says of the answers that this shop gives, in this project's words: which members they have (source/schemas of
 * Universal-Commerce-Protocol/ucp: shopping/checkout, shopping/fulfillment, payment_handler, common/types), and what must hold between them (Checkout
 * Capability, Guidelines). Closed, where UCP lets more members through: whatever else an answer told would be a leak.
 */
const version = z.literal("2026-08-25");
const amount = z.int().nonnegative();
const totalEntry = z.strictObject({ type: z.enum(["subtotal", "fulfillment", "tax", "total"]), display_text: z.string().optional(), amount });
const lineTotals = z.array(z.strictObject({ type: z.enum(["subtotal", "total"]), amount }));

const handlers = z.strictObject({
  "org.countersign.wallet_approval": z.tuple([
    z.strictObject({
      id: z.string(),
      version: z.iso.date(),
      available_instruments: z.array(z.strictObject({ type: z.string() })).min(1),
      config: z.strictObject({}),
    }),
  ]),
});

const message = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("error"),
    code: z.string().min(1),
    content: z.string().min(1),
    severity: z.enum(["recoverable", "requires_buyer_input", "requires_buyer_review", "unrecoverable"]),
    path: z.string().startsWith("$").optional(),
  }),
  z.strictObject({ type: z.literal("info"), code: z.string().min(1), content: z.string().min(1) }),
]);

const lineItem = z.strictObject({
  id: z.string(),
  item: z.strictObject({ id: z.string(), title: z.string(), price: amount }),
  quantity: z.int().min(1),
  totals: lineTotals,
});

const destination = z.strictObject({
  type: z.literal("shipping_address"),
  id: z.string(),
  first_name: z.string(),
  last_name: z.string().optional(),
  street_address: z.string(),
  extended_address: z.string().optional(),
  postal_code: z.string(),
  address_locality: z.string(),
  address_region: z.string().optional(),
  address_country: z.string(),
});

const method = z.strictObject({
  id: z.string(),
  type: z.enum(["shipping", "pickup"]),
  line_item_ids: z.array(z.string()).min(1),
  destinations: z.array(destination).optional(),
  selected_destination_id: z.string().optional(),
  groups: z.array(
    z.strictObject({
      id: z.string(),
      line_item_ids: z.array(z.string()).min(1),
      options: z
        .array(z.strictObject({ id: z.string(), title: z.string(), totals: z.array(z.strictObject({ type: z.literal("total"), amount })) }))
        .min(1),
      selected_option_id: z.string(),
    }),
  ),
});

const availableMethod = z.strictObject({
  type: z.enum(["shipping", "pickup"]),
  line_item_ids: z.array(z.string()),
  fulfillable_on: z.literal("now"),
});

const checkout = z
  .strictObject({
    ucp: z.strictObject({
      version,
      status: z.literal("success"),
      capabilities: z.strictObject({
        "dev.ucp.shopping.checkout": z.tuple([z.strictObject({ version })]),
        "dev.ucp.shopping.fulfillment": z.tuple([z.strictObject({ version, extends: z.literal("dev.ucp.shopping.checkout") })]),
      }),
      payment_handlers: handlers,
    }),
    id: z.string().min(1),
    status: z.enum(["incomplete", "requires_escalation", "ready_for_complete", "complete_in_progress", "completed", "canceled"]),
    currency: z.string().regex(/^[A-Z]{3}$/),
    line_items: z.array(lineItem).min(1),
    totals: z.array(totalEntry),
    fulfillment: z.strictObject({ methods: z.tuple([method]), available_methods: z.array(availableMethod).optional() }),
    messages: z.array(message).min(1).optional(),
    links: z.array(z.never()),
    expires_at: z.iso.datetime(),
    continue_url: z.url({ protocol: /^https$/ }).optional(),
    order: z.strictObject({ id: z.string(), permalink_url: z.url() }).optional(),
  })
  .superRefine((value, context) => {
    const complain = (text: string): void => context.addIssue({ code: "custom", message: text });
    const of = (type: string): number[] => value.totals.filter((each) => each.type === type).map((each) => each.amount);
    const [subtotal] = of("subtotal");
    const [total] = of("total");
    if (of("subtotal").length !== 1 || of("total").length !== 1) complain("exactly one subtotal and one total");
    const parts = value.totals.filter((each) => each.type !== "total").reduce((sum, each) => sum + each.amount, 0);
    if (parts !== total) complain("the entries add up to the total");
    if (value.line_items.reduce((sum, line) => sum + line.item.price * line.quantity, 0) !== subtotal) complain("the lines add up to the subtotal");
    const isEscalated = value.status === "requires_escalation";
    const asks = value.messages?.some((each) => each.type === "error" && each.severity.startsWith("requires_buyer_")) === true;
    if (isEscalated !== asks || isEscalated !== (value.continue_url !== undefined)) complain("escalation, its message and its address come together");
    if ((value.status === "completed") !== (value.order !== undefined)) complain("an order when it is completed, and only then");
  });

const noCheckout = z.strictObject({ ucp: z.strictObject({ version, status: z.literal("error") }), messages: z.array(message).min(1) });

const protocolError = z.strictObject({ code: z.string().min(1), content: z.string().min(1) });

/** Where the release has its pages and schemas: below its own date. */
const at = (path: string): z.ZodType => z.literal(`https://ucp.dev/2026-08-25/${path}`);
const service = (transport: string, definition: string): z.ZodType =>
  z.strictObject({
    version,
    spec: at("specification/overview"),
    schema: at(`services/shopping/${definition}`),
    transport: z.literal(transport),
    endpoint: z.url(),
  });
export const profileShape: z.ZodType = z.strictObject({
  ucp: z.strictObject({
    version,
    services: z.strictObject({
      "dev.ucp.shopping": z.tuple([service("mcp", "mcp.openrpc.json"), service("rest", "rest.openapi.json")]),
    }),
    capabilities: z.strictObject({
      "dev.ucp.shopping.checkout": z.tuple([
        z.strictObject({ version, spec: at("specification/shopping/checkout"), schema: at("schemas/shopping/checkout.json") }),
      ]),
      "dev.ucp.shopping.fulfillment": z.tuple([
        z.strictObject({
          version,
          spec: at("specification/shopping/extensions/fulfillment"),
          schema: at("schemas/shopping/fulfillment.json"),
          extends: z.literal("dev.ucp.shopping.checkout"),
        }),
      ]),
    }),
    payment_handlers: handlers,
  }),
  keys: z
    .array(
      z.strictObject({
        kid: z.string(),
        kty: z.literal("EC"),
        crv: z.literal("P-256"),
        x: z.string(),
        y: z.string(),
        alg: z.literal("ES256"),
        use: z.literal("sig"),
      }),
    )
    .min(1),
});

/** Every answer of the business has one of these shapes. */
export const answerShape: z.ZodType = z.union([checkout, noCheckout]);
export const protocolErrorShape: z.ZodType = protocolError;
