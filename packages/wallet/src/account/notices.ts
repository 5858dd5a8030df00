import type { EpochMs } from "@countersign/protocol/brand";
import { newPasskeyDelayMs, passkeysMax } from "@countersign/protocol/passkey";
import type { Database } from "@countersign/storage/database";
import { passkeyNotice, recoveryNotice } from "../pages/account-notices.ts";
import type { Markup } from "../pages/layout.ts";
import { credentialKind } from "../passkeys/credentials.ts";
import { passkeyName } from "../passkeys/membership.ts";
import { lostRecoveryCode, recoveryCodeOf } from "../recovery/codes.ts";

/**
 * What the owner of an account should know on each of its pages. A passkey that joined is named for as long as it may not pay, a recovery code for a day; nobody can wave the notice away,
 * for a thief at the session would (threat W07).
 */
export async function accountNotices(database: Pick<Database<unknown>, "records">, accountId: string, now: EpochMs): Promise<readonly Markup[]> {
  const passkeys = await database.records(credentialKind).find("account", accountId, now, { limit: passkeysMax });
  const aboutPasskeys = passkeys.flatMap(({ value }) => {
    if (value.copiedAt !== undefined) return [passkeyNotice({ kind: "copied" })];
    return value.paysFrom !== undefined && now < value.paysFrom ? [passkeyNotice({ kind: "added", name: passkeyName(value) })] : [];
  });
  if (await lostRecoveryCode(database, accountId, now)) return [...aboutPasskeys, recoveryNotice("ended")];
  const code = await recoveryCodeOf(database, accountId, now);
  return code !== undefined && now < code.madeAt + newPasskeyDelayMs ? [...aboutPasskeys, recoveryNotice("made")] : aboutPasskeys;
}
