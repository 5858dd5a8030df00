import type { EpochMs } from "@countersign/protocol/brand";
import { readPaymentReference } from "@countersign/protocol/payment-reference";
import type { PaymentRequestStatus } from "@countersign/protocol/payment";
import { parseScope, paymentRequestIdOf, paymentScope, type ScopeSet, withoutTransactionScopes } from "@countersign/protocol/scope";
import type { Database } from "@countersign/storage/database";
import { type PaymentRequest, paymentRequestKind, statusOf } from "../payment-requests/request.ts";

/**
 * What becomes of one transaction scope of an authorization request: the payment is shown, or was approved in this very interaction, or the scope is
 * ignored, as it must be when a client repeats an old one in a union of scopes.
 */
export type TransactionScopeVerdict =
  | { readonly state: "show"; readonly requestId: string }
  | { readonly state: "approved_here"; readonly requestId: string }
  | { readonly state: "ignore"; readonly requestId: string; readonly reason: IgnoredReason };

export type IgnoredReason = "unknown" | "other_resource" | Exclude<PaymentRequestStatus, "created">;

/** Judges one transaction scope for the resources that the authorization request names. */
export function judgeTransactionScope(
  requestId: string,
  request: PaymentRequest | undefined,
  context: { readonly resources: readonly string[]; readonly approvedHere: readonly string[]; readonly now: EpochMs },
): TransactionScopeVerdict {
  if (request === undefined) return { state: "ignore", requestId, reason: "unknown" };
  if (!context.resources.includes(request.terms.resource)) return { state: "ignore", requestId, reason: "other_resource" };
  const status = statusOf(request, context.now);
  if (status === "created") return { state: "show", requestId };
  // A payee is quick: the mandate may have been used, or even refused by the bank, before the user's browser is back.
  const wasApproved = status === "approved" || status === "redeemed" || status === "voided";
  if (wasApproved && context.approvedHere.includes(requestId)) return { state: "approved_here", requestId };
  return { state: "ignore", requestId, reason: status };
}

/** A judged payment request with the resource that it belongs to, and how it was asked for. */
export interface JudgedTransaction {
  readonly verdict: TransactionScopeVerdict;
  readonly resource: string | undefined;
  readonly byScope: boolean;
  readonly byDetails: boolean;
}

/** The payment requests that an authorization request names: by scope, of which a client may repeat any number of old ones, or in its authorization details. */
export interface RequestedTransactions {
  readonly byScope: readonly string[];
  /** The one of `authorization_details`, which is never ignored: the client asked for this payment now. */
  readonly byDetails: string | undefined;
}

/** Reads them from the two parameters. What cannot be read names nothing: it is refused elsewhere. */
export function requestedTransactions(scopeText: string, detailsText: string): RequestedTransactions {
  const reference = detailsText === "" ? undefined : readPaymentReference(detailsText);
  return {
    byScope: [...readScope(scopeText)].flatMap((token) => paymentRequestIdOf(token) ?? []),
    byDetails: reference?.ok ? reference.value.payment_request_id : undefined,
  };
}

/** Reads and judges what was requested. Its number is bounded by that of a scope text's tokens. */
export async function judgeTransactions(
  database: Pick<Database<unknown>, "records">,
  requested: RequestedTransactions,
  context: { readonly resources: readonly string[]; readonly approvedHere: readonly string[]; readonly now: EpochMs },
): Promise<readonly JudgedTransaction[]> {
  const ids = new Set(requested.byDetails === undefined ? requested.byScope : [...requested.byScope, requested.byDetails]);
  const judged: JudgedTransaction[] = [];
  for (const id of ids) {
    const found = await database.records(paymentRequestKind).get(id, context.now);
    judged.push({
      verdict: judgeTransactionScope(id, found?.value, context),
      resource: found?.value.terms.resource,
      byScope: requested.byScope.includes(id),
      byDetails: requested.byDetails === id,
    });
  }
  return judged;
}

/** The scopes that these transactions add to a resource in this authorization. */
export function grantableTransactionScopes(judged: readonly JudgedTransaction[], resource: string): readonly string[] {
  return judged
    .filter((each) => each.byScope && each.resource === resource && each.verdict.state !== "ignore")
    .map((each) => paymentScope(each.verdict.requestId));
}

/** Why nothing can be done when a request demands only transactions and none can be shown, or one of its details that cannot; undefined when there is something to do. */
export function unshowableTransaction(judged: readonly JudgedTransaction[], scopeText: string): TransactionScopeVerdict | undefined {
  const detailed = judged.find((each) => each.byDetails && each.verdict.state === "ignore");
  if (detailed !== undefined) return detailed.verdict;
  if (judged.length === 0 || withoutTransactionScopes(readScope(scopeText)).size > 0) return undefined;
  if (judged.some((each) => each.verdict.state !== "ignore")) return undefined;
  return judged[0]?.verdict;
}

/** A scope text of a request; one that cannot be read holds nothing. */
export function readScope(text: string): ScopeSet {
  const scope = parseScope(text);
  return scope.ok ? scope.value : new Set();
}
