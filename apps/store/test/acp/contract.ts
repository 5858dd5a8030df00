import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

/**
 * The shapes of ACP 2026-04-17, restated from its published JSON Schema (agentic-commerce-protocol/agentic-commerce-protocol, commit 3535c13,
 * spec/2026-04-17/json-schema/schema.agentic_checkout.json, and the webhook document beside it): names, types, what is required, closed sets, closed objects.
 * Texts and examples are left out (the published examples do not fit the schema), and so are definitions that neither this shop's answers nor these tests'
 * requests use; every object is closed, so an answer that used one would be refused here.
 */
type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: "string" };
const int: Schema = { type: "integer" };
const bool: Schema = { type: "boolean" };
const uri: Schema = { type: "string", format: "uri" };
const time: Schema = { type: "string", format: "date-time" };
const date: Schema = { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" };
const email: Schema = { type: "string", format: "email" };
const word = (...words: readonly string[]): Schema => ({ type: "string", enum: words });
const list = (items: Schema, more: Schema = {}): Schema => ({ type: "array", items, ...more });
const atLeast = (minimum: number): Schema => ({ type: "integer", minimum });

/** A closed object. Members whose name ends in `?` may be absent. */
function closed(members: Readonly<Record<string, Schema>>): Schema {
  const names = Object.keys(members);
  return {
    type: "object",
    additionalProperties: false,
    properties: Object.fromEntries(Object.entries(members).map(([name, schema]) => [name.replace("?", ""), schema])),
    required: names.filter((name) => !name.endsWith("?")),
  };
}

const address = closed({
  name: text,
  line_one: text,
  "line_two?": text,
  city: text,
  state: text,
  country: text,
  postal_code: text,
  "company?": text,
});
const fulfillmentDetails = closed({ "name?": text, "phone_number?": text, "email?": email, "address?": address });
const taxBreakdown = closed({ jurisdiction: text, rate: { type: "number" }, amount: int });
const totalTypes = "items_base_amount items_discount subtotal discount fulfillment tax fee gift_wrap tip store_credit total amount_refunded".split(
  " ",
);
const total = closed({
  type: word(...totalTypes),
  display_text: text,
  amount: int,
  "presentment_amount?": int,
  "description?": text,
  "breakdown?": list(taxBreakdown),
});
const totals = list(total);
const item = closed({ id: text, "name?": text, "unit_amount?": int });
const lineItem = closed({
  id: text,
  item,
  quantity: atLeast(1),
  "name?": text,
  "description?": text,
  "images?": list(uri),
  "unit_amount?": int,
  "product_id?": text,
  "sku?": text,
  "variant_id?": text,
  "category?": text,
  "tags?": list(text),
  "available_quantity?": atLeast(0),
  "max_quantity_per_order?": atLeast(1),
  totals,
});
const handler = closed({
  id: text,
  name: text,
  "display_name?": text,
  version: date,
  spec: uri,
  requires_delegate_payment: bool,
  requires_pci_compliance: bool,
  psp: text,
  config_schema: uri,
  instrument_schemas: list(uri),
  config: { type: "object" },
  "display_order?": int,
});
const interventions = closed({
  "supported?": list(word("3ds", "biometric", "address_verification")),
  "required?": list(word("3ds", "biometric")),
  "enforcement?": word("always", "conditional", "optional"),
  "display_context?": word("native", "webview", "modal", "redirect"),
  "redirect_context?": word("in_app", "external_browser", "none"),
  "max_redirects?": atLeast(0),
  "max_interaction_depth?": atLeast(1),
});
const capabilities = closed({
  "payment?": closed({ handlers: list(handler) }),
  "interventions?": interventions,
  "extensions?": list(text, { uniqueItems: true }),
});
const option = (type: string, more: Readonly<Record<string, Schema>>): Schema =>
  closed({ type: { type: "string", const: type }, id: text, title: text, "description?": text, totals, ...more });
const place: Schema = {
  type: "object",
  properties: { name: text, address, phone: text, instructions: text },
  required: ["name", "address"],
};
const fulfillmentOption: Schema = {
  oneOf: [
    option("shipping", { "carrier?": text, "earliest_delivery_time?": time, "latest_delivery_time?": time }),
    option("digital", {}),
    option("pickup", { location: place, "pickup_type?": word("in_store", "curbside", "locker"), "ready_by?": time, "pickup_by?": time }),
    option("local_delivery", {}),
  ],
};
const selected = closed({ type: word("shipping", "digital", "pickup", "local_delivery"), option_id: text, item_ids: list(text) });
const messageOf = (type: string, code: Readonly<Record<string, Schema>>): Schema =>
  closed({
    type: { type: "string", const: type },
    ...code,
    "severity?": word("info", "low", "medium", "high", "critical"),
    "resolution?": word("recoverable", "requires_buyer_input", "requires_buyer_review"),
    "param?": text,
    content_type: word("plain", "markdown"),
    content: text,
  });
const discountCodes =
  "expired invalid already_applied combination_disallowed minimum_not_met user_not_logged_in user_ineligible usage_limit_reached".split(" ");
const warningCode = word(
  ..."low_stock high_demand shipping_delay price_change expiring_promotion limited_availability".split(" "),
  ...discountCodes.map((each) => `discount_code_${each}`),
);
const errorCodes = `missing invalid out_of_stock payment_declined requires_sign_in requires_3ds low_stock quantity_exceeded coupon_invalid coupon_expired
  minimum_not_met maximum_exceeded region_restricted age_verification_required approval_required unsupported not_found conflict rate_limited expired
  intervention_required`;
const errorCode = word(...errorCodes.split(/\s+/));
const message: Schema = { oneOf: [messageOf("info", {}), messageOf("warning", { code: warningCode }), messageOf("error", { code: errorCode })] };
const linkTypes = "terms_of_use privacy_policy return_policy shipping_policy contact_us about_us faq support".split(" ");
const link = closed({ type: word(...linkTypes), "title?": text, url: uri });
const lineReference = closed({ id: text, quantity: atLeast(1) });
const orderLine = closed({
  id: text,
  title: text,
  "product_id?": text,
  "description?": text,
  "image_url?": uri,
  "url?": uri,
  quantity: closed({ ordered: atLeast(1), current: atLeast(0), "fulfilled?": atLeast(0) }),
  "unit_price?": int,
  "subtotal?": int,
  "totals?": totals,
  "status?": word("processing", "partial", "fulfilled", "removed"),
});
const fulfillment = closed({
  id: text,
  type: word("shipping", "pickup", "digital"),
  "status?": word("pending", "processing", "shipped", "in_transit", "out_for_delivery", "ready_for_pickup", "delivered", "failed", "canceled"),
  "line_items?": list(lineReference),
  "destination?": address,
  "description?": text,
});
const adjustment = closed({
  id: text,
  type: word("refund", "credit", "return", "exchange", "price_adjustment", "cancellation", "dispute"),
  occurred_at: time,
  status: word("pending", "completed", "failed"),
  "line_items?": list(lineReference),
  "amount?": int,
  "currency?": { type: "string", pattern: "^[a-z]{3}$" },
  "description?": text,
  "reason?": text,
});
const order = {
  "type?": { type: "string", const: "order" },
  id: text,
  checkout_session_id: text,
  "order_number?": text,
  "client_reference_id?": text,
  permalink_url: uri,
  "status?": word("created", "confirmed", "manual_review", "processing", "shipped", "completed", "canceled"),
  "line_items?": list(orderLine),
  "fulfillments?": list(fulfillment),
  "adjustments?": list(adjustment),
  "totals?": totals,
} as const;
const statuses = `incomplete not_ready_for_payment requires_escalation authentication_required ready_for_payment pending_approval complete_in_progress completed
  canceled in_progress expired`;
const session = {
  id: text,
  "protocol?": closed({ version: date }),
  capabilities,
  status: word(...statuses.split(/\s+/)),
  currency: text,
  line_items: list(lineItem),
  "fulfillment_details?": fulfillmentDetails,
  fulfillment_options: list(fulfillmentOption),
  "selected_fulfillment_options?": list(selected),
  totals,
  messages: list(message),
  links: list(link),
  "created_at?": time,
  "updated_at?": time,
  "expires_at?": time,
  "continue_url?": uri,
} as const;
const notes: Schema = { type: "string", maxLength: 5_000 };
const buyer = closed({ "first_name?": text, "last_name?": text, "full_name?": text, email, "phone_number?": text, "customer_id?": text });
const asked = {
  "buyer?": buyer,
  "fulfillment_details?": fulfillmentDetails,
  "coupons?": list(text),
  "discounts?": closed({ "codes?": list(text) }),
  "order_notes?": notes,
} as const;
const instrument: Schema = {
  type: "object",
  properties: {
    type: text,
    credential: { type: "object", properties: { type: text, token: text }, required: ["type", "token"] },
  },
  required: ["type", "credential"],
};
const protocol = closed({ name: { type: "string", const: "acp" }, version: date, supported_versions: list(date, { uniqueItems: true }) });

export type ShapeName = "session" | "sessionWithOrder" | "error" | "create" | "update" | "complete" | "discovery" | "event";

const schemas: Readonly<Record<ShapeName, Schema>> = {
  session: closed({ ...session, "order?": closed(order) }),
  sessionWithOrder: closed({ ...session, order: closed(order) }),
  error: closed({
    type: word("invalid_request", "processing_error", "service_unavailable"),
    code: text,
    message: text,
    "param?": text,
    "supported_versions?": list(date),
  }),
  create: closed({
    ...asked,
    line_items: list(item, { minItems: 1 }),
    currency: text,
    capabilities,
    "locale?": text,
    "timezone?": text,
    "metadata?": { type: "object" },
  }),
  update: closed({ ...asked, "line_items?": list(item), "selected_fulfillment_options?": list(selected) }),
  complete: closed({
    "buyer?": buyer,
    payment_data: closed({ handler_id: text, instrument, "billing_address?": address }),
    "order_notes?": notes,
  }),
  discovery: closed({
    protocol,
    api_base_url: uri,
    transports: list(word("rest", "mcp"), { uniqueItems: true }),
    capabilities: closed({
      services: list(word("checkout", "orders", "delegate_payment", "carts"), { uniqueItems: true }),
      "supported_currencies?": list({ type: "string", pattern: "^[a-z]{3}$" }, { uniqueItems: true }),
    }),
  }),
  event: closed({
    type: word("order_create", "order_update"),
    data: { ...closed(order), required: ["id", "type", "checkout_session_id", "permalink_url", "status"] },
  }),
};

const ajv = new Ajv2020({ strict: true, allErrors: true });
addFormats.default(ajv);
const compiled = new Map<string, ValidateFunction>(Object.entries(schemas).map(([name, schema]) => [name, ajv.compile(schema)]));

/** What is wrong with a value as one of the protocol's shapes; nothing when it fits. */
export function faultsOf(name: ShapeName, value: unknown): readonly string[] {
  const validate = compiled.get(name);
  if (validate === undefined) throw new Error(`there is no shape ${name}`);
  return validate(value)
    ? []
    : (validate.errors ?? []).map((each) => `${each.instancePath || "/"} ${each.message ?? ""} ${JSON.stringify(each.params)}`);
}
