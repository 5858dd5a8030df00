import { refuse } from "@countersign/protocol/errors";
import { passkeysMax } from "@countersign/protocol/passkey";
import { err, ok } from "@countersign/protocol/result";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";
import { atomically } from "../atomically.ts";
import { endSessions } from "../authorize/sessions.ts";
import { writeAudit } from "../audit/log.ts";
import { sha256 } from "../digest.ts";
import { newPasskeyView, passkeysView, type PasskeyRow } from "../pages/account-passkeys.ts";
import { displayText } from "../pages/display-text.ts";
import { type ConfirmableAction, spendConfirmation, startConfirmation, verifyConfirmation } from "../passkeys/confirm.ts";
import { type Credential, credentialKind } from "../passkeys/credentials.ts";
import { addPasskey, claimAccount, passkeyName, passkeyNameLengthMax, removePasskey, startPasskey, verifyPasskey } from "../passkeys/membership.ts";
import { recoveryCodeOf } from "../recovery/codes.ts";
import { describeAgent } from "./agent.ts";
import type { AccountFrame, AccountParts, AccountVisit } from "./frame.ts";

/** How long a confirmation lets its session make the new passkey. */
export const addingTtlMs = 300_000;

const ticket = z.object({ accountId: z.string() });

/** Says that the person at a session has just confirmed to add a passkey. One for each session, single use. */
export const addingTicketKind: RecordKind<{ readonly accountId: string }> = { name: "passkey-adding", parse: (json) => ticket.parse(json) };

const nothing = z.object({});
const onePasskey = z.object({ passkey: z.string() });

const adding: ConfirmableAction<Readonly<Record<string, never>>> = {
  type: "add_passkey",
  use: "account",
  parse: (json) => nothing.strict().parse(json),
};
const removing: ConfirmableAction<{ readonly passkey: string }> = { type: "remove_passkey", use: "account", parse: (json) => onePasskey.parse(json) };
/** Makes payments possible, so a passkey that may be a copy cannot clear itself: whoever holds the copy could. */
const keeping: ConfirmableAction<{ readonly passkey: string }> = { type: "keep_passkey", use: "money", parse: (json) => onePasskey.parse(json) };

/** The passkeys of the account: see, name, add, remove. Whatever changes who gets in needs a fresh passkey (threat W07). */
export function addPasskeyPages(frame: AccountFrame, parts: AccountParts): void {
  frame.page("/account/passkeys", async (visit) => {
    const { accountId } = visit;
    const now = parts.now();
    const found = await parts.database.records(credentialKind).find("account", accountId, now, { limit: passkeysMax });
    const recovery = await recoveryCodeOf(parts.database, accountId, now);
    const rows = found.map((each) => rowOf(visit, each.id, each.value, now)).toSorted((one, other) => one.addedAt - other.addedAt);
    const isFull = rows.length >= passkeysMax;
    const addToken = visit.token("/account/passkeys/add");
    return ok(passkeysView({ rows, canRemove: rows.length > 1 || recovery !== undefined, isFull, addToken }, visit.time));
  });
  addAdding(frame, parts);
  addChanges(frame, parts);
}

/** Two ceremonies: a passkey that is known confirms, then the new one is made. */
function addAdding(frame: AccountFrame, parts: AccountParts): void {
  const { database } = parts;
  frame.ceremony(
    "/account/passkeys/add",
    async (visit) => ok({ options: await startConfirmation(parts, visit, adding, {}) }),
    async (visit, fields) => {
      const now = parts.now();
      const confirmed = await verifyConfirmation(parts, visit, adding, fields["credential"]);
      if (!confirmed.ok) return confirmed;
      const done = await atomically(database, async (tx) => {
        const spent = await spendConfirmation(tx, confirmed.value, now);
        if (!spent.ok) return spent;
        // Whatever the session had before is gone with its consumption.
        await tx.records(addingTicketKind).delete(ticketId(visit));
        await tx.records(addingTicketKind).put(ticketId(visit), { accountId: visit.accountId }, { expiresAt: now + addingTtlMs });
        return ok(undefined);
      });
      return done.ok ? ok({ next: "/account/passkeys/new" }) : done;
    },
  );

  frame.page("/account/passkeys/new", async (visit) => {
    if (!(await hasTicket(parts, visit))) return err(refuse("challenge_expired"));
    return ok(newPasskeyView({ token: visit.token("/account/passkeys/new"), suggestedName: describeAgent(visit.request.headers.get("user-agent")) }));
  });

  frame.ceremony(
    "/account/passkeys/new",
    async (visit, fields) => {
      if (!(await hasTicket(parts, visit))) return err(refuse("passkey_refused", "a known passkey confirms first"));
      const name = readName(fields["passkey_name"]);
      if (name === undefined) return err(refuse("invalid_request", "passkey_name"));
      const options = await startPasskey(parts, visit, name || describeAgent(visit.request.headers.get("user-agent")));
      return options.ok ? ok({ options: options.value }) : options;
    },
    async (visit, fields) => {
      const now = parts.now();
      const made = await verifyPasskey(parts, visit, fields["credential"]);
      if (!made.ok) return made;
      const { accountId, request } = visit;
      const added = await atomically(database, async (tx) => {
        const used = await tx.records(addingTicketKind).consume(ticketId(visit), now);
        if (!used.ok || used.value.value.accountId !== accountId) return err(refuse("passkey_refused", "a known passkey confirms first"));
        return addPasskey(tx, made.value, { accountId, addedBy: "passkey", request }, now);
      });
      if (added.ok) parts.logger.info("passkey.added", { accountId });
      return added.ok ? ok({ next: "/account/passkeys" }) : added;
    },
  );
}

