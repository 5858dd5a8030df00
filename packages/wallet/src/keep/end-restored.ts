import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import { sql } from "kysely";
import { modelKindName } from "../authorize/models.ts";
import { moveRequest } from "../payment-requests/move.ts";
import { paymentRequestKind, statusOf } from "../payment-requests/request.ts";
import { endRecoveryCodes } from "../recovery/codes.ts";
import type { SigningKeys } from "./signing-keys.ts";

/**
 * The kinds of record that a restored backup keeps: they give nobody anything by themselves, or only restrict. Everything else ends, so that a kind nobody
 * thought of is on the safe side.
 */
export const keptKinds: readonly string[] = [
  "account",
  "approval-evidence",
  "audit",
  "instance",
  "limit-settings",
  "live-payment-request",
  "passkey",
  "payment-request",
  "receipt",
  "recovery-code",
  "reseal_progress",
  "restore-mark",
  "revoked-grant",
  "signing-key",
  "used-proof",
  "wallet-key",
  ...["Client", "RegistrationAccessToken", "ReplayDetection"].map(modelKindName),
];

const page = 500;

/**
 * Ends everything that a restored backup may have brought back to life, because nobody knows any more what was revoked or used after the backup was made: sessions,
 * consents, every code and token, recovery codes of those who have a passkey, policies, open payment requests and approvals that nobody redeemed end; what
 * the signing keys signed is worth nothing. Accounts, passkeys, limits, receipts and clients stay.
 * May be run again after it was cut.
 */
export async function endRestored(database: Database<unknown>, signingKeys: SigningKeys, now: EpochMs): Promise<void> {
  await signingKeys.withdraw();
  await sql`delete from records where kind not in (${sql.join(keptKinds)})`.execute(database.sql);
  await endRecoveryCodes(database, now);
  const requests = database.records(paymentRequestKind);
  let after: string | undefined;
  for (;;) {
    const found = await requests.scan(after, page);
    for (const record of found) {
      const status = statusOf(record.value, now);
      const end = { status: "expired", at: now } as const;
      if (status === "created") await database.transaction((tx) => moveRequest(tx, record, { decision: end }, now));
      // An approval may have been used or withdrawn since; what was paid with it counts.
      if (status === "approved") await database.transaction((tx) => moveRequest(tx, record, { outcome: end }, now, { keepsReserved: true }));
    }
    after = found.at(-1)?.id;
    if (after === undefined) return;
  }
}
