import { type Refusal, refuse } from "@countersign/protocol/errors";
import { cancelCheckout } from "../checkout/cancel.ts";
import { changeCheckout } from "../checkout/change.ts";
import { canChange, type Checkout } from "../checkout/checkout.ts";
import { createCheckout } from "../checkout/create.ts";
import { findCheckout } from "../checkout/find.ts";
import { collectId } from "../checkout/shipping.ts";
import { orderPageUrl } from "../orders/order-page.ts";
import { readOrderOfPayment } from "../orders/order-rows.ts";
import { payByLink } from "../payment/ask-by-link.ts";
import { walletHandler } from "../payment/wallet-handler.ts";
import type { Shop } from "../shop.ts";
import { messageOf, recoverable, type UcpMessage } from "./message.ts";
import { errorEnvelope } from "./profile.ts";
import { invalidOption, type ReadWish, readWish } from "./read-wish.ts";
import type { KeepAnswer } from "./replay.ts";
import type { Completion, WantedCheckout } from "./shapes.ts";
import { type Confirmation, viewUcp } from "./view.ts";

/** What an operation comes to. `ucp`: an answer of the business, good or bad, with its status over REST. `protocol`: the request could not be processed. */
export type UcpAnswer = UcpBusinessAnswer | { readonly kind: "protocol"; readonly refusal: Refusal };

