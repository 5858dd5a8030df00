import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import type { MandateClaims } from "@countersign/protocol/mandate";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { makePayment, type PaymentParts, readPayment } from "./make-payment.ts";
import type { AuthenticatedClient } from "./clients.ts";
import { digestOf } from "./digest.ts";
import { recallAnswer, type WriteClaim, type WriteOutcome } from "./idempotency.ts";
import type { KeyedWrite } from "./keyed-writes.ts";
import type { MandateVerifier } from "./mandates.ts";
import { type PaymentRequest, parsePaymentRequest } from "./payment.ts";
import type { Redemptions } from "./redeem-at-wallet.ts";

export interface RedeemParts extends PaymentParts {
  readonly mandates: MandateVerifier;
  readonly redemptions: Redemptions;
}

/** Answers `POST /payments` for an authenticated payee. The order is: shape, mandate, its redemption at the wallet, books. */
export async function redeemMandate(
  parts: RedeemParts,
  { claim, body }: KeyedWrite,
  payee: AuthenticatedClient,
  now: EpochMs,
): Promise<Result<WriteOutcome, Refusal>> {
  const request = parsePaymentRequest(body);
  if (!request.ok) return request;
  const mandate = await verifyUnlessKnown(parts, request.value, payee, now);
  if (!mandate.ok) return mandate;
  const isRedeemed = mandate.value !== undefined && parts.redemptions.isRedeemed(mandate.value.iss);
  if (mandate.value !== undefined) {
    const redeemed = await parts.redemptions.redeem(mandate.value, request.value.mandate, request.value.id);
    if (!redeemed.ok) return answeredMeanwhile(parts, claim, redeemed.error);
  }
  const asked = { claim, payee: payee.client.clientId, request: request.value, requestDigest: digestOf(body), mandate: mandate.value, isRedeemed };
  return makePayment(parts, asked, now);
}

/** A twin under the same key, on another instance, may have been answered since: then this is its answer too. */
async function answeredMeanwhile(parts: RedeemParts, claim: WriteClaim, refusal: Refusal): Promise<Result<WriteOutcome, Refusal>> {
  const recalled = await recallAnswer(parts.database, claim);
  return recalled.ok && recalled.value !== undefined ? ok({ outcome: "replayed", answer: recalled.value }) : err(refusal);
}

/** A payment that exists was verified when it was made, and its mandate may have expired since: asking again under another key still gets its result. */
async function verifyUnlessKnown(
  parts: RedeemParts,
  request: PaymentRequest,
  payee: AuthenticatedClient,
  now: EpochMs,
): Promise<Result<MandateClaims | undefined, Refusal>> {
  const known = await readPayment(parts.database, request.id);
  return known !== undefined && known.payee === payee.client.clientId ? ok(undefined) : parts.mandates.verify(request, payee, now);
}
