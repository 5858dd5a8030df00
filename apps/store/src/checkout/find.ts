import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Shop } from "../shop.ts";
import type { Checkout } from "./checkout.ts";
import { readCheckout } from "./checkout-rows.ts";

/**
 * The checkout that a caller names. `agent`: who they are by a key of their own, null for anyone else. Refuses one that is not there, or another agent's,
 * with `not_found`: nobody learns which.
 */
export async function findCheckout(shop: Pick<Shop, "db">, id: string, agent: string | null): Promise<Result<Checkout, Refusal>> {
  const checkout = await readCheckout(shop.db, id);
  return checkout === undefined || checkout.agent !== agent ? err(refuse("not_found")) : ok(checkout);
}