export interface UcpBusinessAnswer {
  readonly kind: "ucp";
  readonly status: 200 | 201 | 404;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Refusals that say nothing about the checkout. */
const notOfBusiness: ReadonlySet<string> = new Set([
  "authorization_server_unreachable",
  "protocol_error",
  "client_not_allowed",
  "internal_error",
  "conflict",
]);

/** Makes a checkout, or says why none was made. */
export async function createSession(shop: Shop, wanted: WantedCheckout, keep: KeepAnswer): Promise<UcpAnswer> {
  const wish = readWish(wanted, undefined);
  if (!wish.ok) return noCheckout(200, wish.error);
  const now = shop.clock();
  const answerOf = (checkout: Checkout): UcpBusinessAnswer => ({ kind: "ucp", status: 201, body: viewUcp(checkout, now, []) });
  const created = await createCheckout(shop, wish.value, null, keep(answerOf));
  if (created.ok) return answerOf(created.value);
  return notOfBusiness.has(created.error.code) ? protocol(created.error) : noCheckout(200, [priceMessage(created.error, wish.value)]);
}

/** Reads a checkout. */
export async function getSession(shop: Shop, id: string): Promise<UcpAnswer> {
  return await tell(shop, id, []);
}

/** Replaces what is wanted. What cannot be done leaves the checkout, and an approval that is waited for, as they are; so does a request that changes nothing. */
export async function updateSession(shop: Shop, id: string, wanted: WantedCheckout, keep: KeepAnswer): Promise<UcpAnswer> {
  const found = await findCheckout(shop, id, null);
  if (!found.ok) return tell(shop, id, []);
  const checkout = found.value;
  if (!canChange(checkout.status)) return tell(shop, id, [closedMessage(checkout)]);
  const wish = readWish(wanted, checkout);
  if (!wish.ok) return tell(shop, id, wish.error);
  if (isSame(checkout, wish.value)) return tell(shop, id, []);
  const { items, address, option } = wish.value;
  const answerOf = plainAnswer(shop);
  const changed = await changeCheckout(shop, checkout, { items, address: address ?? undefined, option }, checkout.version, keep(answerOf));
  if (changed.ok) return answerOf(changed.value);
  return notOfBusiness.has(changed.error.code) ? protocol(changed.error) : tell(shop, id, [priceMessage(changed.error, wish.value)]);
}

/**
 * Completes a checkout as far as it can be now: the first time the buyer has to approve, and once they have it is paid. It is charged once however often this
 * is asked for, and completes by itself if nobody asks again.
 */
export async function completeSession(shop: Shop, id: string, { payment }: Completion): Promise<UcpAnswer> {
  const found = await findCheckout(shop, id, null);
  if (!found.ok) return tell(shop, id, []);
  if (payment?.instruments?.some((instrument) => instrument.handler_id !== walletHandler.id) === true) {
    return tell(shop, id, [recoverable("invalid_handler_id", "This shop is paid by the handler that the checkout names.", "$.payment.instruments")]);
  }
  const paid = await payByLink(shop, found.value);
  if (paid.outcome !== "refused") return tell(shop, id, []);
  if (notOfBusiness.has(paid.refusal.code)) return protocol(paid.refusal);
  return tell(shop, id, [messageOf(paid.refusal)]);
}

/** Gives a checkout up. */
export async function cancelSession(shop: Shop, id: string, keep: KeepAnswer): Promise<UcpAnswer> {
  const found = await findCheckout(shop, id, null);
  if (!found.ok) return tell(shop, id, []);
  // What is over cannot be given up: UCP has that told.
  if (found.value.status === "canceled") return tell(shop, id, [closedMessage(found.value)]);
  const answerOf = plainAnswer(shop);
  const canceled = await cancelCheckout(shop, found.value, keep(answerOf));
  if (canceled.ok) return answerOf(canceled.value);
  return notOfBusiness.has(canceled.error.code) ? protocol(canceled.error) : tell(shop, id, [messageOf(canceled.error)]);
}

/** The checkout as it is now, with what this request has to say of it. */
async function tell(shop: Shop, id: string, messages: readonly UcpMessage[]): Promise<UcpAnswer> {
  const found = await findCheckout(shop, id, null);
  if (!found.ok) return noCheckout(404, [messageOf(found.error)]);
  const checkout = found.value;
  return { kind: "ucp", status: 200, body: viewUcp(checkout, shop.clock(), messages, await confirmationOf(shop, checkout)) };
}

async function confirmationOf(shop: Shop, { status, paymentId }: Checkout): Promise<Confirmation | undefined> {
  const order = status === "completed" && paymentId !== null ? await readOrderOfPayment(shop.db, paymentId) : undefined;
  return order && { id: order.id, permalink_url: orderPageUrl(shop, order.id) };
}

/** The answer that a checkout comes to when there is nothing to say of it, and no order yet. */
function plainAnswer({ clock }: Shop): (checkout: Checkout) => UcpBusinessAnswer {
  const now = clock();
  return (checkout) => ({ kind: "ucp", status: 200, body: viewUcp(checkout, now, []) });
}

function noCheckout(status: 200 | 404, messages: readonly UcpMessage[]): UcpAnswer {
  return { kind: "ucp", status, body: { ucp: errorEnvelope, messages } };
}

function protocol(refusal: Refusal): UcpAnswer {
  return { kind: "protocol", refusal };
}

function priceMessage(refusal: Refusal, { option }: ReadWish): UcpMessage {
  return refusal.code === "invalid_arguments" && option !== undefined && option !== collectId ? invalidOption() : messageOf(refusal);
}

/** While it is being charged the platform waits; after that nothing can be put right. */
function closedMessage({ status }: Checkout): UcpMessage {
  const isUnderWay = status === "authorized" || status === "completing";
  const { code, content } = messageOf(refuse("checkout_not_open"));
  return isUnderWay ? recoverable(code, content) : messageOf(refuse("checkout_not_open"));
}

function isSame({ lines, shipping }: Checkout, { items, address, option }: ReadWish): boolean {
  const listed = (each: readonly { readonly variant_id?: string | undefined; readonly quantity: number }[]): string =>
    JSON.stringify(each.map(({ variant_id, quantity }) => [variant_id, quantity]));
  if (shipping === null || listed(lines) !== listed(items)) return false;
  return JSON.stringify(shipping.address) === JSON.stringify(address) && (option === undefined || option === shipping.option);
}
