import type { EpochMs } from "@countersign/protocol/brand";
import { formatMinorUnits } from "@countersign/protocol/money";
import { errorCatalogue } from "@countersign/protocol/errors";
import type { Address } from "../checkout/address.ts";
import { canChange, type Checkout } from "../checkout/checkout.ts";
import type { CheckoutLine, Shipping } from "../checkout/price.ts";
import { collectId } from "../checkout/shipping.ts";
import { messageOf, type UcpMessage } from "./message.ts";
import { checkoutEnvelope } from "./profile.ts";
import { destinationId } from "./read-wish.ts";

export type UcpStatus = "incomplete" | "requires_escalation" | "ready_for_complete" | "complete_in_progress" | "completed" | "canceled";

export interface Confirmation {
  readonly id: string;
  readonly permalink_url: string;
}

/**
 * The status that UCP has for what a checkout is. A checkout that waits for an approval whose link is with somebody else, a person at the shop's own view, is
 * ready to be completed: completing gives the platform a link of its own, or says why not. One whose time to approve has just ended may have been approved in time.
 */
export function statusOf(checkout: Pick<Checkout, "status" | "expiresAt" | "approvalLink">, now: EpochMs): UcpStatus {
  const isOver = checkout.expiresAt <= now;
  switch (checkout.status) {
    case "open":
      return "incomplete";
    case "priced":
      return isOver ? "canceled" : "ready_for_complete";
    case "awaiting_approval":
      if (isOver) return "complete_in_progress";
      return checkout.approvalLink === null ? "ready_for_complete" : "requires_escalation";
    case "authorized":
    case "completing":
      return "complete_in_progress";
    case "completed":
      return "completed";
    case "expired":
    case "canceled":
      return "canceled";
  }
}

/** A checkout as UCP has it. `more`: what this request has to say of it. `order`: once it is paid. */
export function viewUcp(checkout: Checkout, now: EpochMs, more: readonly UcpMessage[], order?: Confirmation): Readonly<Record<string, unknown>> {
  const status = statusOf(checkout, now);
  const messages = [...more, ...messagesOf(checkout, status, more)];
  const fulfillment = viewFulfillment(checkout);
  return {
    ucp: checkoutEnvelope,
    id: checkout.id,
    status,
    currency: checkout.total.currency,
    line_items: checkout.lines.map(viewLine),
    totals: totalsOf(checkout),
    ...(fulfillment === undefined ? {} : { fulfillment }),
    ...(messages.length === 0 ? {} : { messages }),
    links: [],
    expires_at: new Date(checkout.expiresAt).toISOString(),
    ...(status === "requires_escalation" && checkout.approvalLink !== null ? { continue_url: checkout.approvalLink } : {}),
    ...(order === undefined ? {} : { order }),
  };
}

function messagesOf({ lastRefusal, tax }: Checkout, status: UcpStatus, said: readonly UcpMessage[]): readonly UcpMessage[] {
  const messages: UcpMessage[] = [];
  if (status === "requires_escalation") {
    const content = "The buyer reviews payee, items and total and approves with a passkey on the wallet's page.";
    messages.push({ type: "error", code: "approval_required", content, severity: "requires_buyer_review" });
  }
  if (lastRefusal !== null) {
    const told =
      status === "canceled"
        ? ({ type: "info", code: lastRefusal, content: errorCatalogue[lastRefusal].text } as const)
        : messageOf({ code: lastRefusal });
    if (!said.some((each) => each.code === told.code)) messages.push(told);
  }
  if (tax?.included === true && tax.amount.amount > 0) {
    const content = `The prices include ${tax.name} of ${formatMinorUnits(tax.amount)} ${tax.amount.currency}.`;
    messages.push({ type: "info", code: "tax_included", content });
  }
  return messages;
}

function lineId(line: CheckoutLine): string {
  return `li_${line.variant_id}`;
}

function viewLine(line: CheckoutLine): object {
  const { variant_id, title, quantity, unit_price, amount } = line;
  const totals = ["subtotal", "total"].map((type) => ({ type, amount: amount.amount }));
  return { id: lineId(line), item: { id: variant_id, title, price: unit_price.amount }, quantity, totals };
}

/** Everything before the total adds up to it: a tax that the prices include is no entry. */
function totalsOf({ lines, shipping, tax, total }: Checkout): readonly object[] {
  const subtotal = lines.reduce((sum, line) => sum + line.amount.amount, 0);
  return [
    { type: "subtotal", amount: subtotal },
    ...(shipping === null || shipping.address === null
      ? []
      : [{ type: "fulfillment", display_text: shipping.title, amount: shipping.amount.amount }]),
    ...(tax === null || tax.included ? [] : [{ type: "tax", display_text: tax.name, amount: tax.amount.amount }]),
    { type: "total", amount: total.amount },
  ];
}

/** What is chosen, and while it can be, what could be chosen instead. Where it goes is told only so long, as everywhere in this shop. */
function viewFulfillment({ lines, shipping, status }: Checkout): object | undefined {
  if (shipping === null) return undefined;
  const line_item_ids = lines.map(lineId);
  const isOpen = canChange(status);
  const isCollected = shipping.option === collectId;
  const options = shipping.offers.filter((offer) => isOpen && (offer.id === collectId) === isCollected).map(viewOption);
  const chosen = options.length > 0 ? options : [viewOption({ id: shipping.option, title: shipping.title, amount: shipping.amount })];
  const method = {
    id: isCollected ? "pickup" : "shipping",
    type: isCollected ? "pickup" : "shipping",
    line_item_ids,
    ...(isCollected || !isOpen ? {} : destinationOf(shipping)),
    groups: [{ id: "all", line_item_ids, options: chosen, selected_option_id: shipping.option }],
  };
  const available = ["shipping", "pickup"].map((type) => ({ type, line_item_ids, fulfillable_on: "now" }));
  return { methods: [method], ...(isOpen ? { available_methods: available } : {}) };
}

function destinationOf({ address }: Shipping): object {
  return address === null ? {} : { destinations: [viewAddress(address)], selected_destination_id: destinationId };
}

function viewOption({ id, title, amount }: Shipping["offers"][number]): object {
  return { id, title, totals: [{ type: "total", amount: amount.amount }] };
}

function viewAddress({ name, line1, line2, postal_code, city, region, country }: Address): object {
  const cut = name.lastIndexOf(" ");
  return {
    type: "shipping_address",
    id: destinationId,
    ...(cut < 0 ? { first_name: name } : { first_name: name.slice(0, cut), last_name: name.slice(cut + 1) }),
    street_address: line1,
    ...(line2 === undefined ? {} : { extended_address: line2 }),
    postal_code,
    address_locality: city,
    ...(region === undefined ? {} : { address_region: region }),
    address_country: country,
  };
}
