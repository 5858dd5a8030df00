import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { paymentScope } from "@countersign/protocol/scope";
import { writeAudit } from "../audit/log.ts";
import { rememberConsent } from "../authorize/consents.ts";
import { changeGrant } from "../authorize/grant-change.ts";
import { extendGrant, makePaymentGrant, type PaymentAuthority } from "../authorize/grants.ts";
import type { OpenInteraction } from "../authorize/interactions.ts";
import { approvedPaymentOf } from "../authorize/payment-details.ts";
import { readPaymentResult } from "../authorize/payment-result.ts";
import { requestedTransactions } from "../authorize/transaction-scopes.ts";
import { completeApproval, denyPayment, noteOverLimit, startApproval } from "../payment-requests/approve.ts";
import { paymentRequestKind } from "../payment-requests/request.ts";
import { judgeDevice } from "./second-device.ts";
import type { InteractionParts } from "./parts.ts";
import { paymentOf, paymentQuestionOf } from "./payment-view.ts";
import { hasToken, type Outcome, type Posted } from "./posted.ts";
import { roomForCeremony } from "./room.ts";
import { channelOf, consentQuestionOf, consentShown, pageShown, subjectOf, clientNameAndHostOf } from "./views.ts";

/** Starts the approval ceremony for exactly what the page showed; when something changed since, the page has to be looked at again. */
export async function startPayment(parts: InteractionParts, posted: Posted): Promise<Result<Outcome, Refusal>> {
  const { interaction } = posted;
  if (interaction.prompt !== "payment") return err(refuse("challenge_expired"));
  const question = await paymentQuestionOf(parts, interaction);
  if (!question.ok) return question;
  const { requestId, accountId, displayDigest, instrument, hasEnough, overLimit, channel } = question.value;
  if (!hasToken(parts, posted, "payment", subjectOf(interaction, "approve", { requestId, displayDigest }))) return err(refuse("consent_mismatch"));
  if (!hasEnough) return err(refuse("insufficient_funds"));
  const room = await roomForCeremony(parts, posted);
  if (!room.ok) return room;
  if (overLimit !== undefined) {
    await noteOverLimit(parts.database, { requestId, accountId, request: posted.request }, question.value.request, parts.now());
    return err(overLimit);
  }
  const judged = await judgeDevice(parts, posted);
  if (!judged.ok) return judged;
  const context = { requestId, accountId, clientId: interaction.client.clientId, interactionUid: interaction.uid, channel };
  const started = await startApproval(parts.approval, context, { instrument, displayDigest });
  return started.ok ? ok({ options: started.value }) : started;
}

/** Ends the approval ceremony and goes on with a grant that carries the payment's scope. */
export async function completePayment(parts: InteractionParts, posted: Posted): Promise<Result<Outcome, Refusal>> {
  const { interaction } = posted;
  if (interaction.prompt !== "payment") return err(refuse("challenge_expired"));
  const { requestId, indicator, accountId } = paymentOf(interaction);
  const clientId = interaction.client.clientId;
  const context = { requestId, accountId, clientId, interactionUid: interaction.uid, channel: channelOf(interaction), request: posted.request };
  const isFormOf = (displayDigest: string): boolean =>
    hasToken(parts, posted, "payment", subjectOf(interaction, "approve", { requestId, displayDigest }));
  const approved = await completeApproval(parts.approval, context, posted.fields["credential"], isFormOf);
  if (!approved.ok) return approved;
  parts.logger.info("payment.approved", { paymentRequestId: requestId, accountId, clientId });
  const before = readPaymentResult(interaction.lastSubmission);
  const ids = [...(before?.approved ?? []), requestId];
  const grantId = await makePaymentGrant(
    parts.provider,
    { accountId, clientId, grantId: before?.grantId ?? interaction.grantId },
    { resource: indicator, ...(await authorityOf(parts, interaction, ids)) },
  );
  const payment = { approved: ids, grantId };
  return ok({ next: await parts.interactions.finish(posted.request, { payment }, true) });
}

