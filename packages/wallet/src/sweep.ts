import type { Logger } from "@countersign/service/log";
import type { Database } from "@countersign/storage/database";
import { instanceKindName } from "@countersign/storage/instances";
import type { RecordKind } from "@countersign/storage/records";
import { addingTicketKind } from "./account/passkeys.ts";
import { recoveryPendingKindName } from "./account/recovery.ts";
import { auditKind } from "./audit/log.ts";
import { resealProgressKindName } from "@countersign/storage/reseal";
import { deviceClaimKind } from "./device/claim.ts";
import { devicePollKind } from "./device/poll.ts";
import { deleteOldLimits } from "./limits/reserve.ts";
import { linkClaimKind, phoneTicketKind } from "./phone/link-claim.ts";
import { sessionInfoKind } from "./authorize/sessions.ts";
import { modelKindName, modelNames } from "./authorize/models.ts";
import { usedProofKind } from "./authorize/proof.ts";
import { publishedKind } from "./authorize/published-before.ts";
import { refreshAnswerKindName } from "./authorize/refresh-grace.ts";
import { revokedGrantKind } from "./authorize/revocation.ts";
import { challengeKind } from "./passkeys/challenges.ts";
import { liveRequestKind } from "./payment-requests/lodge.ts";
import { deniedDealKind } from "./policies/denied-deals.ts";
import { policyKind } from "./policies/policies.ts";
import { receiptKind } from "./payment-requests/receipts.ts";
import { evidenceKind } from "./payment-requests/record-approval.ts";
import { paymentRequestKind } from "./payment-requests/request.ts";
import { recoveryTicketKind } from "./recovery/routes.ts";
import { deleteFullRates } from "./rates/rates.ts";
import { runRegularly } from "@countersign/service/run-regularly";

const periodMs = 60_000;
const batchMax = 500;
/** Of one kind in one sweep, so that a great many rows neither hold up the other kinds nor stay. */
const batchesMax = 200;

const sweptKinds: readonly string[] = [
  ...modelNames.map(modelKindName),
  refreshAnswerKindName,
  revokedGrantKind.name,
  usedProofKind.name,
  publishedKind.name,
  challengeKind.name,
  deviceClaimKind.name,
  devicePollKind.name,
  linkClaimKind.name,
  phoneTicketKind.name,
  liveRequestKind.name,
  paymentRequestKind.name,
  policyKind.name,
  deniedDealKind.name,
  auditKind.name,
  sessionInfoKind.name,
  instanceKindName,
  resealProgressKindName,
  addingTicketKind.name,
  recoveryPendingKindName,
  recoveryTicketKind.name,
  receiptKind.name,
  evidenceKind.name,
];

/** Deletes expired records from time to time; what is expired counts as gone long before. The answer stops it and waits for a running sweep. */
export function startSweep(database: Database<unknown>, now: () => number, logger: Logger): () => Promise<void> {
  return runRegularly(() => sweep(database, now()), { periodMs, failed: "sweep.failed" }, logger);
}

/** Deletes the expired records of each kind, and the counts, sums and reservations that mean nothing any more; each 500 at a time, up to 100,000. */
export async function sweep(database: Pick<Database<unknown>, "records" | "sql">, now: number): Promise<void> {
  for (const name of sweptKinds) {
    const kind: RecordKind<unknown> = { name, parse: (json) => json };
    await inBatches(() => database.records(kind).deleteExpired(now, batchMax));
  }
  await inBatches(() => deleteFullRates(database, now, batchMax));
  await inBatches(() => deleteOldLimits(database, now, batchMax));
}

async function inBatches(deleteSome: () => Promise<number>): Promise<void> {
  for (let batch = 0; batch < batchesMax; batch += 1) {
    if ((await deleteSome()) < batchMax) return;
  }
}
