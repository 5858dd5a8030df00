import type { Payee } from "@countersign/kit/payment/payee";
import { readUnasked } from "../checkout/checkout-rows.ts";
import { rememberRequest, type RememberParts } from "./remember-request.ts";

/**
 * Finds the payment requests of checkouts whose terms were signed and whose request was not noted, because a process ended in between or the wallet's answer was
 * lost: the same terms always lead to the same live request. One that a policy has approved would otherwise wait for somebody to press again, and one that was
 * never lodged is lodged now, for nobody in particular: the next press names its buyer. A wallet that does not answer is left alone until the next time.
 */
export async function findRequests(parts: RememberParts & { readonly payee: Pick<Payee, "lodge"> }, limit: number): Promise<void> {
  for (const checkout of await readUnasked(parts.db, limit)) {
    const { signed } = checkout;
    if (signed === null) continue;
    const lodged = await parts.payee.lodge(signed);
    if (lodged.ok) await rememberRequest(parts, checkout, signed.hash, { requestId: lodged.value.id, expiresAt: lodged.value.expiresAt });
    else if (lodged.error.code === "authorization_server_unreachable") return;
  }
}