/** What the approved requests add to a grant, as the client asked for them: scopes, or the details of what was approved. */
async function authorityOf(parts: InteractionParts, interaction: OpenInteraction, approved: readonly string[]): Promise<PaymentAuthority> {
  const { byScope, byDetails } = requestedTransactions(interaction.scope, interaction.authorizationDetails);
  const scopes = approved.filter((id) => byScope.includes(id)).map(paymentScope);
  if (byDetails === undefined || !approved.includes(byDetails)) return { scopes, details: [] };
  const found = await parts.database.records(paymentRequestKind).get(byDetails, parts.now());
  if (found === undefined) throw new Error("a payment request that was just approved is not there");
  return { scopes, details: [approvedPaymentOf(byDetails, found.value)] };
}

/** The user's no to the payment, and so to the client's request. */
export async function declinePayment(parts: InteractionParts, posted: Posted): Promise<Result<Outcome, Refusal>> {
  const { interaction } = posted;
  if (!hasToken(parts, posted, "payment", subjectOf(interaction, "decline", pageShown(interaction)))) return err(refuse("forbidden_origin"));
  const { requestId, accountId } = paymentOf(interaction);
  const denied = await denyPayment(parts.database, requestId, accountId, parts.now(), posted.request);
  if (denied.ok) parts.logger.info("payment.denied", { paymentRequestId: requestId, accountId });
  return ok({ next: await turnBack(parts, posted, "the payment was declined") });
}

/** The user allows what the consent page showed. */
export async function allow(parts: InteractionParts, posted: Posted): Promise<Result<Outcome, Refusal>> {
  const { interaction } = posted;
  if (interaction.prompt !== "consent" || interaction.accountId === undefined) return err(refuse("challenge_expired"));
  const question = consentQuestionOf(interaction, parts.resources);
  if (!hasToken(parts, posted, "consent", subjectOf(interaction, "consent", consentShown(interaction, question))))
    return err(refuse("forbidden_origin"));
  const { accountId } = interaction;
  const { clientId } = interaction.client;
  const { missing: scopes, missingOpenid: openid } = question;
  const granted = await changeGrant(() => extendGrant(parts.provider, { accountId, clientId, grantId: interaction.grantId }, { scopes, openid }));
  if (!granted.ok) return granted;
  const clientName = clientNameAndHostOf(interaction);
  const now = parts.now();
  await parts.database.transaction(async (tx) => {
    await rememberConsent(tx, { accountId, clientId, clientName, scopes, openid }, now);
    await writeAudit(tx, { accountId, at: now, request: posted.request }, { type: "app_allowed", clientId, clientName });
  });
  parts.logger.info("consent.given", { accountId, clientId });
  return ok({ next: await parts.interactions.finish(posted.request, { consent: { grantId: granted.value } }, true) });
}

/** The user goes back without an answer. An open payment stays open. */
export async function cancel(parts: InteractionParts, posted: Posted): Promise<Result<Outcome, Refusal>> {
  const { interaction } = posted;
  if (!hasToken(parts, posted, interaction.prompt, subjectOf(interaction, "cancel", pageShown(interaction)))) return err(refuse("forbidden_origin"));
  await noteDenial(parts, posted);
  return ok({ next: await turnBack(parts, posted, "the user went back") });
}

/** Who refuses a device may want to know later that it asked. */
async function noteDenial(parts: InteractionParts, { interaction, request }: Posted): Promise<void> {
  const { accountId, client, device } = interaction;
  if (device === undefined || accountId === undefined) return;
  const event = { type: "device_denied", clientId: client.clientId, clientName: clientNameAndHostOf(interaction) } as const;
  await writeAudit(parts.database, { accountId, at: parts.now(), request }, event);
}

async function turnBack(parts: InteractionParts, posted: Posted, description: string): Promise<string> {
  parts.logger.info("interaction.denied", { clientId: posted.interaction.client.clientId, step: posted.interaction.prompt });
  return parts.interactions.finish(posted.request, { error: "access_denied", error_description: description }, false);
}
