import type { EpochMs } from "@countersign/protocol/brand";
import type { Logger } from "@countersign/service/log";
import { checkTarget, type OutboxParts, startOutbox } from "@countersign/service/outbox/outbox";
import type { Database } from "@countersign/storage/database";
import { deliveriesOf, type Delivery } from "@countersign/storage/deliveries";
import type { WalletKeys } from "../keys.ts";
import type { WalletClient } from "../options.ts";
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
    rows: deliveriesOf(database),
    targetOf: (payeeId) => parts.clients.find((client) => client.client_id === payeeId)?.webhook_uri,
    sign: (delivery) => signEvent(delivery, parts.issuer, parts.keys.signing, now()),
    fieldsOf: (delivery) => ({ clientId: delivery.target_id, paymentRequestId: delivery.subject_id }),
    logger,
    now,
  };
}

/** Delivers until the answer is called, as {@link startOutbox}. Throws `StartupProblem` on an unsafe address. */
export function startWebhooks(parts: WebhookParts): () => Promise<void> {
  for (const { client_id, webhook_uri } of parts.clients) if (webhook_uri !== undefined) checkTarget(webhook_uri, client_id, parts.issuer);
  return startOutbox(outboxOf(parts));
}
