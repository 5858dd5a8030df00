import { randomBytes } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { PaymentPayee } from "@countersign/protocol/payment";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { RecordKind, StoredRecord } from "@countersign/storage/records";
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
 * `buyer`: the account that alone may decide. Refuses with `claimed_elsewhere` when the open request is another account's.
 */
export async function lodgePaymentRequest(
  database: Database<unknown>,
  payee: PaymentPayee,
  checkout: SignedCheckout & { readonly isAnnounced: boolean; readonly buyer: string | null },
  now: EpochMs,
): Promise<Result<LodgedRequest, Refusal>> {
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
    buyer: checkout.buyer,
  };
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const lodged = await database.transaction((tx) => lodgeOnce(tx, id, request, now));
    if (lodged !== "collision") return lodged;
  }
  throw new Error("a payment request kept colliding with another one for the same checkout");
}

async function lodgeOnce(
  tx: Database<unknown>,
  id: string,
  request: PaymentRequest,
  now: EpochMs,
): Promise<Result<LodgedRequest, Refusal> | "collision"> {
  const pointers = tx.records(liveRequestKind);
  const requests = tx.records(paymentRequestKind);
  const pointerId = sha256(`${request.payee.id}\n${request.checkoutHash}`);
  const options = { expiresAt: request.expiresAt + requestRetentionMs };
  const there = await pointers.get(pointerId, now);
  const pointed = there === undefined ? undefined : await requests.get(there.value.requestId, now);
  if (there !== undefined && pointed !== undefined && isLive(pointed.value, now)) {
    return bindBuyer(tx, pointed, request.buyer, now);
  }
  const claimed =
    there === undefined
      ? await pointers.create(pointerId, { requestId: id }, options)
      : await pointers.update(pointerId, there.version, { requestId: id }, options);
  if (!claimed.ok) return "collision";
  const created = await requests.create(id, request, { keys: { payee: request.payee.id }, ...options });
  if (!created.ok) return "collision";
  await setDeadline(tx, id, endOf(request));
  return ok({ id, request, isNew: true });
}

/**
 * The live request, for the user who asks for it now. One that nobody was named for becomes theirs while it is open, and is nobody else's from then on; one
 * that is another user's is refused, and stays theirs.
 */
async function bindBuyer(
  tx: Database<unknown>,
  found: StoredRecord<PaymentRequest>,
  buyer: string | null,
  now: EpochMs,
): Promise<Result<LodgedRequest, Refusal> | "collision"> {
  const lodged = { id: found.id, request: found.value, isNew: false };
  if (buyer === null || statusOf(found.value, now) !== "created" || found.value.buyer === buyer) return ok(lodged);
  if (found.value.buyer !== null) return err(refuse("claimed_elsewhere", "the payment was asked for in another user's name"));
  const bound = { ...found.value, buyer };
  const updated = await tx.records(paymentRequestKind).update(found.id, found.version, bound);
  return updated.ok ? ok({ ...lodged, request: bound }) : "collision";
}

function isLive(request: PaymentRequest, now: EpochMs): boolean {
  const status = statusOf(request, now);
  return status === "created" || status === "approved" || status === "redeemed";
}
