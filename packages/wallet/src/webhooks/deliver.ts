import type { EpochMs } from "@countersign/protocol/brand";
import type { Logger } from "@countersign/service/log";
import { checkTarget, type OutboxParts, startOutbox } from "@countersign/service/outbox/outbox";
import type { Database } from "@countersign/storage/database";
import type { WalletKeys } from "../keys.ts";
import type { WalletClient } from "../options.ts";
import { claimDelivery, type Delivery, deliveryChannel, endDelivery, postponeDelivery, readDueDeliveries, readDuePayees } from "./deliveries.ts";
import { signEvent } from "./sign-event.ts";

export interface WebhookParts {
  readonly database: Database<unknown>;
  readonly issuer: string;
  readonly keys: Pick<WalletKeys, "signing">;
  readonly clients: readonly WalletClient[];
  readonly logger: Logger;
  readonly now: () => EpochMs;
}

/** The wallet's outbox: changes of payment requests, each for its payee. */
export function outboxOf(parts: WebhookParts): OutboxParts<Delivery> {
  const { database, logger, now } = parts;
  return {
    rows: {
      readDueTargets: (at) => readDuePayees(database, at),
      readDue: (payeeId, at, limit) => readDueDeliveries(database, payeeId, at, limit),
      claim: (delivery, nextAt) => claimDelivery(database, delivery, nextAt),
      postpone: (eventId, nextAt) => postponeDelivery(database, eventId, nextAt),
      end: (eventId) => endDelivery(database, eventId),
      subscribe: (wake) => database.signals.subscribe(deliveryChannel, wake),
    },
    targetOf: (payeeId) => parts.clients.find((client) => client.client_id === payeeId)?.webhook_uri,
    targetIdOf: (delivery) => delivery.payee_id,
    sign: (delivery) => signEvent(delivery, parts.issuer, parts.keys.signing, now()),
    fieldsOf: (delivery) => ({ clientId: delivery.payee_id, paymentRequestId: delivery.request_id }),
    logger,
    now,
  };
}

/** Delivers until the answer is called, as {@link startOutbox}. Throws `StartupProblem` on an unsafe address. */
export function startWebhooks(parts: WebhookParts): () => Promise<void> {
  for (const { client_id, webhook_uri } of parts.clients) if (webhook_uri !== undefined) checkTarget(webhook_uri, client_id, parts.issuer);
  return startOutbox(outboxOf(parts));
}
