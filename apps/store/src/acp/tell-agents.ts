import { createHmac, randomUUID } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Secret } from "@countersign/protocol/secret";
import type { Logger } from "@countersign/service/log";
import { checkTarget, deliverDue, startOutbox, type OutboxMessage, type OutboxParts } from "@countersign/service/outbox/outbox";
import type { Database } from "@countersign/storage/open";
import { addDelivery, deliveriesOf, type Delivery, nextSequence } from "@countersign/storage/deliveries";
import { readCheckout } from "../checkout/checkout-rows.ts";
import type { AnnounceOrder } from "../orders/announce.ts";
import { readAnyOrder } from "../orders/order-rows.ts";
import { readRefundsOf } from "../refunds/refund-rows.ts";
import type { StoreTables } from "../tables.ts";
import { type AcpAgent, principalOf } from "./agents.ts";
import { viewAcpOrder } from "./order.ts";

export interface TellingParts {
  readonly db: Database<StoreTables>;
  readonly agents: readonly AcpAgent[];
  /** Public origin of the store. */
  readonly url: string;
  readonly permalinkOf: (orderId: string) => string;
  readonly logger: Logger;
  readonly now: () => EpochMs;
}

/** Tells agents of the orders that they sold. */
export interface Telling {
  readonly announce: AnnounceOrder;
  /** Delivers what is due, once. */
  deliver(): Promise<void>;
  /** Delivers by itself from here on. */
  start(): void;
  close(): Promise<void>;
}

/** Makes it. Throws `StartupProblem` on an address that is not safe. */
export function createTelling(parts: TellingParts): Telling {
  const announce = createOrderAnnouncer(parts.agents, parts.url);
  const outbox = outboxOf(parts);
  const isNeeded = parts.agents.some((agent) => agent.webhook !== undefined);
  let stop: (() => Promise<void>) | undefined;
  return {
    announce,
    async deliver() {
      if (isNeeded) await deliverDue(outbox);
    },
    start() {
      if (isNeeded) stop ??= startOutbox(outbox);
    },
    async close() {
      await stop?.();
    },
  };
}

/** Notes orders of the sessions that agents made, each change once and in order, for those that registered an address. */
function createOrderAnnouncer(agents: readonly AcpAgent[], url: string): AnnounceOrder {
  const told = new Set<string>();
  for (const agent of agents) {
    if (agent.webhook === undefined) continue;
    checkTarget(agent.webhook.url, agent.id, url);
    told.add(principalOf(agent));
  }
  return async (tx, order, change, now) => {
    if (told.size === 0) return;
    const agent = (await readCheckout(tx, order.checkoutId))?.agent;
    if (agent === undefined || agent === null || !told.has(agent)) return;
    // The bank may give money back that nobody here asked for, so the number of refunds says nothing of the number of changes.
    const sequence = await nextSequence(tx, order.id);
    await addDelivery(tx, { event_id: randomUUID(), target_id: agent, subject_id: order.id, sequence, status: change, event_at: now });
  };
}

/** The store's outbox: changes of orders, each for the agent that sold it. What is told is the whole order as it is by then. */
function outboxOf(parts: TellingParts): OutboxParts<Delivery> {
  const agentOf = (principal: string): AcpAgent | undefined => parts.agents.find((agent) => principalOf(agent) === principal);
  return {
    rows: deliveriesOf(parts.db),
    targetOf: (principal) => agentOf(principal)?.webhook?.url,
    sign: async (delivery) => {
      const order = await readAnyOrder(parts.db, delivery.subject_id);
      const secret = agentOf(delivery.target_id)?.webhook?.secret;
      if (order === undefined || secret === undefined) throw new TypeError("an event has no order or no agent");
      const data = viewAcpOrder(order, await readRefundsOf(parts.db, order.paymentId), parts.permalinkOf(order.id));
      return signOrderEvent(JSON.stringify({ type: delivery.status, data }), delivery.event_id, secret, parts.now());
    },
    fieldsOf: (delivery) => ({ clientId: delivery.target_id, orderId: delivery.subject_id }),
    logger: parts.logger,
    now: parts.now,
  };
}

/**
 * One event as ACP's webhooks want it: `Merchant-Signature` over time and body, which receivers take for 300 seconds, so every attempt is signed anew under the
 * same `Request-Id`. 409 says that it came before.
 */
function signOrderEvent(json: string, eventId: string, secret: Secret, now: EpochMs): OutboxMessage {
  const seconds = Math.floor(now / 1000);
  const signature = createHmac("sha256", secret.reveal()).update(`${seconds}.${json}`).digest("hex");
  return {
    json,
    headers: { "merchant-signature": `t=${seconds},v1=${signature}`, "request-id": eventId, timestamp: new Date(now).toISOString() },
    taken: [409],
  };
}
