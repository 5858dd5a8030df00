import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { ApprovalChannel } from "@countersign/protocol/limits";
import type { PaymentInstrument } from "@countersign/protocol/payment";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { z } from "zod";
import { accountKind } from "../accounts.ts";
import type { OpenInteraction } from "../authorize/interactions.ts";
import { sha256OfJson } from "../digest.ts";
import { judgeRoom } from "../limits/reserve.ts";
import type { PaymentDisplay } from "../pages/payment.ts";
import { displayMoney, displayText } from "../pages/display-text.ts";
import { approvalLinkClientId, approvalLinkWords } from "../payment-requests/approval-link-client.ts";
import { isForAccount, isRefund, type PaymentRequest, paymentRequestKind, statusOf } from "../payment-requests/request.ts";
import type { InteractionParts } from "./parts.ts";
import { channelOf, clientHostOf, clientNameOf } from "./views.ts";

/** One payment as it is put before the user: everything shown, the digest of it, and the account that pays. */
export interface PaymentQuestion {
  readonly requestId: string;
  readonly indicator: string;
  readonly accountId: string;
  readonly request: PaymentRequest;
  readonly display: PaymentDisplay;
  readonly displayDigest: string;
  readonly instrument: PaymentInstrument;
  readonly available: string;
  readonly hasEnough: boolean;
  readonly channel: ApprovalChannel;
  /** Why the account's limits do not let it through, if they do not. */
  readonly overLimit: Refusal | undefined;
  readonly userName: string;
}

const closedCodes = {
  expired: "payment_request_expired",
  denied: "payment_denied",
  canceled: "cancelled",
  approved: "conflict",
  redeemed: "conflict",
  revoked: "conflict",
  voided: "conflict",
} as const;

const promptDetails = z.object({ request_id: z.string(), indicator: z.string() });

/** Which request the payment prompt of this interaction is about, and for whom. Throws when the interaction is at another prompt. */
export function paymentOf(interaction: OpenInteraction): { readonly requestId: string; readonly indicator: string; readonly accountId: string } {
  const details = promptDetails.parse(interaction.details);
  if (interaction.accountId === undefined) throw new TypeError("the payment prompt comes after sign-in");
  return { requestId: details.request_id, indicator: details.indicator, accountId: interaction.accountId };
}

/**
 * Puts the payment of an interaction together, with the account that the bank names now. Refuses with `unavailable` when the bank does not answer, and when
 * the request is no longer open.
 */
export async function paymentQuestionOf(parts: InteractionParts, interaction: OpenInteraction): Promise<Result<PaymentQuestion, Refusal>> {
  const { requestId, indicator, accountId } = paymentOf(interaction);
  const now = parts.now();
  const found = await parts.database.records(paymentRequestKind).get(requestId, now);
  const account = await parts.database.records(accountKind).get(accountId, now);
  if (found === undefined || account === undefined) return err(refuse("not_found"));
  const request = found.value;
  if (!isForAccount(request, accountId)) return err(refuse("claimed_elsewhere", "the payment is another user's"));
  const status = statusOf(request, now);
  if (status !== "created") return err(refuse(closedCodes[status], `the request is ${status}`));
  const { amount, currency } = request.terms;
  const funding = await parts.bank.openAccount({ userId: accountId, currency, holder: account.value.displayName });
  if (!funding.ok) return funding;
  const channel = channelOf(interaction);
  const counted = { accountId, payeeId: request.payee.id, amount, currency, channel, at: now } as const;
  // What comes back needs no room and no money.
  const room = isRefund(request) ? ok(undefined) : await judgeRoom(parts.database, counted, parts.approval.limits);
  const display = displayOf(interaction, request, funding.value.description);
  return ok({
    requestId,
    indicator,
    accountId,
    request,
    display,
    displayDigest: sha256OfJson(display),
    instrument: { type: "bank_account", id: funding.value.id, description: funding.value.description },
    available: displayMoney({ amount: funding.value.available, currency }),
    hasEnough: isRefund(request) || funding.value.available >= amount,
    channel,
    overLimit: room.ok ? undefined : room.error,
    userName: displayText(account.value.displayName, 60),
  });
}

function displayOf(interaction: OpenInteraction, request: PaymentRequest, account: string): PaymentDisplay {
  const { terms, payee } = request;
  return {
    payeeName: displayText(payee.name, 80),
    payeeHost: new URL(payee.website).host,
    total: displayMoney(terms),
    items: terms.items.map((item) => ({
      name: displayText(item.name, 80),
      quantity: item.quantity,
      amount: displayMoney({ amount: item.amount, currency: terms.currency }),
    })),
    account: displayText(account, 80),
    // A link is nobody's app: it came from the payee, whoever passed it on.
    ...(interaction.client.clientId === approvalLinkClientId
      ? { clientName: displayText(payee.name, 80), clientHost: approvalLinkWords }
      : { clientName: clientNameOf(interaction), clientHost: clientHostOf(interaction) }),
    ...(terms.refund_of === undefined ? {} : { refundOf: displayText(terms.refund_of, 100) }),
  };
}
