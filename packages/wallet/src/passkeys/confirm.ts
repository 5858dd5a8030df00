import { randomBytes } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { PasskeyUse } from "@countersign/protocol/passkey";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { StoredRecord } from "@countersign/storage/records";
import type { PublicKeyCredentialRequestOptionsJSON } from "@simplewebauthn/server";
import canonicalize from "canonicalize";
import { z } from "zod";
import { sha256 } from "../digest.ts";
import { parseAssertion } from "./answer.ts";
import { checkAssertion } from "./check-assertion.ts";
import { challengeTtlMs, findChallenge, rememberChallenge, spendChallenge } from "./challenges.ts";
import { type Credential, credentialKind, credentialsOf, findCredential } from "./credentials.ts";
import { type Evidence, evidenceOf } from "./evidence.ts";
import { assertionOptions, type RelyingParty } from "./relying-party.ts";

export interface ConfirmParts {
  readonly database: Database<unknown>;
  readonly party: RelyingParty;
  readonly now: () => EpochMs;
}

/**
 * A kind of action that needs a fresh passkey, such as `remove_passkey`. `type` is unique in the wallet; the action itself is JSON, and `parse` reads it
 * back from what was kept with the challenge (and throws on what this code did not write).
 */
export interface ConfirmableAction<T> {
  readonly type: string;
  /** `money` when the action makes payments possible: such a passkey is neither new nor suspected. */
  readonly use: PasskeyUse;
  parse(json: unknown): T;
}

/** Who confirms, and in which browser: `place` names the session or interaction that the page belongs to. */
export interface ConfirmContext {
  readonly accountId: string;
  readonly place: string;
}

/** A verified confirmation. It counts once {@link spendConfirmation} has spent it, in the transaction that carries the action out. */
export interface Confirmation<T> {
  readonly action: T;
  readonly challenge: string;
  readonly credential: StoredRecord<Credential>;
  readonly counter: number;
  readonly evidence: Evidence;
}

const preimageShape = z.object({ action: z.object({ type: z.string(), value: z.unknown() }), account: z.string() });

/**
 * Starts the ceremony of an action. Its challenge is the SHA-256 of the canonical JSON (RFC 8785) of the action, the account, the place and the time, so that
 * the signature is worth nothing for any other action; it is good once, for two minutes, in this place.
 */
export async function startConfirmation<T>(
  parts: ConfirmParts,
  context: ConfirmContext,
  kind: ConfirmableAction<T>,
  action: T,
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const now = parts.now();
  const preimage = canonicalize({
    type: "countersign.confirmation",
    version: 1,
    action: { type: kind.type, value: action },
    account: context.accountId,
    place: sha256(context.place),
    nonce: randomBytes(16).toString("base64url"),
    rp_id: parts.party.id,
    iat: Math.floor(now / 1000),
    exp: Math.floor((now + challengeTtlMs) / 1000),
  });
  if (preimage === undefined) throw new TypeError("an action is JSON");
  const challenge = sha256(preimage);
  const { accountId, place } = context;
  await rememberChallenge(parts.database, challenge, { purpose: "confirm", interactionUid: place, accountId, preimage }, now);
  return assertionOptions(parts.party, { allowed: await credentialsOf(parts.database, accountId, now), challenge });
}

/**
 * Verifies the answer of a ceremony that {@link startConfirmation} began for the same account, place and kind of action; gives back what was confirmed.
 * Refuses with `invalid_request`, `challenge_expired`, `consent_mismatch` (another kind of action), `unknown_passkey` and those of
 * `checkAssertion`; a failed verification spends the challenge.
 */
export async function verifyConfirmation<T>(
  parts: ConfirmParts,
  context: ConfirmContext,
  kind: ConfirmableAction<T>,
  input: unknown,
): Promise<Result<Confirmation<T>, Refusal>> {
  const now = parts.now();
  const answer = parseAssertion(input);
  if (!answer.ok) return answer;
  const { challenge, credential: assertion } = answer.value;
  const remembered = await findChallenge(parts.database, challenge, { purpose: "confirm", interactionUid: context.place }, now);
  if (!remembered.ok) return remembered;
  const preimage = remembered.value.preimage ?? "";
  const committed = preimageShape.parse(JSON.parse(preimage));
  if (committed.account !== context.accountId || committed.action.type !== kind.type) return err(refuse("consent_mismatch"));
  const known = await findCredential(parts.database, assertion.id, now);
  const counter =
    known === undefined || known.value.accountId !== context.accountId
      ? err(refuse("unknown_passkey"))
      : await checkAssertion(parts, assertion, { challenge, known, use: kind.use }, now);
  if (!counter.ok || known === undefined) {
    await spendChallenge(parts.database, challenge, now);
    return counter.ok ? err(refuse("unknown_passkey")) : counter;
  }
  const evidence = evidenceOf(known.value, assertion, preimage);
  return ok({ action: kind.parse(committed.action.value), challenge, credential: known, counter: counter.value, evidence });
}

/**
 * Spends a confirmation inside the transaction of its action: one conditional write on the challenge, one on the passkey's counter. Of any number of parallel
 * attempts one succeeds; the others get `challenge_expired` or `conflict` and must roll back.
 */
export async function spendConfirmation<T>(
  tx: Pick<Database<unknown>, "records">,
  confirmation: Confirmation<T>,
  now: EpochMs,
): Promise<Result<void, Refusal>> {
  const spent = await spendChallenge(tx, confirmation.challenge, now);
  if (!spent.ok) return spent;
  const { id, version, value } = confirmation.credential;
  const used = await tx.records(credentialKind).update(id, version, { ...value, counter: confirmation.counter, usedAt: now });
  return used.ok ? ok(undefined) : err(refuse("conflict"));
}
