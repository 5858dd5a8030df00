import type { EpochMs } from "@countersign/protocol/brand";
import { eventClaims } from "@countersign/protocol/event-token";
import { paymentRequestEvent } from "@countersign/protocol/wallet-event";
import type { Delivery } from "@countersign/storage/deliveries";
import { SignJWT } from "jose";
import type { SigningKey } from "../keys.ts";

/**
 * Signs one event for its payee: a Security Event Token (RFC 8417) with ES256. `jti` is the event's id, the same at each attempt; `iat` is the time of this
 * attempt, so that an old one can be told from a late one; `toe` is when it happened. It names the request and says nothing that is worth stealing.
 */
export function signEvent(delivery: Delivery, issuer: string, key: SigningKey, now: EpochMs): Promise<string> {
  const { event_id: id, target_id: audience, subject_id: subjectId, status, sequence, event_at: at } = delivery;
  return new SignJWT(eventClaims({ issuer, audience, event: paymentRequestEvent, id, subjectId, status, sequence, at }, now))
    .setProtectedHeader({ alg: "ES256", typ: "secevent+jwt", kid: key.kid })
    .sign(key.privateKey);
}
