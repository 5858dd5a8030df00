import { readBytes } from "@countersign/service/body";
import type { Refusal } from "@countersign/protocol/errors";
import { ok, type Result } from "@countersign/protocol/result";
import { readCheckoutOfRequest } from "../checkout/checkout-rows.ts";
import { readRefundOfRequest } from "../refunds/refund-rows.ts";
import type { Shop } from "../shop.ts";

/** Where the wallet pushes its events: the `webhook_uri` of the store's registration there. */
export const walletEventsPath = "/webhooks/wallet";
/** Where the bank pushes its events: the `webhook_uri` of the store's registration there. */
export const bankEventsPath = "/webhooks/bank";

const bytesMax = 16_384;

/**
 * Takes an event of the wallet (RFC 8935, push of a Security Event Token): verified, then only a hint to look at the payment request now. A forged one is
 * answered with 400, a doubled or late one with 202 and no effect, because what counts is the request as the wallet answers for it.
 */
export function takeWalletEvent(shop: Shop, request: Request): Promise<Response> {
  return takeEvent(shop, request, "wallet", async (token) => {
    const event = await shop.payee.readEvent(token);
    if (!event.ok) return event;
    const checkout = await readCheckoutOfRequest(shop.db, event.value.requestId);
    if (checkout?.status === "awaiting_approval") shop.watchers.look(checkout);
    const refund = checkout === undefined ? await readRefundOfRequest(shop.db, event.value.requestId) : undefined;
    if (refund?.state === "awaiting_approval") shop.paymentLooks.lookAtRefund(refund.id);
    return ok("taken");
  });
}

/** Takes an event of the bank, as {@link takeWalletEvent} does one of the wallet: a hint to read the payment, whatever the event says of it. The bank keeps it until that was done. */
export function takeBankEvent(shop: Shop, request: Request): Promise<Response> {
  return takeEvent(shop, request, "bank", async (token) => {
    const event = await shop.bankEvents.read(token);
    return event.ok ? ok((await shop.paymentLooks.look(event.value.paymentId, event.value.sequence)) ? "taken" : "unread") : event;
  });
}

async function takeEvent(
  shop: Shop,
  request: Request,
  sender: "wallet" | "bank",
  take: (token: string) => Promise<Result<"taken" | "unread", Refusal>>,
): Promise<Response> {
  if (request.method !== "POST") return new Response(null, { status: 405, headers: { allow: "POST" } });
  const body = await readBytes(request, bytesMax);
  const isToken = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() === "application/secevent+jwt";
  if (!body.ok || !isToken) return refused("invalid_request", "not one Security Event Token");
  const taken = await take(body.value.toString("utf8"));
  if (taken.ok) return taken.value === "taken" ? new Response(null, { status: 202 }) : later();
  const { code } = taken.error;
  shop.report({ event: sender === "wallet" ? "wallet_event_refused" : "bank_event_refused", code });
  if (code === "authorization_server_unreachable" || code === "unavailable") return later();
  return refused("authentication_failed", `not an event of this ${sender} for this payee`);
}

function later(): Response {
  return new Response(null, { status: 503, headers: { "retry-after": "5" } });
}

/** RFC 8935 section 2.3. */
function refused(code: "invalid_request" | "authentication_failed", description: string): Response {
  return Response.json({ err: code, description }, { status: 400, headers: { "cache-control": "no-store" } });
}
