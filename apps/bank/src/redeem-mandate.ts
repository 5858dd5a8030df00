import type { EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import type { MandateClaims } from "@countersign/protocol/mandate";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { readJson } from "@countersign/service/body";
import type { Database } from "@countersign/storage/database";
import { type CaptureOutcome, capturePayment, readPayment } from "./capture.ts";
import type { AuthenticatedClient } from "./clients.ts";
import { digestOf } from "./digest.ts";
import type { ReachFaultPoint } from "./fault-point.ts";
import { parseIdempotencyKey, recallAnswer } from "./idempotency.ts";
import type { MandateVerifier } from "./mandates.ts";
import { type CaptureRequest, parseCaptureRequest } from "./payment.ts";
import type { Redemptions } from "./redeem-at-wallet.ts";
import type { BankTables } from "./tables.ts";

export interface RedeemParts {
  readonly database: Database<BankTables>;
  readonly mandates: MandateVerifier;
  readonly redemptions: Redemptions;
  readonly reach: ReachFaultPoint;
}

export type Redeem = (request: Request, payee: AuthenticatedClient, now: EpochMs) => Promise<Result<CaptureOutcome, Refusal>>;

/**
 * Answers `POST /payments` for an authenticated payee. The order is: key, body, the answer already given, shape, mandate, its redemption at the wallet, books.
 * What is refused before the books are looked at is not kept under the key, because nothing was decided.
 */
export function createRedeemer(parts: RedeemParts): Redeem {
  const inFlight = new Map<string, string>();
  return async (request, payee, now) => {
    const key = parseIdempotencyKey(request.headers.get("idempotency-key"));
    if (!key.ok) return key;
    const body = await readJson(request);
    if (!body.ok) return body;
    const claim = { clientId: payee.client.clientId, key: key.value, digest: digestOf({ method: "POST", path: "/payments", body: body.value }) };
    const running = JSON.stringify([claim.clientId, claim.key]);
    const other = inFlight.get(running);
    if (other !== undefined) return err(refuse(other === claim.digest ? "idempotency_in_flight" : "idempotency_conflict"));
    inFlight.set(running, claim.digest);
    try {
      const recalled = await recallAnswer(parts.database, claim);
      if (!recalled.ok) return recalled;
      if (recalled.value !== undefined) return ok({ outcome: "replayed", answer: recalled.value });
      const capture = parseCaptureRequest(body.value);
      if (!capture.ok) return capture;
      const mandate = await verifyUnlessKnown(parts, capture.value, payee, now);
      if (!mandate.ok) return mandate;
      const isRedeemed = mandate.value !== undefined && parts.redemptions.isRedeemed(mandate.value.iss);
      if (mandate.value !== undefined) {
        const redeemed = await parts.redemptions.redeem(mandate.value, capture.value.mandate, capture.value.id);
        if (!redeemed.ok) return redeemed;
      }
      const { clientId } = claim;
      const asked = { claim, payee: clientId, request: capture.value, requestDigest: digestOf(body.value), mandate: mandate.value, isRedeemed };
      return await capturePayment(parts.database, asked, now, parts.reach);
    } finally {
      inFlight.delete(running);
    }
  };
}

/** A payment that exists was verified when it was made, and its mandate may have expired since: asking again under another key still gets its result. */
async function verifyUnlessKnown(
  parts: RedeemParts,
  request: CaptureRequest,
  payee: AuthenticatedClient,
  now: EpochMs,
): Promise<Result<MandateClaims | undefined, Refusal>> {
  const known = await readPayment(parts.database, request.id);
  return known !== undefined && known.payee === payee.client.clientId ? ok(undefined) : parts.mandates.verify(request, payee, now);
}
