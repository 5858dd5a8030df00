import type { EpochMs } from "@countersign/protocol/brand";
import { member } from "@countersign/protocol/shape";
import type { Database } from "@countersign/storage/database";
import type { Sealer } from "@countersign/storage/sealed";
import { decodeJwt } from "jose";
import { z } from "zod";
import { sha256 } from "../digest.ts";
import { evidenceKind, mandateBinding } from "../payment-requests/record-approval.ts";
import { type PaymentRequest, paymentRequestKind, statusOf } from "../payment-requests/request.ts";
import { openJson } from "../sealed-json.ts";

/** Everything that is kept of one payment request, for whoever decides a dispute. The mandate comes as its claims, so that nobody redeems it with this. */
export interface Dossier {
  readonly request_id: string;
  readonly status: string;
  readonly payee: unknown;
  readonly terms: unknown;
  readonly checkout_hash: string;
  /** What the payee signed, with the key of thumbprint `payee_key`; null when the request is from before it was kept. */
  readonly checkout_jwt: string | null;
  /** Whether `checkout_hash`, which the mandate names, is of exactly this text. */
  readonly checkout_matches?: boolean;
  readonly payee_key: string;
  readonly history: readonly { readonly status: string; readonly at: string }[];
  /** Who used the mandate, for which payment of its own, and in minor units how much it took, null as long as it did not say that it was less. Absent when nobody did. */
  readonly redemption?: { readonly by: string; readonly reference: string; readonly captured: number | null };
  readonly mandate?: unknown;
  readonly evidence?: unknown;
  /** Whether the mandate names exactly this evidence. Absent while there is none. */
  readonly evidence_matches?: boolean;
  /** What the user signed when they made the policy that approved; absent when they approved the payment itself. */
  readonly policy_evidence?: unknown;
}

/** Reads the dossier of a request; undefined for one that is unknown or no longer kept. */
export async function readDossier(database: Database<unknown>, sealer: Sealer, requestId: string, now: EpochMs): Promise<Dossier | undefined> {
  const found = await database.records(paymentRequestKind).get(requestId, now);
  if (found === undefined) return undefined;
  const { payee, terms, checkoutHash, checkoutJwt, keyThumbprint, createdAt, decision, outcome } = found.value;
  const facts = {
    request_id: requestId,
    status: statusOf(found.value, now),
    payee,
    terms,
    checkout_hash: checkoutHash,
    checkout_jwt: checkoutJwt,
    ...(checkoutJwt === null ? {} : { checkout_matches: sha256(checkoutJwt) === checkoutHash }),
    payee_key: keyThumbprint,
    history: [{ status: "created", at: createdAt }, decision ?? [], outcome ?? []]
      .flat()
      .map(({ status, at }) => ({ status, at: new Date(at).toISOString() })),
    ...redemptionOf(outcome),
  };
  if (decision?.status !== "approved") return facts;
  const kept = await database.records(evidenceKind).get(decision.jti, now);
  const text = kept && z.string().parse(openJson(sealer, `${evidenceKind.name}:${decision.jti}`, kept.value));
  const evidence: unknown = text === undefined ? undefined : JSON.parse(text);
  if (decision.sealedMandate === null) return { ...facts, evidence };
  const mandate = sealer.open(decision.sealedMandate, mandateBinding(requestId));
  if (!mandate.ok) throw new Error("a mandate does not open: the key file and the database do not belong together");
  const claims = decodeJwt(mandate.value.replace(/~$/, ""));
  if (text === undefined) return { ...facts, mandate: claims };
  const judged = { ...facts, mandate: claims, evidence, evidence_matches: sha256(text) === claims["evidence"] };
  const policyId = member(evidence, "policy_id");
  const signed = typeof policyId === "string" ? await database.records(evidenceKind).get(policyId, now) : undefined;
  return signed === undefined ? judged : { ...judged, policy_evidence: openJson(sealer, `${evidenceKind.name}:${String(policyId)}`, signed.value) };
}

function redemptionOf(outcome: PaymentRequest["outcome"]): Pick<Dossier, "redemption"> {
  if (outcome?.status !== "redeemed" && outcome?.status !== "voided") return {};
  const { by, reference } = outcome;
  return { redemption: { by, reference, captured: outcome.status === "redeemed" ? outcome.captured : 0 } };
}
