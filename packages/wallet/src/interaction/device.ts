import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { z } from "zod";
import { accountKind } from "../accounts.ts";
import { atomically } from "../atomically.ts";
import { writeAudit } from "../audit/log.ts";
import type { OpenInteraction } from "../authorize/interactions.ts";
import { changeGrant } from "../authorize/grant-change.ts";
import { extendGrant } from "../authorize/grants.ts";
import { readPaymentResult } from "../authorize/payment-result.ts";
import { type OpenDevice, originOf } from "../device/open-device.ts";
import { sha256, sha256OfJson } from "../digest.ts";
import { deviceConfirmPage } from "../pages/device.ts";
import { displayText } from "../pages/display-text.ts";
import type { Page } from "../pages/layout.ts";
import { text } from "../pages/text.ts";
import { type ConfirmableAction, spendConfirmation, startConfirmation, verifyConfirmation } from "../passkeys/confirm.ts";
import type { InteractionParts } from "./parts.ts";
import { hasToken, type Outcome, type Posted } from "./posted.ts";
import { roomForCeremony } from "./room.ts";
import { baseOf, cancelOf, clientNameAndHostOf, type ConsentQuestion, consentQuestionOf, subjectOf } from "./views.ts";

/** What a passkey confirms for a device: which one, of which client, and all that it gets. */
interface DeviceApproval {
  readonly device: string;
  readonly clientId: string;
  readonly scopes: Readonly<Record<string, readonly string[]>>;
  readonly openid: readonly string[];
}

const approval = z.object({
  device: z.string(),
  clientId: z.string(),
  scopes: z.record(z.string(), z.array(z.string())),
  openid: z.array(z.string()),
});

const deviceApproval: ConfirmableAction<DeviceApproval> = { type: "approve_device", use: "account", parse: (json) => approval.parse(json) };

interface DeviceQuestion {
  readonly device: OpenDevice;
  readonly accountId: string;
  readonly question: ConsentQuestion;
  readonly action: DeviceApproval;
}

/** The page on which a device is confirmed. */
export async function showDevice(parts: InteractionParts, interaction: OpenInteraction): Promise<Page> {
  const asked = deviceQuestionOf(parts, interaction);
  if (asked === undefined) throw new TypeError("the device prompt is about a device, after sign-in");
  const account = await parts.database.records(accountKind).get(asked.accountId, parts.now());
  return deviceConfirmPage({
    clientName: clientNameAndHostOf(interaction),
    userCode: asked.device.userCode,
    origin: originOf(asked.device, parts.now()),
    groups: asked.question.groups,
    userName: displayText(account?.value.displayName ?? "", 60),
    base: baseOf(interaction),
    token: parts.forms.issue(subjectOf(interaction, "device", asked.action)),
    decline: cancelOf(interaction, parts.forms, text.device.decline),
  });
}

/** Starts the ceremony that confirms exactly this device and what it gets. */
export async function startDevice(parts: InteractionParts, posted: Posted): Promise<Result<Outcome, Refusal>> {
  const { interaction } = posted;
  const asked = deviceQuestionOf(parts, interaction);
  if (asked === undefined) return err(refuse("challenge_expired"));
  if (!hasToken(parts, posted, "device", subjectOf(interaction, "device", asked.action))) return err(refuse("forbidden_origin"));
  const room = await roomForCeremony(parts, posted);
  if (!room.ok) return room;
  const context = { accountId: asked.accountId, place: interaction.uid };
  return ok({ options: await startConfirmation(parts, context, deviceApproval, asked.action) });
}

/**
 * Ends the ceremony. The device gets a grant of its own, so that revoking it leaves everything else alone, and nothing of it is remembered: the next device
 * is asked about again.
 */
export async function completeDevice(parts: InteractionParts, posted: Posted): Promise<Result<Outcome, Refusal>> {
  const { interaction } = posted;
  const asked = deviceQuestionOf(parts, interaction);
  if (asked === undefined) return err(refuse("challenge_expired"));
  if (!hasToken(parts, posted, "device", subjectOf(interaction, "device", asked.action))) return err(refuse("forbidden_origin"));
  const { accountId, question } = asked;
  const confirmed = await verifyConfirmation(parts, { accountId, place: interaction.uid }, deviceApproval, posted.fields["credential"]);
  if (!confirmed.ok) return confirmed;
  if (sha256OfJson(confirmed.value.action) !== sha256OfJson(asked.action)) return err(refuse("consent_mismatch"));
  const { clientId } = interaction.client;
  const now = parts.now();
  const spent = await atomically(parts.database, async (tx) => {
    const outcome = await spendConfirmation(tx, confirmed.value, now);
    if (outcome.ok) {
      const event = { type: "device_approved", clientId, clientName: clientNameAndHostOf(interaction) } as const;
      await writeAudit(tx, { accountId, at: now, request: posted.request }, event);
    }
    return outcome;
  });
  if (!spent.ok) return spent;
  parts.logger.info("device.approved", { accountId, clientId });
  const from = { accountId, clientId, grantId: readPaymentResult(interaction.lastSubmission)?.grantId };
  const granted = await changeGrant(() => extendGrant(parts.provider, from, { scopes: question.missing, openid: question.missingOpenid }));
  if (!granted.ok) return granted;
  return ok({ next: await parts.interactions.finish(posted.request, { consent: { grantId: granted.value }, device: { confirmed: true } }, true) });
}

function deviceQuestionOf(parts: InteractionParts, interaction: OpenInteraction): DeviceQuestion | undefined {
  const { device, accountId, prompt, client } = interaction;
  if (prompt !== "device" || device === undefined || accountId === undefined) return undefined;
  const question = consentQuestionOf(interaction, parts.resources);
  const action = { device: sha256(device.jti), clientId: client.clientId, scopes: question.missing, openid: question.missingOpenid };
  return { device, accountId, question, action };
}
