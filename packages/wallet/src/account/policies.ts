import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import { parseDecimal } from "@countersign/protocol/money";
import type { PaymentPayee } from "@countersign/protocol/payment";
import { budgetsOf, parsePolicyTerms, type PolicyTerms } from "@countersign/protocol/policy";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { StoredRecord } from "@countersign/storage/records";
import { usedOf } from "../limits/reserve.ts";
import { limitsOf } from "../limits/settings.ts";
import { policiesView, type PolicyLine } from "../pages/account-policies.ts";
import { type ConfirmableAction, spendConfirmation, startConfirmation, verifyConfirmation } from "../passkeys/confirm.ts";
import { findKnownPayee, knownPayeesOf } from "../policies/known-payees.ts";
import { endPolicy, isLive, makePolicy, policiesOf, type Policy } from "../policies/policies.ts";
import type { AccountFields, AccountFrame, AccountParts, AccountVisit } from "./frame.ts";

const page = "/account/policies";
const dayMs = 86_400_000;

/** A policy lets payments through without the passkey, so it takes one that may move money. */
const makePolicyAction: ConfirmableAction<PolicyTerms> = {
  type: "make_policy",
  use: "money",
  parse(json) {
    // That its end is near enough was judged before the ceremony began; that it has not passed is judged at each use.
    const terms = parsePolicyTerms(json, endOf(json) - 1);
    if (!terms.ok) throw new TypeError("a confirmed policy is none");
    return terms.value;
  },
};

/** The policies of the account, the form that makes one with the passkey, and the buttons that end them. */
export function addPolicies(frame: AccountFrame, parts: AccountParts): void {
  frame.page(page, async (visit) => {
    const now = parts.now();
    const policies = await policiesOf(parts.database, visit.accountId, now);
    const known = await knownPayeesOf(parts.database, visit.accountId, now);
    const { limits } = await limitsOf(parts.database, visit.accountId, parts.limits, now);
    return ok(
      policiesView(
        {
          policies: await Promise.all(policies.map((each) => lineOf(parts, visit, each, now))),
          payees: known.map((each) => each.payee),
          currencies: Object.keys(limits),
          makeToken: visit.token(`${page}/new`),
        },
        visit.time,
      ),
    );
  });

  frame.ceremony(
    `${page}/new`,
    async (visit, fields) => {
      const now = parts.now();
      const terms = readTerms(fields, now);
      if (!terms.ok) return terms;
      const payees = await payeesOf(parts, visit, terms.value, now);
      if (!payees.ok) return payees;
      return ok({ options: await startConfirmation(parts, visit, makePolicyAction, terms.value) });
    },
    (visit, fields) => complete(parts, visit, fields),
  );

  frame.form(`${page}/:policy/end`, async (visit) => {
    const ended = await endPolicy(parts.database, visit.accountId, visit.param("policy"), parts.now(), visit.request);
    return ended.ok ? ok({ next: page }) : ended;
  });
}

async function complete(parts: AccountParts, visit: AccountVisit, fields: AccountFields): Promise<Result<{ readonly next: string }, Refusal>> {
  const confirmed = await verifyConfirmation(parts, visit, makePolicyAction, fields["credential"]);
  if (!confirmed.ok) return confirmed;
  const now = parts.now();
  const { action: terms, evidence } = confirmed.value;
  const payees = await payeesOf(parts, visit, terms, now);
  if (!payees.ok) return payees;
  const signed = { accountId: visit.accountId, terms, payees: payees.value, evidence, request: visit.request };
  const made = await makePolicy(parts, signed, now, (tx) => spendConfirmation(tx, confirmed.value, now));
  return made.ok ? ok({ next: page }) : made;
}

/** Reads the form: one payee, a currency, decimals, a period, and a number of days. Refuses as {@link parsePolicyTerms}. */
function readTerms(fields: AccountFields, now: EpochMs): Result<PolicyTerms, Refusal> {
  const { payee_id: payeeId, currency, ceiling, budget, period, days } = fields;
  if (typeof currency !== "string" || typeof ceiling !== "string" || typeof budget !== "string") return err(refuse("invalid_request", "ceiling"));
  if (typeof days !== "string" || !/^\d{1,2}$/.test(days)) return err(refuse("invalid_request", "days"));
  const most = parseDecimal(ceiling.trim(), currency);
  const total = parseDecimal(budget.trim(), currency);
  if (!most.ok || !total.ok) return err(refuse("invalid_amount"));
  const expiresAt = now + Number(days) * dayMs;
  return parsePolicyTerms({ payeeIds: [payeeId], currency, ceiling: most.value.amount, budget: total.value.amount, period, expiresAt }, now);
}

/** The payees of a policy, all of whom were paid in person before. Refuses with `not_found`. */
async function payeesOf(
  parts: AccountParts,
  visit: AccountVisit,
  terms: PolicyTerms,
  now: EpochMs,
): Promise<Result<readonly PaymentPayee[], Refusal>> {
  const payees: PaymentPayee[] = [];
  for (const id of terms.payeeIds) {
    const known = await findKnownPayee(parts.database, visit.accountId, id, now);
    if (known === undefined) return err(refuse("not_found", "the payee was never paid"));
    payees.push(known.payee);
  }
  return ok(payees);
}

async function lineOf(parts: AccountParts, visit: AccountVisit, stored: StoredRecord<Policy>, now: EpochMs): Promise<PolicyLine> {
  const { settings } = await limitsOf(parts.database, visit.accountId, parts.limits, now);
  const budgets = budgetsOf({ id: stored.id, terms: stored.value.terms }, now, settings.calendar);
  const used = await usedOf(parts.database, visit.accountId, budgets);
  const action = `${page}/${stored.id}/end`;
  return {
    policy: stored.value,
    used: Math.max(0, ...used.values()),
    isLive: isLive(stored.value, now),
    end: { action, token: visit.token(action) },
  };
}

function endOf(json: unknown): EpochMs {
  return typeof json === "object" && json !== null && "expiresAt" in json && typeof json.expiresAt === "number" ? json.expiresAt : 0;
}
