import { createHash, timingSafeEqual } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import { isPaymentIdentifier } from "@countersign/protocol/payment";
import { judgeRedemption, judgeSettlement, judgeVoid, type MandateStanding, type OnceVerdict } from "@countersign/protocol/redemption";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { member, textList } from "@countersign/protocol/shape";
import type { Secret } from "@countersign/protocol/secret";
import type { Database } from "@countersign/storage/database";
import type { StoredRecord } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { decodeJwt } from "jose";
import { moveRequest, settleRequest } from "../payment-requests/move.ts";
import { mandateBinding } from "../payment-requests/record-approval.ts";
import { type MandateOutcome, type PaymentDecision, type PaymentRequest, paymentRequestKind, statusOf } from "../payment-requests/request.ts";

export interface RedeemParts {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly now: () => EpochMs;
}

/** What the one who redeems or voids is told, the same however often it asks. */
export interface RedemptionView {
  readonly request_id: string;
  readonly jti: string;
  readonly status: "redeemed" | "voided";
  readonly reference: string;
  readonly redeemed_at: string;
  /** In minor units: how much was taken, once that was said. */
  readonly captured?: number;
}

/**
 * Uses a mandate, once: `by` is the client that asks and must be in the mandate's audience, `reference` its own id of the payment. The same client with the
 * same reference gets the first answer again, also after the mandate's end. A mandate counts only as the very text that this wallet signed and keeps.
 * Refuses as {@link judgeRedemption} does, and with `mandate_invalid` for anything that is not such a text.
 */
export async function redeemMandate(
  parts: RedeemParts,
  asked: { readonly mandate: Secret; readonly by: string; readonly reference: string },
): Promise<Result<RedemptionView, Refusal>> {
  const requestId = claimedRequestId(asked.mandate);
  if (requestId === undefined) return err(refuse("mandate_invalid", "not a mandate"));
  const settled = await settleOnce(parts, requestId, asked, (known, now) => {
    if (!isSameText(known.mandate, asked.mandate.reveal())) return err(refuse("mandate_invalid", "not a mandate of this wallet"));
    const verdict = judgeRedemption(known.standing, asked);
    const outcome = { status: "redeemed", at: now, by: asked.by, reference: asked.reference, captured: null } as const;
    return verdict.ok ? ok({ verdict: verdict.value, outcome }) : verdict;
  });
  return !settled.ok && settled.error.code === "not_found" ? err(refuse("mandate_invalid", "not a mandate of this wallet")) : settled;
}

/**
 * Takes a redemption back, on the word of the one who made it that no money moved and none will: what the payment held of the user's limits is free again,
 * and the mandate stays spent. Refuses as {@link judgeVoid} does, and with `not_found` for a request without a mandate.
 */
export async function voidRedemption(
  parts: RedeemParts,
  asked: { readonly requestId: string; readonly by: string; readonly reference: string },
): Promise<Result<RedemptionView, Refusal>> {
  return settleOnce(parts, asked.requestId, asked, (known, now) => {
    const verdict = judgeVoid(known.standing, asked);
    if (!verdict.ok) return verdict;
    const redeemedAt = known.redeemedAt ?? now;
    return ok({ verdict: verdict.value, outcome: { status: "voided", at: now, redeemedAt, by: asked.by, reference: asked.reference } });
  });
}

/**
 * Takes the word of the one who redeemed that `captured` of the payment was taken, in minor units, and no more will be: what the rest held of the user's limits is
 * free again. Refuses as {@link judgeSettlement} does, and with `not_found` for a request without a mandate.
 */
export async function settleRedemption(
  parts: RedeemParts,
  asked: { readonly requestId: string; readonly by: string; readonly reference: string; readonly captured: number },
): Promise<Result<RedemptionView, Refusal>> {
  return settleOnce(parts, asked.requestId, asked, (known, now) => {
    const verdict = judgeSettlement(known.standing, asked);
    if (!verdict.ok) return verdict;
    const { by, reference, captured } = asked;
    return ok({ verdict: verdict.value, outcome: { status: "redeemed", at: known.redeemedAt ?? now, by, reference, captured } });
  });
}

