import { randomBytes } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { ApprovalChannel } from "@countersign/protocol/limits";
import type { PaymentInstrument } from "@countersign/protocol/payment";
import { approvalPreimage, parsePaymentDetails } from "@countersign/protocol/payment";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { StoredRecord } from "@countersign/storage/records";
import type { AuthenticationResponseJSON, PublicKeyCredentialRequestOptionsJSON } from "@simplewebauthn/server";
import canonicalize from "canonicalize";
import { z } from "zod";
import { writeAudit } from "../audit/log.ts";
import { paymentFieldsOf } from "../audit/payment-fields.ts";
import { sha256OfJson } from "../digest.ts";
import { parseAssertion } from "../passkeys/answer.ts";
import { checkAssertion, whyNoneMayPay } from "../passkeys/check-assertion.ts";
import { challengeTtlMs, findChallenge, rememberChallenge, spendChallenge } from "../passkeys/challenges.ts";
import { type Credential, credentialKind, credentialsOf, findCredential } from "../passkeys/credentials.ts";
import { type Evidence, evidenceOf } from "../passkeys/evidence.ts";
import { assertionOptions, type RelyingParty } from "../passkeys/relying-party.ts";
import { noteDenial } from "../policies/denied-deals.ts";
import { approvalLinkClientId } from "./approval-link-client.ts";
import { moveRequest } from "./move.ts";
import { findOpenRequest, recordApproval, type RecordParts } from "./record-approval.ts";
import { detailsOf, isRefund, type PaymentRequest } from "./request.ts";

export interface ApprovalParts extends RecordParts {
  readonly party: RelyingParty;
}

/** Who approves which request, in which interaction of which client. */
export interface ApprovalContext {
  readonly requestId: string;
  readonly accountId: string;
  readonly clientId: string;
  readonly interactionUid: string;
  readonly channel: ApprovalChannel;
  /** The request that brings the approval, for the log. */
  readonly request?: Request | undefined;
}

/**
 * Starts the passkey ceremony of an approval. Its challenge is the digest of everything that the approval is about, so that the signature is worth nothing
 * for any other payment, payee, amount, account, client or page. Refuses when the request is no longer open.
 */
export async function startApproval(
  parts: ApprovalParts,
  context: ApprovalContext,
  shown: { readonly instrument: PaymentInstrument; readonly displayDigest: string },
): Promise<Result<PublicKeyCredentialRequestOptionsJSON, Refusal>> {
  const now = parts.now();
  const found = await findOpenRequest(parts.database, context.requestId, context.accountId, now);
  if (!found.ok) return found;
  const request = found.value.value;
  const allowed = await credentialsOf(parts.database, context.accountId, now);
  const unusable = whyNoneMayPay(allowed, now);
  if (unusable !== undefined) return err(unusable);
  const preimage = approvalPreimage({
    requestId: context.requestId,
    nonce: randomBytes(16).toString("base64url"),
    rpId: parts.party.id,
    clientId: context.clientId,
    audience: request.terms.resource,
    iat: Math.floor(now / 1000),
    exp: Math.floor((now + challengeTtlMs) / 1000),
    details: detailsOf(request, shown.instrument),
    displayDigest: shown.displayDigest,
  });
  const challenge = sha256OfJson(preimage);
  await rememberChallenge(
    parts.database,
    challenge,
    { purpose: "approve", interactionUid: context.interactionUid, accountId: context.accountId, preimage: canonicalize(preimage) },
    now,
  );
  return ok(await assertionOptions(parts.party, { allowed, challenge }));
}

/**
 * Ends the ceremony: verifies the assertion against the request as it is stored now, then spends the challenge, moves the request from created to approved,
 * counts it toward the account's limits and writes the mandate in one transaction. Exactly one approval of a request ever succeeds. A failed verification spends the challenge too.
 * `isFormOf` says whether the submitted form belongs to the page with this digest.
 */
export async function completeApproval(
  parts: ApprovalParts,
  context: ApprovalContext,
  input: unknown,
  isFormOf: (displayDigest: string) => boolean,
): Promise<Result<void, Refusal>> {
  const now = parts.now();
  const answer = parseAssertion(input);
  if (!answer.ok) return answer;
  const { challenge, credential } = answer.value;
  const expected = { purpose: "approve", interactionUid: context.interactionUid } as const;
  const remembered = await findChallenge(parts.database, challenge, expected, now);
  if (!remembered.ok) return remembered;
  const preimage = remembered.value.preimage ?? "";
  if (!isFormOf(readPreimage(preimage).display_digest)) return err(refuse("forbidden_origin"));
  const verified = await verifyApproval(parts, context, preimage, challenge, credential);
  if (!verified.ok) {
    await spendChallenge(parts.database, challenge, now);
    const { accountId, request } = context;
    if (verified.error.code === "passkey_refused") await writeAudit(parts.database, { accountId, at: now, request }, { type: "passkey_refused" });
    return verified;
  }
  return recordVerified(parts, context, challenge, verified.value);
}

