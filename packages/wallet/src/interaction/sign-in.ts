import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import { isTimeZone } from "@countersign/protocol/limits";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { describeAgent } from "../account/agent.ts";
import { accountKind, defaultName, displayNameLengthMax, newAccountId } from "../accounts.ts";
import { writeAudit } from "../audit/log.ts";
import { startCalendar } from "../limits/settings.ts";
import { displayText } from "../pages/display-text.ts";
import { parseAssertion, parseRegistration } from "../passkeys/answer.ts";
import { checkAssertion } from "../passkeys/check-assertion.ts";
import { findChallenge, rememberChallenge, spendChallenge } from "../passkeys/challenges.ts";
import { credentialKind, credentialRecordId, findCredential } from "../passkeys/credentials.ts";
import { assertionOptions, registrationOptions, verifyRegistration } from "../passkeys/relying-party.ts";
import { askerOfRequest, within } from "../rates/rates.ts";
import type { InteractionParts } from "./parts.ts";
import { hasToken, type Outcome, type Posted } from "./posted.ts";
import { roomForCeremony } from "./room.ts";
import { pageShown, subjectOf } from "./views.ts";

/** Options to sign in with any passkey that the browser has for this wallet. */
export async function startLogin(parts: InteractionParts, posted: Posted): Promise<Result<Outcome, Refusal>> {
  if (!isSignInForm(parts, posted, "login")) return err(refuse("forbidden_origin"));
  const room = await roomForCeremony(parts, posted);
  if (!room.ok) return room;
  const options = await assertionOptions(parts.party);
  const { uid } = posted.interaction;
  await rememberChallenge(parts.database, options.challenge, { purpose: "login", interactionUid: uid }, parts.now());
  return ok({ options });
}

/** Signs in. The challenge is spent first, so that whatever follows happens once. */
export async function completeLogin(parts: InteractionParts, posted: Posted): Promise<Result<Outcome, Refusal>> {
  if (!isSignInForm(parts, posted, "login")) return err(refuse("forbidden_origin"));
  const now = parts.now();
  const answer = parseAssertion(posted.fields["credential"]);
  if (!answer.ok) return answer;
  const { challenge, credential } = answer.value;
  const remembered = await findChallenge(parts.database, challenge, { purpose: "login", interactionUid: posted.interaction.uid }, now);
  if (!remembered.ok) return remembered;
  const spent = await spendChallenge(parts.database, challenge, now);
  if (!spent.ok) return spent;
  const known = await findCredential(parts.database, credential.id, now);
  if (known === undefined) return err(refuse("unknown_passkey"));
  const counter = await checkAssertion(parts, credential, { challenge, known, use: "account" }, now);
  if (!counter.ok) {
    await writeAudit(parts.database, { accountId: known.value.accountId, at: now, request: posted.request }, { type: "passkey_refused" });
    return counter;
  }
  const { accountId } = known.value;
  const isKnown = await parts.database.transaction(async (tx) => {
    const used = await tx.records(credentialKind).update(known.id, known.version, { ...known.value, counter: counter.value, usedAt: now });
    // A counter that somebody else moved in between means two authenticators with one key; without counters it must still be there.
    if (!used.ok && (counter.value > 0 || used.error === "missing")) return false;
    await writeAudit(tx, { accountId, at: now, request: posted.request }, { type: "signed_in" });
    return true;
  });
  return isKnown ? signedIn(parts, posted, accountId) : err(refuse("passkey_refused"));
}

/** Options to make a passkey for an account that comes into being with it. */
export async function startRegistration(parts: InteractionParts, posted: Posted): Promise<Result<Outcome, Refusal>> {
  if (!isSignInForm(parts, posted, "register")) return err(refuse("forbidden_origin"));
  const typed = posted.fields["display_name"];
  if (typed !== undefined && (typeof typed !== "string" || typed.length > displayNameLengthMax))
    return err(refuse("invalid_request", "display_name"));
  const room = await roomForCeremony(parts, posted);
  // Before the passkey is made: one that leads to no account would stay with its owner for nothing.
  const place = room.ok ? await within(parts.rates, "register", askerOfRequest(posted.request), parts.now()) : room;
  if (!place.ok) return place;
  const accountId = newAccountId();
  const userName = defaultName(accountId);
  const displayName = displayText(typed ?? "", displayNameLengthMax) || userName;
  const options = await registrationOptions(parts.party, { accountId, userName, displayName });
  const { uid } = posted.interaction;
  const timeZone = zoneOf(posted.fields["time_zone"]);
  const registering = { purpose: "register", interactionUid: uid, accountId, displayName, timeZone } as const;
  await rememberChallenge(parts.database, options.challenge, registering, parts.now());
  return ok({ options });
}

/** Makes account and passkey in one transaction and signs in. */
export async function completeRegistration(parts: InteractionParts, posted: Posted): Promise<Result<Outcome, Refusal>> {
  if (!isSignInForm(parts, posted, "register")) return err(refuse("forbidden_origin"));
  const now = parts.now();
  const answer = parseRegistration(posted.fields["credential"]);
  if (!answer.ok) return answer;
  const { challenge, credential } = answer.value;
  const remembered = await findChallenge(parts.database, challenge, { purpose: "register", interactionUid: posted.interaction.uid }, now);
  if (!remembered.ok) return remembered;
  const spent = await spendChallenge(parts.database, challenge, now);
  if (!spent.ok) return spent;
  const { accountId, displayName, timeZone } = remembered.value;
  if (accountId === undefined || displayName === undefined) throw new TypeError("a registration's challenge names its account");
  const made = await verifyRegistration(parts.party, credential, challenge);
  if (!made.ok) return made;
  const isNew = await parts.database.transaction(async (tx) => {
    const value = { ...made.value, accountId, createdAt: now, usedAt: now, name: describeAgent(posted.request.headers.get("user-agent")) };
    const created = await tx.records(credentialKind).create(credentialRecordId(value.credentialId), value, { keys: { account: accountId } });
    if (!created.ok) return false;
    await tx.records(accountKind).put(accountId, { displayName, createdAt: now });
    if (timeZone !== undefined) await startCalendar(tx, accountId, timeZone);
    await writeAudit(tx, { accountId, at: now, request: posted.request }, { type: "account_created" });
    return true;
  });
  return isNew ? signedIn(parts, posted, accountId) : err(refuse("passkey_refused", "this passkey is already registered"));
}

/** The browser's time zone. One that this wallet does not know keeps nobody from an account: its days are then the operator's. */
function zoneOf(told: unknown): string | undefined {
  return typeof told === "string" && isTimeZone(told) ? told : undefined;
}

function isSignInForm(parts: InteractionParts, posted: Posted, form: "login" | "register"): boolean {
  return hasToken(parts, posted, "login", subjectOf(posted.interaction, form, pageShown(posted.interaction)));
}

async function signedIn(parts: InteractionParts, posted: Posted, accountId: string): Promise<Result<Outcome, Refusal>> {
  parts.logger.info("wallet.signed_in", { accountId, clientId: posted.interaction.client.clientId });
  return ok({ next: await parts.interactions.finish(posted.request, { login: { accountId } }, false) });
}