function addChanges(frame: AccountFrame, parts: AccountParts): void {
  const { database } = parts;
  frame.form("/account/passkeys/:id/name", async (visit, fields) => {
    const name = readName(fields["passkey_name"]);
    if (name === undefined || name === "") return err(refuse("invalid_request", "passkey_name"));
    const found = await database.records(credentialKind).get(visit.param("id"), parts.now());
    if (found?.value.accountId !== visit.accountId) return err(refuse("not_found"));
    const done = await atomically(database, async (tx) => {
      const renamed = await tx.records(credentialKind).update(found.id, found.version, { ...found.value, name });
      if (!renamed.ok) return err(refuse("conflict"));
      await writeAudit(tx, { accountId: visit.accountId, at: parts.now(), request: visit.request }, { type: "passkey_renamed", passkeyName: name });
      return ok(undefined);
    });
    return done.ok ? ok({ next: "/account/passkeys" }) : done;
  });

  frame.ceremony(
    "/account/passkeys/:id/remove",
    async (visit) => ok({ options: await startConfirmation(parts, visit, removing, { passkey: visit.param("id") }) }),
    async (visit, fields) => {
      const now = parts.now();
      const { accountId, request } = visit;
      const confirmed = await verifyConfirmation(parts, visit, removing, fields["credential"]);
      if (!confirmed.ok) return confirmed;
      const { passkey: passkeyId } = confirmed.value.action;
      if (passkeyId !== visit.param("id")) return err(refuse("consent_mismatch"));
      const done = await atomically(database, async (tx) => {
        const spent = await spendConfirmation(tx, confirmed.value, now);
        if (!spent.ok) return spent;
        const hasRecoveryCode = (await recoveryCodeOf(tx, accountId, now)) !== undefined;
        const removed = await removePasskey(tx, { accountId, passkeyId, hasRecoveryCode, by: confirmed.value.credential, request }, now);
        // Nobody knows which of them the removed passkey had signed in.
        if (removed.ok) await endSessions(tx, accountId, { type: "session_ended", request }, now, visit.sessionUid);
        return removed;
      });
      if (done.ok) parts.logger.info("passkey.removed", { accountId });
      return done.ok ? ok({ next: "/account/passkeys" }) : done;
    },
  );

  // The owner knows why an old count came back, and says so with another passkey, which is above suspicion.
  frame.ceremony(
    "/account/passkeys/:id/keep",
    async (visit) => ok({ options: await startConfirmation(parts, visit, keeping, { passkey: visit.param("id") }) }),
    async (visit, fields) => {
      const now = parts.now();
      const confirmed = await verifyConfirmation(parts, visit, keeping, fields["credential"]);
      if (!confirmed.ok) return confirmed;
      const { passkey } = confirmed.value.action;
      if (passkey !== visit.param("id")) return err(refuse("consent_mismatch"));
      const done = await atomically(database, async (tx) => {
        const spent = await spendConfirmation(tx, confirmed.value, now);
        if (!spent.ok) return spent;
        const claimed = await claimAccount(tx, visit.accountId, now);
        if (!claimed.ok) return claimed;
        const found = await tx.records(credentialKind).get(passkey, now);
        if (found?.value.accountId !== visit.accountId) return err(refuse("not_found"));
        const kept = await tx.records(credentialKind).update(passkey, found.version, { ...found.value, copiedAt: undefined });
        if (!kept.ok) return err(refuse("conflict"));
        const event = { type: "passkey_kept", passkeyName: passkeyName(found.value) } as const;
        await writeAudit(tx, { accountId: visit.accountId, at: now, request: visit.request }, event);
        return ok(undefined);
      });
      return done.ok ? ok({ next: "/account/passkeys" }) : done;
    },
  );
}

function rowOf(visit: AccountVisit, id: string, passkey: Credential, now: number): PasskeyRow {
  const base = `/account/passkeys/${id}`;
  return {
    base,
    name: passkeyName(passkey),
    addedAt: passkey.createdAt,
    usedAt: passkey.usedAt,
    isSynced: passkey.backedUp,
    byRecovery: passkey.addedBy === "recovery",
    paysFrom: passkey.paysFrom !== undefined && now < passkey.paysFrom ? passkey.paysFrom : undefined,
    isCopied: passkey.copiedAt !== undefined,
    nameToken: visit.token(`${base}/name`),
    removeToken: visit.token(`${base}/remove`),
    keepToken: visit.token(`${base}/keep`),
  };
}

async function hasTicket(parts: AccountParts, visit: AccountVisit): Promise<boolean> {
  const found = await parts.database.records(addingTicketKind).get(ticketId(visit), parts.now());
  return found !== undefined && found.consumedAt === null && found.value.accountId === visit.accountId;
}

function ticketId(visit: AccountVisit): string {
  return sha256(visit.place);
}

/** A passkey's name as typed; undefined when it is too long or no text. */
function readName(value: unknown): string | undefined {
  if (value === undefined) return "";
  return typeof value === "string" && value.length <= passkeyNameLengthMax ? displayText(value, passkeyNameLengthMax) : undefined;
}
