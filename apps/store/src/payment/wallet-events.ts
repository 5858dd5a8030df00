import { readBytes } from "@countersign/service/body";
import { readCheckoutOfRequest } from "../checkout/checkout-rows.ts";
import type { Shop } from "../shop.ts";

/** Where the wallet pushes its events: the `webhook_uri` of the store's registration there. */
export const walletEventsPath = "/webhooks/wallet";

const bytesMax = 16_384;

/**
 * Takes an event of the wallet (RFC 8935, push of a Security Event Token): verified, then only a hint to look at the payment request now. A forged one is
 * answered with 400, a doubled or late one with 202 and no effect, because what counts is the request as the wallet answers for it.
 */
export async function takeWalletEvent(shop: Shop, request: Request): Promise<Response> {
  if (request.method !== "POST") return new Response(null, { status: 405, headers: { allow: "POST" } });
  const body = await readBytes(request, bytesMax);
  const isToken = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() === "application/secevent+jwt";
  if (!body.ok || !isToken) return refused("invalid_request", "not one Security Event Token");
  const event = await shop.payee.readEvent(body.value.toString("utf8"));
  if (!event.ok) {
    shop.report({ event: "wallet_event_refused", code: event.error.code });
    return event.error.code === "authorization_server_unreachable"
      ? new Response(null, { status: 503, headers: { "retry-after": "5" } })
      : refused("authentication_failed", "not an event of this wallet for this payee");
  }
  const checkout = await readCheckoutOfRequest(shop.db, event.value.requestId);
  if (checkout?.status === "awaiting_approval") shop.watchers.look(checkout);
  return new Response(null, { status: 202 });
}

/** RFC 8935 section 2.3. */
function refused(err: "invalid_request" | "authentication_failed", description: string): Response {
  return Response.json({ err, description }, { status: 400, headers: { "cache-control": "no-store" } });
}
