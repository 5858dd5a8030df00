import { refuse } from "@countersign/protocol/errors";
import { err, ok } from "@countersign/protocol/result";
import { Secret } from "@countersign/protocol/secret";
import { z } from "zod";
import { atomically } from "../atomically.ts";
import { writeAudit } from "../audit/log.ts";
import { sha256 } from "../digest.ts";
import { recoveryCodeView, recoveryView } from "../pages/account-recovery.ts";
import { type ConfirmableAction, spendConfirmation, startConfirmation, verifyConfirmation } from "../passkeys/confirm.ts";
import { claimAccount } from "../passkeys/membership.ts";
import { keepRecoveryCode, newRecoveryCode, recoveryCodeHash, recoveryCodeOf } from "../recovery/codes.ts";
import { openJson, sealedKind, sealJson } from "../sealed-json.ts";
import type { AccountFrame, AccountParts, AccountVisit } from "./frame.ts";

/** How long a new code waits, sealed, for its owner to write it down. */
const pendingTtlMs = 600_000;

const pendingKind = sealedKind("recovery-pending");

/** Names the records of codes that are shown but not in force yet, for the sweep and for resealing. */
export const recoveryPendingKindName: string = pendingKind.name;

const nothing = z.object({});
const making: ConfirmableAction<Readonly<Record<string, never>>> = {
  type: "make_recovery_code",
  use: "account",
  parse: (json) => nothing.strict().parse(json),
};

/**
 * The recovery code of the account. A new code is shown until its owner says that it is written down; only then is its hash kept, the code before it void and
 * the new one never shown again. A window that closes too early so leaves the earlier code in force.
 */
export function addRecoveryPages(frame: AccountFrame, parts: AccountParts): void {
  const { database, sealer } = parts;

  frame.page("/account/recovery", async (visit) => {
    const code = await recoveryCodeOf(database, visit.accountId, parts.now());
    return ok(recoveryView({ madeAt: code?.madeAt, makeToken: visit.token("/account/recovery/make") }, visit.time));
  });

  frame.ceremony(
    "/account/recovery/make",
    async (visit) => ok({ options: await startConfirmation(parts, visit, making, {}) }),
    async (visit, fields) => {
      const now = parts.now();
      const confirmed = await verifyConfirmation(parts, visit, making, fields["credential"]);
      if (!confirmed.ok) return confirmed;
      const id = pendingId(visit);
      const pending = sealJson(sealer, bindingOf(id), newRecoveryCode().reveal());
      const done = await atomically(database, async (tx) => {
        const spent = await spendConfirmation(tx, confirmed.value, now);
        if (spent.ok) await tx.records(pendingKind).put(id, pending, { expiresAt: now + pendingTtlMs });
        return spent;
      });
      return done.ok ? ok({ next: "/account/recovery/code" }) : done;
    },
  );

  frame.page("/account/recovery/code", async (visit) => {
    const code = await pendingCode(parts, visit);
    if (code === undefined) return err(refuse("challenge_expired"));
    const keepAction = `/account/recovery/keep/${recoveryCodeHash(code)}`;
    return ok(recoveryCodeView({ code, keepAction, keepToken: visit.token(keepAction) }));
  });

  // The address names the code that the page showed, so that no page puts another window's code in force.
  frame.form("/account/recovery/keep/:hash", async (visit) => {
    const now = parts.now();
    const { accountId, request } = visit;
    const code = await pendingCode(parts, visit);
    if (code === undefined || recoveryCodeHash(code) !== visit.param("hash")) return err(refuse("challenge_expired"));
    const done = await atomically(database, async (tx) => {
      const claimed = await claimAccount(tx, accountId, now);
      if (!claimed.ok) return claimed;
      if (!(await tx.records(pendingKind).delete(pendingId(visit)))) return err(refuse("challenge_expired"));
      await keepRecoveryCode(tx, accountId, recoveryCodeHash(code), now);
      await writeAudit(tx, { accountId, at: now, request }, { type: "recovery_code_made" });
      return ok(undefined);
    });
    if (done.ok) parts.logger.info("recovery_code.made", { accountId });
    return done.ok ? ok({ next: "/account/recovery" }) : done;
  });
}

async function pendingCode(parts: AccountParts, visit: AccountVisit): Promise<Secret | undefined> {
  const id = pendingId(visit);
  const found = await parts.database.records(pendingKind).get(id, parts.now());
  return found === undefined ? undefined : new Secret(z.string().parse(openJson(parts.sealer, bindingOf(id), found.value)));
}

function pendingId(visit: AccountVisit): string {
  return sha256(`${visit.accountId}\n${visit.place}`);
}

function bindingOf(id: string): string {
  return `${pendingKind.name}:${id}`;
}
