import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import { judgePasskeyRemoval, judgePasskeyRemover, newPasskeyDelayMs, passkeysMax } from "@countersign/protocol/passkey";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { StoredRecord } from "@countersign/storage/records";
import type { PublicKeyCredentialCreationOptionsJSON } from "@simplewebauthn/server";
import { accountKind } from "../accounts.ts";
import { writeAudit } from "../audit/log.ts";
import { displayText } from "../pages/display-text.ts";
import { parseRegistration } from "./answer.ts";
import { findChallenge, rememberChallenge, spendChallenge } from "./challenges.ts";
import { type Credential, credentialKind, credentialRecordId, credentialsOf } from "./credentials.ts";
import { type NewCredential, type RelyingParty, registrationOptions, verifyRegistration } from "./relying-party.ts";

export const passkeyNameLengthMax = 40;

export interface MembershipParts {
  readonly database: Database<unknown>;
  readonly party: RelyingParty;
  readonly now: () => EpochMs;
}

/** For whom a passkey is added, and where: the challenge is good in no other place. */
export interface AddingContext {
  readonly accountId: string;
  readonly place: string;
}

/** A passkey that was made and verified, but does not belong to the account yet. */
export interface MadePasskey {
  readonly challenge: string;
  readonly credential: NewCredential;
  readonly name: string;
}

/** Options to make one more passkey for an account. Authenticators that hold one of its passkeys make no second. Refuses with `too_many_passkeys`. */
export async function startPasskey(
  parts: MembershipParts,
  context: AddingContext,
  name: string,
): Promise<Result<PublicKeyCredentialCreationOptionsJSON, Refusal>> {
  const now = parts.now();
  const account = await parts.database.records(accountKind).get(context.accountId, now);
  if (account === undefined) return err(refuse("unknown_account"));
  const known = await credentialsOf(parts.database, context.accountId, now);
  if (known.length >= passkeysMax) return err(refuse("too_many_passkeys"));
  const { displayName } = account.value;
  const options = await registrationOptions(parts.party, { accountId: context.accountId, userName: displayName, displayName, known });
  const { accountId, place } = context;
  await rememberChallenge(parts.database, options.challenge, { purpose: "add_passkey", interactionUid: place, accountId, displayName: name }, now);
  return ok(options);
}

/** Verifies the answer of a ceremony that {@link startPasskey} began in the same place; {@link addPasskey} makes it count. */
export async function verifyPasskey(parts: MembershipParts, context: AddingContext, input: unknown): Promise<Result<MadePasskey, Refusal>> {
  const now = parts.now();
  const answer = parseRegistration(input);
  if (!answer.ok) return answer;
  const { challenge, credential } = answer.value;
  const remembered = await findChallenge(parts.database, challenge, { purpose: "add_passkey", interactionUid: context.place }, now);
  if (!remembered.ok) return remembered;
  const { accountId, displayName } = remembered.value;
  if (accountId !== context.accountId || displayName === undefined) return err(refuse("challenge_expired"));
  const made = await verifyRegistration(parts.party, credential, challenge);
  if (made.ok) return ok({ challenge, credential: made.value, name: displayName });
  await spendChallenge(parts.database, challenge, now);
  return made;
}

/**
 * Adds a verified passkey inside a transaction that has judged the right to do so. It moves no money for a day (threat W07). Refuses with
 * `challenge_expired`, `too_many_passkeys`, `passkey_refused` (registered already) and `conflict`; the caller rolls back.
 */
export async function addPasskey(
  tx: Database<unknown>,
  made: MadePasskey,
  to: { readonly accountId: string; readonly addedBy: "passkey" | "recovery"; readonly request: Request },
  now: EpochMs,
): Promise<Result<void, Refusal>> {
  const { accountId, addedBy, request } = to;
  const spent = await spendChallenge(tx, made.challenge, now);
  if (!spent.ok) return spent;
  const claimed = await claimAccount(tx, accountId, now);
  if (!claimed.ok) return claimed;
  if ((await credentialsOf(tx, accountId, now)).length >= passkeysMax) return err(refuse("too_many_passkeys"));
  const { credential, name } = made;
  const value: Credential = { ...credential, accountId, createdAt: now, usedAt: now, name, addedBy, paysFrom: now + newPasskeyDelayMs };
  const created = await tx.records(credentialKind).create(credentialRecordId(value.credentialId), value, { keys: { account: accountId } });
  if (!created.ok) return err(refuse("passkey_refused", "this passkey is already registered"));
  await writeAudit(tx, { accountId, at: now, request }, { type: "passkey_added", passkeyName: name });
  return ok(undefined);
}

/**
 * Removes a passkey inside a transaction; `by` is the passkey that confirms it. Refuses with `last_passkey`, `passkey_too_new`, `passkey_copied`, `not_found`
 * and `conflict`; the caller rolls back.
 */
export async function removePasskey(
  tx: Database<unknown>,
  from: {
    readonly accountId: string;
    readonly passkeyId: string;
    readonly hasRecoveryCode: boolean;
    readonly by: StoredRecord<Credential>;
    readonly request: Request;
  },
  now: EpochMs,
): Promise<Result<void, Refusal>> {
  const { accountId, passkeyId } = from;
  const claimed = await claimAccount(tx, accountId, now);
  if (!claimed.ok) return claimed;
  const passkeys = await tx.records(credentialKind).find("account", accountId, now, { limit: passkeysMax });
  const removed = passkeys.find((each) => each.id === passkeyId);
  if (removed === undefined) return err(refuse("not_found"));
  const verdict = judgePasskeyRemoval({ passkeys: passkeys.length, hasRecoveryCode: from.hasRecoveryCode });
  if (verdict === "last") return err(refuse("last_passkey"));
  const remover = from.by.id === passkeyId ? "allowed" : judgePasskeyRemover(from.by.value, removed.value, now);
  if (remover !== "allowed") return err(refuse(remover === "copied" ? "passkey_copied" : "passkey_too_new"));
  await tx.records(credentialKind).delete(passkeyId);
  await writeAudit(tx, { accountId, at: now, request: from.request }, { type: "passkey_removed", passkeyName: passkeyName(removed.value) });
  return ok(undefined);
}

/**
 * Makes the changes of who may get into an account happen one after the other: each moves the account's version on, so of two that looked at the same
 * passkeys one is refused with `conflict`.
 */
export async function claimAccount(tx: Pick<Database<unknown>, "records">, accountId: string, now: EpochMs): Promise<Result<void, Refusal>> {
  const account = await tx.records(accountKind).get(accountId, now);
  if (account === undefined) return err(refuse("unknown_account"));
  const moved = await tx.records(accountKind).update(accountId, account.version, account.value);
  return moved.ok ? ok(undefined) : err(refuse("conflict"));
}

/** What a passkey is called on pages. */
export function passkeyName(passkey: Credential): string {
  return displayText(passkey.name ?? "", passkeyNameLengthMax) || "Passkey";
}
