import type { EpochMs } from "@countersign/protocol/brand";
import { policyLifeMaxMs } from "@countersign/protocol/policy";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";
import { sha256OfJson } from "../digest.ts";
import type { PaymentRequest } from "../payment-requests/request.ts";

/** That a user said no to a deal. */
export interface DeniedDeal {
  readonly accountId: string;
  readonly at: EpochMs;
}

const shape = z.object({ accountId: z.string(), at: z.number() });

export const deniedDealKind: RecordKind<DeniedDeal> = { name: "denied-deal", parse: (json) => shape.parse(json) };

type RecordStore = Pick<Database<unknown>, "records">;
type Deal = Pick<PaymentRequest, "payee" | "terms">;

/** Notes the user's no, in the transaction that denies. It stands for as long as a policy may live, or until the same deal is approved in person. */
export async function noteDenial(tx: RecordStore, accountId: string, deal: Deal, now: EpochMs): Promise<void> {
  for (const id of namesOf(accountId, deal)) {
    await tx.records(deniedDealKind).put(id, { accountId, at: now }, { keys: { account: accountId }, expiresAt: now + policyLifeMaxMs });
  }
}

/** Takes the user's no back, in the transaction in which they approve the deal in person. */
export async function forgetDenial(tx: RecordStore, accountId: string, deal: Deal): Promise<void> {
  for (const id of namesOf(accountId, deal)) await tx.records(deniedDealKind).delete(id);
}

/** Whether the user's last word on this deal was no. */
export async function isDeniedDeal(database: RecordStore, accountId: string, deal: Deal, now: EpochMs): Promise<boolean> {
  for (const id of namesOf(accountId, deal)) {
    if ((await database.records(deniedDealKind).get(id, now)) !== undefined) return true;
  }
  return false;
}

/**
 * What makes a deal the same: the payee's checkout, whatever version of it is signed now; and, in another checkout of the payee, the same items for the same sum.
 */
function namesOf(accountId: string, { payee, terms }: Deal): readonly string[] {
  const { id: checkout, amount, currency, items } = terms;
  return [
    { accountId, payee: payee.id, checkout },
    { accountId, payee: payee.id, amount, currency, items },
  ].map(sha256OfJson);
}
