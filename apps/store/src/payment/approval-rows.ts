import type { ApprovalMemory } from "@countersign/kit/payment/approval-memory";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import type { RecordKind } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";

/** Says that an answer to a question of the store has come back; its id is the question's. */
const spentAnswerKind: RecordKind<null> = { name: "spent-answer", parse: () => null };

/** How many that are over are removed whenever one is added. */
const sweptAtOnce = 20;

/** What the store's instances share about approvals that calls were asked for: sealed under the store's keys, spent in its database. */
export function openApprovalRows(db: Pick<Database<unknown>, "records">, sealer: Sealer, clock: () => EpochMs): ApprovalMemory {
  const records = db.records(spentAnswerKind);
  return {
    sealer,
    async spend(id, expiresAt) {
      await records.deleteExpired(clock(), sweptAtOnce);
      return (await records.create(id, null, { expiresAt })).ok;
    },
  };
}
