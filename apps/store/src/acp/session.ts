import type { EpochMs } from "@countersign/protocol/brand";
import { errorCatalogue } from "@countersign/protocol/errors";
import type { CheckoutStatus } from "@countersign/protocol/payment";
import type { Address } from "../checkout/address.ts";
import { canChange, type Checkout } from "../checkout/checkout.ts";
import { collectId, type ShippingOffer } from "../checkout/shipping.ts";
import type { PaymentHandler } from "./handler.ts";
import type { AcpOrder } from "./order.ts";
import { pickupPlace } from "./pickup-place.ts";
import type { Problem } from "./problem.ts";
import { type AcpTotal, lineTotals, totalsOf } from "./totals.ts";

/** The release of ACP that the store speaks. */
export const acpVersion = "2026-04-17";

export type SessionStatus =
  | "incomplete"
  | "not_ready_for_payment"
  | "ready_for_payment"
  | "requires_escalation"
  | "complete_in_progress"
  | "completed"
  | "canceled"
  | "expired";

export interface AcpAddress {
  readonly name: string;
  readonly line_one: string;
  readonly line_two?: string;
  readonly city: string;
  readonly state: string;
  readonly country: string;
  readonly postal_code: string;
}

interface OptionBase {
  readonly id: string;
  readonly title: string;
  readonly totals: readonly AcpTotal[];
}

type FulfillmentOption =
  | (OptionBase & { readonly type: "shipping" })
  | (OptionBase & { readonly type: "pickup"; readonly location: { readonly name: string; readonly address: AcpAddress } });

export interface AcpMessage {
  readonly type: "info" | "warning" | "error";
  readonly code?: string;
  readonly resolution?: "recoverable" | "requires_buyer_review";
  readonly param?: string;
  readonly content_type: "plain";
  readonly content: string;
}

interface SessionLine {
  readonly id: string;
  readonly item: { readonly id: string; readonly name: string; readonly unit_amount: number };
  readonly quantity: number;
  readonly name: string;
  readonly unit_amount: number;
  readonly product_id: string;
  readonly variant_id: string;
  readonly totals: readonly AcpTotal[];
}

/** A checkout session as ACP 2026-04-17 answers it. Amounts are minor units of `currency`. It never holds a mandate or a token. */
export interface AcpSession {
  readonly id: string;
  readonly protocol: { readonly version: string };
  readonly capabilities: { readonly payment: { readonly handlers: readonly PaymentHandler[] } };
  readonly status: SessionStatus;
  readonly currency: string;
  readonly line_items: readonly SessionLine[];
  readonly fulfillment_details?: { readonly name: string; readonly address: AcpAddress };
  readonly fulfillment_options: readonly FulfillmentOption[];
  readonly selected_fulfillment_options?: readonly {
    readonly type: "shipping" | "pickup";
    readonly option_id: string;
    readonly item_ids: readonly string[];
  }[];
  readonly totals: readonly AcpTotal[];
  readonly messages: readonly AcpMessage[];
  readonly links: readonly never[];
  readonly created_at: string;
  readonly expires_at: string;
  readonly continue_url?: string;
  readonly order?: AcpOrder;
}

export interface SessionParts {
  readonly checkout: Checkout;
  readonly now: EpochMs;
  readonly handler: PaymentHandler;
  /** How many of each variant there are to buy, for a checkout that has reserved none yet. */
  readonly available: ReadonlyMap<string, number>;
  readonly order: AcpOrder | undefined;
  /** Why the request that is answered changed nothing. */
  readonly problems: readonly Problem[];
  /** What else that request should know. */
  readonly notes: readonly AcpMessage[];
}

/** The store's states as ACP names them. */
const statuses: Readonly<Record<CheckoutStatus, SessionStatus>> = {
  open: "incomplete",
  priced: "ready_for_payment",
  awaiting_approval: "requires_escalation",
  authorized: "complete_in_progress",
  completing: "complete_in_progress",
  completed: "completed",
  canceled: "canceled",
  expired: "expired",
};

