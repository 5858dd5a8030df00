import { randomBytes } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { PaymentPayee } from "@countersign/protocol/payment";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";
import { sha256 } from "../digest.ts";
import type { SignedCheckout } from "./checkout-jwt.ts";
import { setDeadline } from "./deadlines.ts";
import { endOf, type PaymentRequest, paymentRequestKind, requestRetentionMs, statusOf } from "./request.ts";

/** A user is asked for at most so long. */
export const requestTtlMs: number = 15 * 60_000;

export interface LodgedRequest {
  readonly id: string;
  readonly request: PaymentRequest;
  /** False when the same request was already there. */
  readonly isNew: boolean;
}

const pointer = z.object({ requestId: z.string() });

/** Points from (payee, checkout hash) to the one request that may be live for it. */
export const liveRequestKind: RecordKind<{ readonly requestId: string }> = { name: "live-payment-request", parse: (json) => pointer.parse(json) };

/**
 * Lodges a payment request, or gives the one that is there: at most one is live for each payee and checkout. An approved one stays live while its
 * mandate can be used and after it was, so that no checkout is ever paid twice; after every other end the same terms may be asked again.
 */
export async function lodgePaymentRequest(
  database: Database<unknown>,
  payee: PaymentPayee,
  checkout: SignedCheckout & { readonly isAnnounced: boolean },
  now: EpochMs,
): Promise<LodgedRequest> {
  const id = `pr_${randomBytes(16).toString("base64url")}`;
  const request: PaymentRequest = {
    payee,
    terms: checkout.terms,
    checkoutHash: checkout.checkoutHash,
    keyThumbprint: checkout.keyThumbprint,
    createdAt: now,
    expiresAt: Math.min(checkout.expiresAt, now + requestTtlMs),
    decision: null,
    outcome: null,
    sequence: 0,
    isAnnounced: checkout.isAnnounced,
    checkoutJwt: checkout.jwt,
  };
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const lodged = await database.transaction((tx) => lodgeOnce(tx, id, request, now));
    if (lodged !== "collision") return lodged;
  }
  throw new Error("a payment request kept colliding with another one for the same checkout");
}

async function lodgeOnce(tx: Database<unknown>, id: string, request: PaymentRequest, now: EpochMs): Promise<LodgedRequest | "collision"> {
  const pointers = tx.records(liveRequestKind);
  const requests = tx.records(paymentRequestKind);
  const pointerId = sha256(`${request.payee.id}\n${request.checkoutHash}`);
  const options = { expiresAt: request.expiresAt + requestRetentionMs };
  const there = await pointers.get(pointerId, now);
  const pointed = there === undefined ? undefined : await requests.get(there.value.requestId, now);
  if (there !== undefined && pointed !== undefined && isLive(pointed.value, now)) {
    return { id: there.value.requestId, request: pointed.value, isNew: false };
  }
  const claimed =
    there === undefined
      ? await pointers.create(pointerId, { requestId: id }, options)
      : await pointers.update(pointerId, there.version, { requestId: id }, options);
  if (!claimed.ok) return "collision";
  const created = await requests.create(id, request, { keys: { payee: request.payee.id }, ...options });
  if (!created.ok) return "collision";
  await setDeadline(tx, id, endOf(request));
  return { id, request, isNew: true };
}

function isLive(request: PaymentRequest, now: EpochMs): boolean {
  const status = statusOf(request, now);
  return status === "created" || status === "approved" || status === "redeemed";
}
