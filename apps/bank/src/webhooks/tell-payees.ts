import { randomUUID } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import { eventClaims } from "@countersign/protocol/event-token";
import { paymentEvent } from "@countersign/protocol/payment-event";
import type { Logger } from "@countersign/service/log";
import { checkTarget, type OutboxParts } from "@countersign/service/outbox/outbox";
import type { Database } from "@countersign/storage/database";
import { addDelivery, deliveriesOf, type Delivery } from "@countersign/storage/deliveries";
import { SignJWT } from "jose";
import type { BankClient } from "../clients.ts";
import type { Announce } from "../make-payment.ts";
import { sumsOf } from "../payment.ts";
import { statusOf } from "../payment-sums.ts";
import type { SigningKey } from "../signing-key.ts";
import type { BankTables } from "../tables.ts";

export interface TellingParts {
  readonly database: Database<BankTables>;
  readonly clients: readonly BankClient[];
  /** The bank's origin, which signs. */
  readonly issuer: string;
  readonly key: SigningKey;
  readonly logger: Logger;
  readonly now: () => EpochMs;
}

/** Notes each change of a payment whose payee registered an address for that. Throws `StartupProblem` on an unsafe address. */
export function createAnnouncer(clients: readonly BankClient[], issuer: string): Announce {
  const told = new Set<string>();
  for (const { clientId, webhookUri } of clients) {
    if (webhookUri === undefined) continue;
    checkTarget(webhookUri, clientId, issuer);
    told.add(clientId);
  }
  return async (tx, payment, now) => {
    if (!told.has(payment.payee)) return;
    const about = { target_id: payment.payee, subject_id: payment.id, sequence: payment.changes, status: statusOf(sumsOf(payment)) };
    await addDelivery(tx, { event_id: randomUUID(), ...about, event_at: now });
  };
}

/** The bank's outbox: changes of payments, each for its payee. */
export function outboxOf(parts: TellingParts): OutboxParts<Delivery> {
  const { issuer, key, now } = parts;
  return {
    rows: deliveriesOf(parts.database),
    targetOf: (payee) => parts.clients.find((client) => client.clientId === payee)?.webhookUri,
    sign: (delivery) => {
      const { event_id: id, target_id: audience, subject_id: subjectId, status, sequence, event_at: at } = delivery;
      return new SignJWT(eventClaims({ issuer, audience, event: paymentEvent, id, subjectId, status, sequence, at }, now()))
        .setProtectedHeader({ alg: "ES256", typ: "secevent+jwt", kid: key.kid })
        .sign(key.privateKey);
    },
    fieldsOf: (delivery) => ({ clientId: delivery.target_id, paymentId: delivery.subject_id }),
    logger: parts.logger,
    now,
  };
}