/** Shows a checkout as a session. One whose time is over, or whose goods are gone, reads so before the row says it. */
export function viewSession(parts: SessionParts): AcpSession {
  const { checkout, now, order } = parts;
  const short = checkout.status === "priced" && now < checkout.expiresAt ? shortOf(checkout, parts.available) : [];
  const status = statusOf(checkout, now, short.length > 0);
  return {
    id: checkout.id,
    protocol: { version: acpVersion },
    capabilities: { payment: { handlers: [parts.handler] } },
    status,
    currency: checkout.total.currency.toLowerCase(),
    line_items: checkout.lines.map((line) => ({
      id: line.variant_id,
      item: { id: line.variant_id, name: line.title, unit_amount: line.unit_price.amount },
      quantity: line.quantity,
      name: line.title,
      unit_amount: line.unit_price.amount,
      product_id: line.product_id,
      variant_id: line.variant_id,
      totals: lineTotals(line),
    })),
    ...fulfillmentOf(checkout),
    totals: totalsOf(checkout),
    messages: [
      ...parts.problems.map(problemMessage),
      ...parts.notes,
      ...(parts.problems.length > 0 ? [] : short.map(shortMessage)),
      ...stateMessages(checkout, status),
    ],
    links: [],
    created_at: new Date(checkout.createdAt).toISOString(),
    expires_at: new Date(checkout.expiresAt).toISOString(),
    ...(status === "requires_escalation" && checkout.approvalLink !== null ? { continue_url: checkout.approvalLink } : {}),
    ...(order === undefined ? {} : { order }),
  };
}

/**
 * One whose time to approve has just ended may have been approved in time: nobody can approve it any more, and what became of it is still to be learnt. While the
 * wallet has not told where to approve, nobody can be sent there: completing again asks for it.
 */
function statusOf({ status, expiresAt, approvalLink }: Checkout, now: EpochMs, isShort: boolean): SessionStatus {
  const isOver = expiresAt <= now;
  if (status === "priced" && isOver) return "expired";
  if (status === "awaiting_approval" && isOver) return "complete_in_progress";
  if (status === "awaiting_approval" && approvalLink === null) return "ready_for_payment";
  return isShort ? "not_ready_for_payment" : statuses[status];
}

/** A warning that comes with one answer: the shop has no discounts. */
export const noDiscounts: AcpMessage = {
  type: "warning",
  code: "discount_code_invalid",
  content_type: "plain",
  content: "The shop has no discount codes.",
};

function shortOf(checkout: Checkout, available: ReadonlyMap<string, number>): readonly number[] {
  return checkout.lines.flatMap((line, at) => (line.quantity > (available.get(line.variant_id) ?? 0) ? [at] : []));
}

function shortMessage(at: number): AcpMessage {
  return errorMessage("out_of_stock", errorCatalogue.out_of_stock.text, `$.line_items[${at}]`);
}

function problemMessage({ code, text, param }: Problem): AcpMessage {
  return errorMessage(code, text, param);
}

function stateMessages({ lastRefusal }: Checkout, status: SessionStatus): readonly AcpMessage[] {
  switch (status) {
    case "requires_escalation":
      return [
        {
          type: "error",
          code: "approval_required",
          resolution: "requires_buyer_review",
          content_type: "plain",
          content: "The buyer approves this payment in their wallet, at continue_url.",
        },
      ];
    case "ready_for_payment":
    case "not_ready_for_payment":
      return lastRefusal === null ? [] : [errorMessage("payment_declined", errorCatalogue[lastRefusal].text)];
    case "complete_in_progress":
      return [{ type: "info", content_type: "plain", content: "What became of the payment is being asked. It is charged at most once." }];
    case "expired":
      return [errorMessage("expired", errorCatalogue[lastRefusal ?? "checkout_expired"].text)];
    case "incomplete":
    case "completed":
    case "canceled":
      return [];
  }
}

function errorMessage(code: string, content: string, param?: string): AcpMessage {
  return { type: "error", code, resolution: "recoverable", content_type: "plain", content, ...(param === undefined ? {} : { param }) };
}

type Fulfillment = Pick<AcpSession, "fulfillment_details" | "fulfillment_options" | "selected_fulfillment_options">;

function fulfillmentOf({ shipping, lines, status }: Checkout): Fulfillment {
  if (shipping === null) return { fulfillment_options: [] };
  const { option, address, offers } = shipping;
  const item_ids = lines.map((line) => line.variant_id);
  return {
    ...(address === null ? {} : { fulfillment_details: { name: address.name, address: viewAddress(address) } }),
    fulfillment_options: canChange(status) ? offers.map(viewOption) : [],
    selected_fulfillment_options: [{ type: option === collectId ? "pickup" : "shipping", option_id: option, item_ids }],
  };
}

function viewOption({ id, title, amount }: ShippingOffer): FulfillmentOption {
  const option = { id, title, totals: [{ type: "fulfillment", display_text: title, amount: amount.amount } as const] };
  return id === collectId
    ? { type: "pickup", ...option, location: { name: pickupPlace.name, address: viewAddress(pickupPlace) } }
    : { type: "shipping", ...option };
}

/** ACP wants a `state` of every address: empty where there is none. */
export function viewAddress({ name, line1, line2, city, region = "", country, postal_code }: Address): AcpAddress {
  return { name, line_one: line1, ...(line2 === undefined ? {} : { line_two: line2 }), city, state: region, country, postal_code };
}
