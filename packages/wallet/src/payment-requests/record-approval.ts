import { randomUUID } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { ApprovalChannel, SpendingWindow } from "@countersign/protocol/limits";
import { mandateClaims } from "@countersign/protocol/mandate";
import type { PaymentInstrument } from "@countersign/protocol/payment";
import { canTransition, paymentRequestTransitions } from "@countersign/protocol/payment";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { RecordKind, StoredRecord } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { atomically } from "../atomically.ts";
import { writeAudit } from "../audit/log.ts";
import { paymentFieldsOf } from "../audit/payment-fields.ts";
import { sha256 } from "../digest.ts";
import type { SigningKey } from "../keys.ts";
import { reserve } from "../limits/reserve.ts";
import type { LimitDefaults } from "../limits/settings.ts";
import { signMandate } from "../mandate/sign-mandate.ts";
import { forgetDenial } from "../policies/denied-deals.ts";
import { rememberPayee } from "../policies/known-payees.ts";
import { sealedKind, type SealedValue, sealJson } from "../sealed-json.ts";
import { moveRequest } from "./move.ts";
import { keepReceipt } from "./receipts.ts";
import { approvedRetentionMs, detailsOf, isForAccount, isRefund, type PaymentRequest, paymentRequestKind, statusOf } from "./request.ts";

export interface RecordParts {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly signing: SigningKey;
  readonly issuer: string;
  readonly bankOrigin: string;
  readonly limits: LimitDefaults;
  readonly now: () => EpochMs;
}

/** A yes that was verified: the request as it was judged, who pays from which account, and what proves it later. */
export interface ApprovedPayment {
  readonly requestId: string;
  readonly request: StoredRecord<PaymentRequest>;
  readonly accountId: string;
  readonly instrument: PaymentInstrument;
  readonly channel: ApprovalChannel;
  /** The app through which the user was asked. */
  readonly clientId?: string | undefined;
  /** JSON; the mandate carries its digest. */
  readonly evidence: unknown;
  /** The browser's request, for the log. */
  readonly broughtBy?: Request | undefined;
  /** The budget of the policy that approves, when one does. */
  readonly budgets?: readonly SpendingWindow[];
}

/** What proves an approval later, under the mandate's `jti`. */
export const evidenceKind: RecordKind<SealedValue> = sealedKind("approval-evidence");

/** Seals a mandate to its request. */
export function mandateBinding(requestId: string): string {
  return `${paymentRequestKind.name}:${requestId}:mandate`;
}

/**
 * Moves a request from created to approved, counts it toward the account's limits and writes the mandate, together with what `alongside` writes: all in one
 * transaction, or nothing. Exactly one approval of a request ever succeeds. Refuses with `conflict`, `over_limit`, and as `alongside` does. A policy's
 * approval says in the mandate that no human was present. Where money comes back there is no mandate, nothing counts and the payee is not known by it.
 */
export async function recordApproval(
  parts: RecordParts,
  approved: ApprovedPayment,
  alongside: (tx: Database<unknown>) => Promise<Result<void, Refusal>>,
): Promise<Result<void, Refusal>> {
  const now = parts.now();
  const { requestId, accountId, request, channel } = approved;
  const { payee, terms, keyThumbprint } = request.value;
  if (isRefund(request.value)) return recordRefundApproval(parts, approved, alongside);
  const jti = randomUUID();
  const evidenceText = JSON.stringify(approved.evidence);
  const mandate = await signMandate(
    mandateClaims({
      issuer: parts.issuer,
      bank: parts.bankOrigin,
      subject: accountId,
      jti,
      issuedAt: Math.floor(now / 1000),
      keyThumbprint,
      details: detailsOf(request.value, approved.instrument),
      evidence: sha256(evidenceText),
      humanPresent: channel !== "policy",
      requestId,
      clientId: approved.clientId,
    }),
    parts.signing,
  );
  const decision = { status: "approved", at: now, accountId, jti, sealedMandate: parts.sealer.seal(mandate, mandateBinding(requestId)) } as const;
  const evidence = sealJson(parts.sealer, `${evidenceKind.name}:${jti}`, evidenceText);
  const budgets = approved.budgets ?? [];
  const counted = { accountId, requestId, payeeId: payee.id, currency: terms.currency, amount: terms.amount, channel, at: now, budgets };
  return atomically(parts.database, async (tx) => {
    const beside = await alongside(tx);
    if (!beside.ok) return beside;
    const moved = await moveRequest(tx, request, { decision }, now);
    if (!moved.ok) return moved;
    const reserved = await reserve(tx, counted, parts.limits);
    if (!reserved.ok) return reserved;
    await tx.records(evidenceKind).put(jti, evidence, { expiresAt: now + approvedRetentionMs });
    if (channel !== "policy") {
      await rememberPayee(tx, { accountId, payee, keyThumbprint }, now);
      await forgetDenial(tx, accountId, request.value);
    }
    await keepReceipt(tx, request.value, { requestId, accountId, at: now, instrument: approved.instrument, humanPresent: channel !== "policy" });
    const type = channel === "policy" ? "payment_auto_approved" : "payment_approved";
    await writeAudit(tx, { accountId, at: now, request: approved.broughtBy }, { type, ...paymentFieldsOf(requestId, request.value) });
    return ok(undefined);
  });
}

async function recordRefundApproval(
  parts: RecordParts,
  { requestId, accountId, request, evidence, broughtBy, channel }: ApprovedPayment,
  alongside: (tx: Database<unknown>) => Promise<Result<void, Refusal>>,
): Promise<Result<void, Refusal>> {
  if (channel === "policy") throw new TypeError("no policy approves a refund");
  const now = parts.now();
  const jti = randomUUID();
  const sealed = sealJson(parts.sealer, `${evidenceKind.name}:${jti}`, JSON.stringify(evidence));
  return atomically(parts.database, async (tx) => {
    const beside = await alongside(tx);
    if (!beside.ok) return beside;
    const moved = await moveRequest(tx, request, { decision: { status: "approved", at: now, accountId, jti, sealedMandate: null } }, now);
    if (!moved.ok) return moved;
    await tx.records(evidenceKind).put(jti, sealed, { expiresAt: now + approvedRetentionMs });
    await writeAudit(tx, { accountId, at: now, request: broughtBy }, { type: "refund_approved", ...paymentFieldsOf(requestId, request.value) });
    return ok(undefined);
  });
}

/** The request, when this account can still decide it. Refuses with `not_found`, `payment_request_expired` and `conflict`, and with `claimed_elsewhere` another buyer's. */
export async function findOpenRequest(
  database: Pick<Database<unknown>, "records">,
  requestId: string,
  accountId: string,
  now: EpochMs,
): Promise<Result<StoredRecord<PaymentRequest>, Refusal>> {
  const found = await database.records(paymentRequestKind).get(requestId, now);
  if (found === undefined) return err(refuse("not_found"));
  if (!isForAccount(found.value, accountId)) return err(refuse("claimed_elsewhere", "the payment is another user's"));
  const status = statusOf(found.value, now);
  if (canTransition(paymentRequestTransitions, status, "approved")) return ok(found);
  return err(status === "expired" ? refuse("payment_request_expired") : refuse("conflict", `the request is ${status}`));
}
