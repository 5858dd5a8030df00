import type { EpochMs } from "@countersign/protocol/brand";
import { passkeysMax } from "@countersign/protocol/passkey";
import type { Database } from "@countersign/storage/database";
import { passkeyNotice } from "../pages/account-notices.ts";
import type { Markup } from "../pages/layout.ts";
import { credentialKind } from "../passkeys/credentials.ts";
import { passkeyName } from "../passkeys/membership.ts";

/**
 * What the owner of an account should know on each of its pages. A passkey that joined is named for as long as it may not pay; nobody can wave the notice away,
 * for a thief at the session would (threat W07).
 */
export async function accountNotices(database: Pick<Database<unknown>, "records">, accountId: string, now: EpochMs): Promise<readonly Markup[]> {
  const passkeys = await database.records(credentialKind).find("account", accountId, now, { limit: passkeysMax });
  return passkeys.flatMap(({ value }) => {
    if (value.copiedAt !== undefined) return [passkeyNotice({ kind: "copied" })];
    return value.paysFrom !== undefined && now < value.paysFrom ? [passkeyNotice({ kind: "added", name: passkeyName(value) })] : [];
  });
}
