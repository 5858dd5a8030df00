import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { SpendingWindow } from "@countersign/protocol/limits";
import { judgePolicy } from "@countersign/protocol/policy";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { StoredRecord } from "@countersign/storage/records";
import { accountKind } from "../accounts.ts";
import { consentKind } from "../authorize/consents.ts";
import type { Resources } from "../authorize/resources.ts";
import type { BankClient } from "../bank/bank-client.ts";
import { limitsOf } from "../limits/settings.ts";
import { findOpenRequest, recordApproval, type RecordParts } from "../payment-requests/record-approval.ts";
import { isRefund, type PaymentRequest } from "../payment-requests/request.ts";
import { isDeniedDeal } from "./denied-deals.ts";
import { findKnownPayee } from "./known-payees.ts";
import { policiesOf, type Policy, policyKind } from "./policies.ts";

export interface AutoApproveParts {
  readonly approval: RecordParts;
  readonly bank: BankClient;
  /** The wallet's configured resource servers. */
  readonly resources: Pick<Resources, "find">;
}

const attemptsMax = 3;

/**
 * Approves an open request by a policy of the user whom the payee named, if there is one that covers it; nobody is asked then. The user must have connected an
 * app to the payee's own server and not revoked it, and must not have said no to the same deal. Everything else leaves the request open for the user's own decision, and the payee learns no reason:
 * `true` when it was approved.
 */
export async function autoApprove(parts: AutoApproveParts, requestId: string, accountId: string): Promise<boolean> {
  // A policy may be used by another payment at the same moment; it is then judged again as it is now.
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const outcome = await tryOnce(parts, requestId, accountId);
    if (outcome.ok) return outcome.value;
    if (outcome.error.code !== "conflict") return false;
  }
  return false;
}

async function tryOnce(parts: AutoApproveParts, requestId: string, accountId: string): Promise<Result<boolean, Refusal>> {
  const { approval, bank } = parts;
  const { database } = approval;
  const now = approval.now();
  const found = await findOpenRequest(database, requestId, accountId, now);
  const account = await database.records(accountKind).get(accountId, now);
  if (!found.ok || account === undefined) return ok(false);
  const { terms, payee } = found.value.value;
  // A policy spends; whether money comes back is the user's own to say.
  if (isRefund(found.value.value)) return ok(false);
  // The terms name a server in the payee's own words: one of somebody else's would borrow what its user allowed there.
  if (parts.resources.find(terms.resource)?.client_id !== payee.id) return ok(false);
  if (!(await isLinked(database, accountId, terms.resource, now))) return ok(false);
  const covering = await findCovering(parts, found.value.value, accountId, now);
  if (covering === undefined) return ok(false);
  const funding = await bank.openAccount({ userId: accountId, currency: terms.currency, holder: account.value.displayName });
  if (!funding.ok || funding.value.available < terms.amount) return ok(false);
  const { policy, budgets } = covering;
  const { id, description } = funding.value;
  const recorded = await recordApproval(
    approval,
    {
      requestId,
      request: found.value,
      accountId,
      instrument: { type: "bank_account", id, description },
      channel: "policy",
      evidence: { policy_id: policy.id, terms: policy.value.terms },
      budgets,
    },
    // The very policy that was judged: one that its owner has ended since has another version.
    async (tx) => {
      const used = await tx.records(policyKind).update(policy.id, policy.version, { ...policy.value, uses: policy.value.uses + 1 });
      return used.ok ? ok(undefined) : err(refuse("conflict"));
    },
  );
  return recorded.ok ? ok(true) : recorded;
}

/** The first policy that lets the payment through, and the sums that must have room. */
async function findCovering(
  parts: AutoApproveParts,
  request: PaymentRequest,
  accountId: string,
  now: EpochMs,
): Promise<{ readonly policy: StoredRecord<Policy>; readonly budgets: readonly SpendingWindow[] } | undefined> {
  const { database, limits } = parts.approval;
  const { terms, payee, keyThumbprint } = request;
  const policies = await policiesOf(database, accountId, now);
  if (policies.length === 0) return undefined;
  const known = await findKnownPayee(database, accountId, payee.id, now);
  const { calendar } = (await limitsOf(database, accountId, limits, now)).settings;
  const { currency, amount } = terms;
  const isDenied = await isDeniedDeal(database, accountId, request, now);
  const payment = { payeeId: payee.id, currency, amount, keyThumbprint, knownKeys: known?.keyThumbprints ?? [], isDenied, at: now };
  for (const policy of policies) {
    const judged = judgePolicy({ id: policy.id, ...policy.value }, payment, calendar);
    if (judged.verdict === "approve") return { policy, budgets: judged.budgets };
  }
  return undefined;
}

/** Whether the user allows some app to use this server. Revoking the app takes that away. */
async function isLinked(database: Pick<Database<unknown>, "records">, accountId: string, resource: string, now: EpochMs): Promise<boolean> {
  const consents = await database.records(consentKind).find("account", accountId, now, { limit: 1000 });
  return consents.some((consent) => (consent.value.scopes[resource]?.length ?? 0) > 0);
}
