import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import type { StoreTables } from "../tables.ts";
import type { Order } from "./order.ts";

/** What happened to an order. */
export type OrderChange = "order_create" | "order_update";

/** Notes a change of an order for whoever is to be told of it, in the transaction of the change. */
export type AnnounceOrder = (
  tx: Database<StoreTables>,
  order: Pick<Order, "id" | "checkoutId" | "paymentId">,
  change: OrderChange,
  now: EpochMs,
) => Promise<void>;