type Approval = Extract<PaymentDecision, { readonly status: "approved" }>;

interface KnownMandate {
  readonly found: StoredRecord<PaymentRequest>;
  readonly approval: Approval;
  readonly mandate: string;
  readonly standing: MandateStanding;
  readonly redeemedAt: EpochMs | undefined;
}

type Judge = (known: KnownMandate, now: EpochMs) => Result<{ readonly verdict: OnceVerdict; readonly outcome: RedemptionOutcome }, Refusal>;
type RedemptionOutcome = Extract<MandateOutcome, { readonly status: "redeemed" | "voided" }>;

/** Who comes second of two looks again, and then sees what the first one did. */
const attemptsMax = 3;

async function settleOnce(
  parts: RedeemParts,
  requestId: string,
  asked: { readonly reference: string },
  judge: Judge,
): Promise<Result<RedemptionView, Refusal>> {
  for (let attempt = 1; ; attempt += 1) {
    const now = parts.now();
    const settled = await parts.database.transaction(async (tx) => {
      const known = await readMandate(parts, tx, requestId, now);
      if (known === undefined) return err(refuse("not_found", "there is no such mandate"));
      const judged = judge(known, now);
      if (!judged.ok) return judged;
      const { verdict, outcome } = judged.value;
      if (verdict === "apply") {
        const written = await write(tx, known.found, outcome, now);
        if (!written.ok) return written;
      }
      const redeemedAt = known.redeemedAt ?? now;
      const { jti } = known.approval;
      const view = {
        request_id: requestId,
        jti,
        status: outcome.status,
        reference: asked.reference,
        redeemed_at: new Date(redeemedAt).toISOString(),
      };
      return ok(outcome.status === "redeemed" && outcome.captured !== null ? { ...view, captured: outcome.captured } : view);
    });
    if (settled.ok || settled.error.code !== "conflict" || attempt >= attemptsMax) return settled;
  }
}

/** A redemption changes the request's status and its settlement does not. */
function write(
  tx: Database<unknown>,
  found: StoredRecord<PaymentRequest>,
  outcome: RedemptionOutcome,
  now: EpochMs,
): Promise<Result<PaymentRequest, Refusal>> {
  if (outcome.status === "voided" || outcome.captured === null) return moveRequest(tx, found, { outcome }, now);
  return settleRequest(tx, found, { ...outcome, captured: outcome.captured }, now);
}

async function readMandate(parts: RedeemParts, tx: Database<unknown>, requestId: string, now: EpochMs): Promise<KnownMandate | undefined> {
  const found = await tx.records(paymentRequestKind).get(requestId, now);
  const approval = found?.value.decision;
  if (found === undefined || approval?.status !== "approved" || approval.sealedMandate === null) return undefined;
  const opened = parts.sealer.open(approval.sealedMandate, mandateBinding(requestId));
  if (!opened.ok) throw new Error("a mandate does not open: the key file and the database do not belong together");
  const { outcome } = found.value;
  const used = outcome?.status === "redeemed" || outcome?.status === "voided" ? outcome : undefined;
  const audience = textList(member(decodeJwt(jwtOf(opened.value)), "aud"), 10, 2048) ?? [];
  return {
    found,
    approval,
    mandate: opened.value,
    standing: {
      status: statusOf(found.value, now),
      amount: found.value.terms.amount,
      audience,
      redemption: used,
      captured: used?.status === "redeemed" ? (used.captured ?? undefined) : undefined,
    },
    redeemedAt: used?.status === "voided" ? used.redeemedAt : used?.at,
  };
}

/** Read without a check of the signature, only to know which row to compare with. */
function claimedRequestId(mandate: Secret): string | undefined {
  try {
    const id = decodeJwt(jwtOf(mandate.reveal()))["request_id"];
    return isPaymentIdentifier(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

function jwtOf(mandate: string): string {
  return mandate.split("~", 1)[0] ?? "";
}

function isSameText(kept: string, given: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(kept), digest(given));
}
