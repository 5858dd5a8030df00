import type { Database } from "@countersign/storage/open";
import type { Checkout } from "../checkout/checkout.ts";
import { readOrderOfPayment } from "../orders/order-rows.ts";
import { orderPageUrl } from "../orders/order-page.ts";
import { readRefundsOf } from "../refunds/refund-rows.ts";
import type { Shop } from "../shop.ts";
import { readAvailability } from "../stock.ts";
import type { StoreTables } from "../tables.ts";
import type { PaymentHandler } from "./handler.ts";
import { viewAcpOrder } from "./order.ts";
import { type AcpSession, type SessionParts, viewSession } from "./session.ts";

/** What the surface is made of. */
export interface AcpParts {
  readonly shop: Shop;
  readonly handler: PaymentHandler;
}

type Extras = Partial<Pick<SessionParts, "problems" | "notes">>;

/** A checkout as a session, with what is read beside it. `db` may be a transaction. */
export async function showSession(parts: AcpParts, db: Database<StoreTables>, checkout: Checkout, extras: Extras): Promise<AcpSession> {
  const order = checkout.paymentId === null ? undefined : await readOrderOfPayment(db, checkout.paymentId);
  return viewSession({
    checkout,
    now: parts.shop.clock(),
    handler: parts.handler,
    available: checkout.status === "priced" ? await readAvailability(db) : new Map(),
    order: order && viewAcpOrder(order, await readRefundsOf(db, order.paymentId), orderPageUrl(parts.shop, order.id)),
    problems: extras.problems ?? [],
    notes: extras.notes ?? [],
  });
}
