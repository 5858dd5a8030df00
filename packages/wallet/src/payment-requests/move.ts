import { randomBytes } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import { canTransition, paymentRequestTransitions } from "@countersign/protocol/payment";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import { addDelivery } from "@countersign/storage/deliveries";
import type { RecordOptions, StoredRecord } from "@countersign/storage/records";
import { writeAudit } from "../audit/log.ts";
import { paymentFieldsOf } from "../audit/payment-fields.ts";
import { release } from "../limits/reserve.ts";
import { setDeadline } from "./deadlines.ts";
import {
  approvedRetentionMs,
  decisionChannel,
  endOf,
  type MandateOutcome,
  type PaymentDecision,
  type PaymentRequest,
  paymentRequestKind,
  writtenStatusOf,
} from "./request.ts";

export type RequestChange = { readonly decision: PaymentDecision } | { readonly outcome: MandateOutcome };

/**
 * The one way in which a payment request changes its status: a compare-and-set of the row, and in the same transaction all that follows from it. Whether
 * the change is allowed was judged by the caller; one that no status permits throws. Refuses with `conflict` when somebody else was first.
 * `keepsReserved`: the payment may have been made all the same, so what it counted toward the account's limits stays counted.
 */
export async function moveRequest(
  tx: Database<unknown>,
  found: StoredRecord<PaymentRequest>,
  change: RequestChange,
  now: EpochMs,
  { keepsReserved = false }: { readonly keepsReserved?: boolean } = {},
): Promise<Result<PaymentRequest, Refusal>> {
  const before = writtenStatusOf(found.value);
  const moved: PaymentRequest = { ...found.value, ...change, sequence: found.value.sequence + 1 };
  const after = writtenStatusOf(moved);
  if (!canTransition(paymentRequestTransitions, before, after)) throw new TypeError(`a request that is ${before} never becomes ${after}`);
  const updated = await tx.records(paymentRequestKind).update(found.id, found.version, moved, optionsAfter(found, moved, now));
  if (!updated.ok) return err(refuse("conflict", "the request changed meanwhile"));
  await setDeadline(tx, found.id, endOf(moved));
  if (isFree(moved) && !keepsReserved) await release(tx, found.id);
  await tellUser(tx, found.id, moved, now);
  if (moved.isAnnounced) {
    const event = {
      event_id: `evt_${randomBytes(16).toString("base64url")}`,
      target_id: moved.payee.id,
      subject_id: found.id,
      sequence: moved.sequence,
    };
    await addDelivery(tx, { ...event, status: after, event_at: now });
  }
  await tx.signals.notify(decisionChannel(found.id), "");
  return ok(moved);
}

/**
 * Writes down how much of an approved payment was taken in the end, in minor units; what the rest counted toward the account's limits is given back, in the same
 * transaction. The status stays `redeemed`, and its payee knows the sum: nobody is told. Refuses with `conflict` when somebody else was first.
 */
export async function settleRequest(
  tx: Database<unknown>,
  found: StoredRecord<PaymentRequest>,
  outcome: Extract<MandateOutcome, { readonly status: "redeemed" }> & { readonly captured: number },
  now: EpochMs,
): Promise<Result<PaymentRequest, Refusal>> {
  const settled: PaymentRequest = { ...found.value, outcome };
  const updated = await tx.records(paymentRequestKind).update(found.id, found.version, settled, optionsAfter(found, settled, now));
  if (!updated.ok) return err(refuse("conflict", "the request changed meanwhile"));
  await release(tx, found.id, outcome.captured);
  const { decision } = settled;
  if (decision?.status === "approved") {
    const event = { type: "payment_settled", ...paymentFieldsOf(found.id, settled), amount: outcome.captured } as const;
    await writeAudit(tx, { accountId: decision.accountId, at: now }, event);
  }
  return ok(settled);
}

/** A request belongs to whoever decided it; an approved one is kept as long as it may be disputed. */
function optionsAfter(found: StoredRecord<PaymentRequest>, moved: PaymentRequest, now: EpochMs): RecordOptions {
  const { decision } = moved;
  if (decision === null || !("accountId" in decision)) return {};
  const keys = { ...found.keys, account: decision.accountId };
  return decision.status === "approved" && moved.outcome === null ? { keys, expiresAt: now + approvedRetentionMs } : { keys };
}

/** Whether it is certain that nothing will be paid: what the approval counted toward the account's limits is given back. */
function isFree({ outcome }: PaymentRequest): boolean {
  return outcome !== null && outcome.status !== "redeemed";
}

/** Adds to the account's log what happened without the user; what the user did is written where it was done. */
async function tellUser(tx: Database<unknown>, requestId: string, moved: PaymentRequest, at: EpochMs): Promise<void> {
  const { decision, outcome } = moved;
  if (decision?.status !== "approved" || outcome === null || outcome.status === "expired") return;
  await writeAudit(tx, { accountId: decision.accountId, at }, { type: `payment_${outcome.status}`, ...paymentFieldsOf(requestId, moved) });
}
