import { randomUUID } from "node:crypto";
import { paymentScope } from "@countersign/protocol/scope";
import type { LoadedPage } from "./browser.ts";
import type { Payee } from "./payee.ts";
import { type AuthorizationRequest, authorizationRequest, checkout, type World } from "./world.ts";

/** A payment request that the store lodged, and the host's authorization request for it. */
export interface Lodged {
  readonly id: string;
  readonly checkoutJwt: string;
  readonly request: AuthorizationRequest;
}

/** Lodges a fresh checkout. `scope` is asked for beside the payment. */
export async function lodge(
  world: World,
  options: { readonly payee?: Payee; readonly checkout?: unknown; readonly scope?: string } = {},
): Promise<Lodged> {
  const payee = options.payee ?? world.payee;
  const checkoutJwt = await payee.signCheckout(options.checkout ?? { ...checkout, id: `co_${randomUUID()}` });
  const { status, body } = await payee.lodge(checkoutJwt);
  if (status !== 201) throw new Error(`lodging was refused: ${JSON.stringify(body)}`);
  const id = String(body["id"]);
  const scope = [paymentScope(id), ...(options.scope ?? "").split(" ").filter(Boolean)].join(" ");
  return { id, checkoutJwt, request: authorizationRequest(world, { scope }) };
}

/** Whether a page is the payment page. */
export function isPaymentPage(page: LoadedPage): boolean {
  return page.html.includes("total-amount");
}