/** The user's no, which no policy overrides afterwards. An open request becomes denied; one that is decided or expired stays as it is. */
export async function denyPayment(
  database: Database<unknown>,
  requestId: string,
  accountId: string,
  now: EpochMs,
  request?: Request,
): Promise<Result<void, Refusal>> {
  return database.transaction(async (tx) => {
    const found = await findOpenRequest(tx, requestId, accountId, now);
    if (!found.ok) return found;
    const moved = await moveRequest(tx, found.value, { decision: { status: "denied", at: now, accountId } }, now);
    if (!moved.ok) return moved;
    if (!isRefund(moved.value)) await noteDenial(tx, accountId, moved.value, now);
    await writeAudit(
      tx,
      { accountId, at: now, request },
      { type: isRefund(moved.value) ? "refund_denied" : "payment_denied", ...paymentFieldsOf(requestId, moved.value) },
    );
    return ok(undefined);
  });
}

interface VerifiedApproval {
  readonly request: StoredRecord<PaymentRequest>;
  readonly credential: StoredRecord<Credential>;
  readonly counter: number;
  readonly instrument: PaymentInstrument;
  readonly evidence: Evidence;
}

async function verifyApproval(
  parts: ApprovalParts,
  context: ApprovalContext,
  preimage: string,
  challenge: string,
  answer: AuthenticationResponseJSON,
): Promise<Result<VerifiedApproval, Refusal>> {
  const now = parts.now();
  const request = await findOpenRequest(parts.database, context.requestId, context.accountId, now);
  if (!request.ok) return request;
  const instrument = judgePreimage(parts, context, request.value.value, preimage, challenge);
  if (instrument === undefined) return err(refuse("consent_mismatch"));
  const credential = await findCredential(parts.database, answer.id, now);
  if (credential === undefined || credential.value.accountId !== context.accountId) return err(refuse("unknown_passkey"));
  const counter = await checkAssertion(parts, answer, { challenge, known: credential, use: "money" }, now);
  if (!counter.ok) return counter;
  const evidence = evidenceOf(credential.value, answer, preimage);
  return ok({ request: request.value, credential, counter: counter.value, instrument, evidence });
}

const preimageShape = z.object({ nonce: z.string(), iat: z.number(), exp: z.number(), details: z.unknown(), display_digest: z.string() });

function readPreimage(text: string): z.infer<typeof preimageShape> {
  return preimageShape.parse(JSON.parse(text));
}

/**
 * Builds the preimage again from the request as it is now, and gives the account that pays if its digest is still the challenge. Undefined when anything
 * changed since the ceremony began.
 */
function judgePreimage(
  parts: ApprovalParts,
  context: ApprovalContext,
  request: PaymentRequest,
  preimage: string,
  challenge: string,
): PaymentInstrument | undefined {
  const stored = readPreimage(preimage);
  const details = parsePaymentDetails(stored.details);
  if (!details.ok) return undefined;
  const instrument = details.value.payment_instrument;
  const rebuilt = approvalPreimage({
    requestId: context.requestId,
    nonce: stored.nonce,
    rpId: parts.party.id,
    clientId: context.clientId,
    audience: request.terms.resource,
    iat: stored.iat,
    exp: stored.exp,
    details: detailsOf(request, instrument),
    displayDigest: stored.display_digest,
  });
  return sha256OfJson(rebuilt) === challenge ? instrument : undefined;
}

/** Whatever comes of it, the challenge is spent: also when the limits refuse and everything else is undone. */
async function recordVerified(
  parts: ApprovalParts,
  context: ApprovalContext,
  challenge: string,
  approval: VerifiedApproval,
): Promise<Result<void, Refusal>> {
  const now = parts.now();
  const { credential, counter, request, instrument, evidence } = approval;
  const { requestId, accountId, channel } = context;
  const recorded = await recordApproval(
    parts,
    { requestId, request, accountId, channel, instrument, evidence, broughtBy: context.request, clientId: appOf(context) },
    async (tx) => {
      const spent = await spendChallenge(tx, challenge, now);
      if (!spent.ok) return spent;
      const used = await tx.records(credentialKind).update(credential.id, credential.version, { ...credential.value, counter, usedAt: now });
      return used.ok ? ok(undefined) : err(refuse("conflict"));
    },
  );
  if (!recorded.ok) await spendChallenge(parts.database, challenge, now);
  if (!recorded.ok && recorded.error.code === "over_limit") await noteOverLimit(parts.database, context, request.value, now);
  return recorded;
}

/** A link of the payee asks in the wallet's own name: there is no app between. */
function appOf({ clientId }: ApprovalContext): string | undefined {
  return clientId === approvalLinkClientId ? undefined : clientId;
}

/** Tells the owner's log that a payment was approved, but is over a limit. */
export async function noteOverLimit(
  database: Pick<Database<unknown>, "records">,
  context: Pick<ApprovalContext, "accountId" | "requestId" | "request">,
  payment: PaymentRequest,
  at: EpochMs,
): Promise<void> {
  const { accountId, requestId, request } = context;
  await writeAudit(database, { accountId, at, request }, { type: "payment_over_limit", ...paymentFieldsOf(requestId, payment) });
}
