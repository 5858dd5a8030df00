import { randomBytes } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { PaymentPayee } from "@countersign/protocol/payment";
import type { PolicyTerms } from "@countersign/protocol/policy";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { RecordKind, StoredRecord } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { z } from "zod";
import { atomically } from "../atomically.ts";
import { writeAudit } from "../audit/log.ts";
import type { Evidence } from "../passkeys/evidence.ts";
import { claimAccount } from "../passkeys/membership.ts";
import { evidenceKind } from "../payment-requests/record-approval.ts";
import { approvedRetentionMs } from "../payment-requests/request.ts";
import { sealJson } from "../sealed-json.ts";

/** A policy that a user signed. `payees` are what the wallet knew of them then, to be shown; the terms are what counts. */
export interface Policy {
  readonly accountId: string;
  readonly terms: PolicyTerms;
  readonly payees: readonly PaymentPayee[];
  readonly createdAt: EpochMs;
  readonly endedAt: EpochMs | null;
  /** Payments that it approved, so that a change in between is noticed. */
  readonly uses: number;
}

const policy = z.object({
  accountId: z.string(),
  terms: z.object({
    payeeIds: z.array(z.string()),
    currency: z.string(),
    ceiling: z.number(),
    budget: z.number(),
    period: z.enum(["day", "month", "all"]),
    expiresAt: z.number(),
  }),
  payees: z.array(z.object({ id: z.string(), name: z.string(), website: z.string() })),
  createdAt: z.number(),
  endedAt: z.number().nullable(),
  uses: z.number(),
});

export const policyKind: RecordKind<Policy> = { name: "policy", parse: (json) => policy.parse(json) };

/** Live policies of one account at a time. */
export const policiesMax = 20;

/** Policies stay readable so long after their end. */
export const policyRetentionMs: number = 90 * 86_400_000;

/** Policies of an account, ended ones too, the newest first. */
export async function policiesOf(
  database: Pick<Database<unknown>, "records">,
  accountId: string,
  now: EpochMs,
): Promise<readonly StoredRecord<Policy>[]> {
  const found = await database.records(policyKind).find("account", accountId, now, { limit: 1000 });
  return found.toSorted((left, right) => right.value.createdAt - left.value.createdAt);
}

/** Whether a policy may still approve. */
export function isLive(value: Policy, now: EpochMs): boolean {
  return value.endedAt === null && now < value.terms.expiresAt;
}

/**
 * Keeps a policy together with what proves that its owner signed it. `spend` spends the passkey's confirmation in the same transaction. Refuses with
 * `rate_limited` when there are too many, with `conflict` when another one is made at the same moment, and as `spend` does. Gives the policy's id.
 */
export async function makePolicy(
  parts: { readonly database: Database<unknown>; readonly sealer: Sealer },
  signed: {
    readonly accountId: string;
    readonly terms: PolicyTerms;
    readonly payees: readonly PaymentPayee[];
    readonly evidence: Evidence;
    readonly request?: Request;
  },
  now: EpochMs,
  spend: (tx: Database<unknown>) => Promise<Result<void, Refusal>>,
): Promise<Result<string, Refusal>> {
  const { accountId, terms, payees, evidence, request } = signed;
  const id = `pol_${randomBytes(16).toString("base64url")}`;
  return atomically(parts.database, async (tx) => {
    const spent = await spend(tx);
    if (!spent.ok) return spent;
    const claimed = await claimAccount(tx, accountId, now);
    if (!claimed.ok) return claimed;
    const live = (await policiesOf(tx, accountId, now)).filter((each) => isLive(each.value, now));
    if (live.length >= policiesMax) return err(refuse("rate_limited", "an account has at most 20 policies"));
    const value = { accountId, terms, payees, createdAt: now, endedAt: null, uses: 0 };
    const created = await tx.records(policyKind).create(id, value, { keys: { account: accountId }, expiresAt: terms.expiresAt + policyRetentionMs });
    if (!created.ok) throw new Error("a policy's id came up twice");
    // As long as its last payment may be disputed.
    const sealed = sealJson(parts.sealer, `${evidenceKind.name}:${id}`, evidence);
    await tx.records(evidenceKind).put(id, sealed, { expiresAt: terms.expiresAt + approvedRetentionMs });
    await writeAudit(tx, { accountId, at: now, request }, { type: "policy_made", policyId: id });
    return ok(id);
  });
}

/** Ends a policy of this account; from then on it approves nothing. Ending it again changes nothing. Refuses with `not_found` and `conflict`. */
export async function endPolicy(
  database: Database<unknown>,
  accountId: string,
  id: string,
  now: EpochMs,
  request?: Request,
): Promise<Result<void, Refusal>> {
  return atomically(database, async (tx) => {
    const found = await tx.records(policyKind).get(id, now);
    if (found === undefined || found.value.accountId !== accountId) return err(refuse("not_found"));
    if (found.value.endedAt !== null) return ok(undefined);
    const ended = await tx.records(policyKind).update(id, found.version, { ...found.value, endedAt: now });
    if (!ended.ok) return err(refuse("conflict"));
    await writeAudit(tx, { accountId, at: now, request }, { type: "policy_ended", policyId: id });
    return ok(undefined);
  });
}
