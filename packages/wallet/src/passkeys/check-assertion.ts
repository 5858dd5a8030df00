import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import { isNextCount, judgePasskeyUse, type PasskeyUse } from "@countersign/protocol/passkey";
import type { Result } from "@countersign/protocol/result";
import { err } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { StoredRecord } from "@countersign/storage/records";
import type { AuthenticationResponseJSON } from "@simplewebauthn/server";
import { writeAudit } from "../audit/log.ts";
import { type Credential, credentialKind } from "./credentials.ts";
import { type RelyingParty, verifyAssertion } from "./relying-party.ts";

/** What an assertion must be: for which challenge, by which passkey, and for what. */
export interface AssertionExpectation {
  readonly challenge: string;
  readonly known: StoredRecord<Credential>;
  readonly use: PasskeyUse;
}

/**
 * The one way to accept an assertion: it verifies, its count is the next one, and the passkey may be used for this. Gives the new count. Refuses with
 * `passkey_refused`, and for money also with `passkey_too_new` and `passkey_copied`. A good signature with an old count means two authenticators with one
 * key: the passkey is marked, and its owner finds it in the log and on every page of the account (threat W04).
 */
export async function checkAssertion(
  parts: { readonly database: Database<unknown>; readonly party: RelyingParty },
  answer: AuthenticationResponseJSON,
  expected: AssertionExpectation,
  now: EpochMs,
): Promise<Result<number, Refusal>> {
  const { known } = expected;
  const counter = await verifyAssertion(parts.party, answer, expected.challenge, known.value);
  if (!counter.ok) return counter;
  if (!isNextCount(known.value.counter, counter.value)) {
    await parts.database.transaction((tx) => markCopied(tx, known.id, now));
    return err(refuse("passkey_refused", "its signature count was used before"));
  }
  const refusal = refusalOf(known.value, expected.use, now);
  return refusal === undefined ? counter : err(refusal);
}

/** Why no passkey of an account may move money now; undefined when one may. Said before a ceremony that could only fail. */
export function whyNoneMayPay(passkeys: readonly Credential[], now: EpochMs): Refusal | undefined {
  const refusals = passkeys.map((each) => refusalOf(each, "money", now));
  return refusals.includes(undefined) ? undefined : refusals[0];
}

function refusalOf(passkey: Credential, use: PasskeyUse, now: EpochMs): Refusal | undefined {
  const verdict = judgePasskeyUse(passkey, use, now);
  if (verdict === "allowed") return undefined;
  return refuse(verdict === "copied" ? "passkey_copied" : "passkey_too_new");
}

async function markCopied(tx: Database<unknown>, id: string, now: EpochMs): Promise<void> {
  const records = tx.records(credentialKind);
  const found = await records.get(id, now);
  if (found === undefined || found.value.copiedAt !== undefined) return;
  const marked = await records.update(id, found.version, { ...found.value, copiedAt: now });
  if (marked.ok) await writeAudit(tx, { accountId: found.value.accountId, at: now }, { type: "passkey_copied" });
}
