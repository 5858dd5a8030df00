import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import { judgeWithdrawal } from "@countersign/protocol/redemption";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import { moveRequest } from "./move.ts";
import { type PaymentRequest, paymentRequestKind, statusOf } from "./request.ts";

/** Who withdraws: the payee that lodged the request, or the user who approved it. */
export type Withdrawer = { readonly by: "payee"; readonly payeeId: string } | { readonly by: "user"; readonly accountId: string };

/**
 * Ends a request that its payee no longer wants, or takes an approval back before it is used; from then on no mandate of it is ever redeemed. Withdrawing
 * twice is withdrawing once. Refuses with `not_found` when it is somebody else's, and with `conflict` when it has ended otherwise.
 */
export async function withdrawPayment(
  database: Database<unknown>,
  requestId: string,
  withdrawer: Withdrawer,
  now: EpochMs,
): Promise<Result<PaymentRequest, Refusal>> {
  return database.transaction(async (tx) => {
    const found = await tx.records(paymentRequestKind).get(requestId, now);
    if (found === undefined || !isTheirs(found.value, withdrawer)) return err(refuse("not_found"));
    const judged = judgeWithdrawal(statusOf(found.value, now), withdrawer.by);
    if (!judged.ok) return judged;
    if (judged.value.verdict === "repeat") return ok(found.value);
    const change =
      judged.value.to === "canceled"
        ? { decision: { status: "canceled", at: now } as const }
        : { outcome: { status: "revoked", at: now, by: withdrawer.by } as const };
    return moveRequest(tx, found, change, now);
  });
}

function isTheirs(request: PaymentRequest, withdrawer: Withdrawer): boolean {
  if (withdrawer.by === "payee") return request.payee.id === withdrawer.payeeId;
  return request.decision?.status === "approved" && request.decision.accountId === withdrawer.accountId;
}
