import { readNumber } from "@countersign/protocol/device-code";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { writeAudit } from "../audit/log.ts";
import type { OpenInteraction } from "../authorize/interactions.ts";
import { type ClaimedCode, findClaim, nameNumber } from "../device/claim.ts";
import { wrongNumber } from "../device/code-adapter.ts";
import { isSameNetwork, type OpenDevice, originOf } from "../device/open-device.ts";
import type { SecondDeviceView } from "../pages/payment.ts";
import { text } from "../pages/text.ts";
import { nameTicketNumber } from "../phone/link-claim.ts";
import type { OpenLink, Viewer } from "../phone/open-link.ts";
import type { InteractionParts } from "./parts.ts";
import type { Posted } from "./posted.ts";
import { clientNameAndHostOf } from "./views.ts";

/** What the payment page says more when the payment was asked for on another device. */
export async function secondDeviceOf(parts: InteractionParts, interaction: OpenInteraction, viewer: Viewer): Promise<SecondDeviceView | undefined> {
  const { device } = interaction;
  const ticket = viewer.link?.isPhone === true ? viewer.link.claim.ticket : null;
  if (ticket !== null) {
    return {
      origin: originOf({ start: ticket.start, sameNetwork: isSameNetwork(ticket.start, viewer.request) }, parts.now()),
      asksNumber: ticket.phone?.number === "ask",
      numberHint: text.phone.numberHint,
    };
  }
  if (device === undefined) return undefined;
  const claim = await findClaim(parts.database, device.jti, parts.now());
  return {
    origin: originOf(device, parts.now()),
    asksNumber: claim?.number === "ask",
    numberHint: text.device.numberHint,
  };
}

/**
 * Judges whether a payment may be approved from this device: here, or on a second one after its number was named. The number is judged once; a wrong one ends
 * the device code. Refuses with `number_mismatch`, `invalid_request` (no number) and `challenge_expired`.
 */
export async function judgeDevice(parts: InteractionParts, posted: Posted): Promise<Result<void, Refusal>> {
  const { device, sessionUid, accountId } = posted.interaction;
  if (posted.link?.isPhone === true) return judgePhone(parts, posted, posted.link);
  if (device === undefined) return ok(undefined);
  const claim = await findClaim(parts.database, device.jti, parts.now());
  if (claim === undefined || sessionUid === undefined || claim.session !== sessionUid || accountId === undefined)
    return err(refuse("challenge_expired"));
  if (claim.number === "matched") return ok(undefined);
  const given = readNumber(posted.fields["number"]);
  if (claim.number === "ask" && given === undefined) return err(numberNeeded);
  const verdict = given === undefined ? claim.number : await nameNumber(parts.database, codeOf(device), sessionUid, given, parts.now());
  if (verdict === "matched") return ok(undefined);
  if (verdict === "wrong") {
    await noteMismatch(parts, posted, accountId);
    await burn(parts, device);
    return err(refuse("number_mismatch"));
  }
  return err(refuse("challenge_expired"));
}

/** A phone that opened a ticket names the number that the first screen shows. */
async function judgePhone(parts: InteractionParts, posted: Posted, { requestId, browser, claim }: OpenLink): Promise<Result<void, Refusal>> {
  const { accountId } = posted.interaction;
  if (accountId === undefined) return err(refuse("challenge_expired"));
  const known = claim.ticket?.phone?.number;
  if (known === "matched") return ok(undefined);
  const given = readNumber(posted.fields["number"]);
  if (given === undefined) return err(numberNeeded);
  const verdict = await nameTicketNumber(parts.database, { requestId, browser, given }, parts.now());
  if (verdict === "matched") return ok(undefined);
  if (verdict !== "wrong") return err(refuse("challenge_expired"));
  await noteMismatch(parts, posted, accountId);
  return err(refuse("number_mismatch"));
}

const numberNeeded = refuse("invalid_request", "the number on the other device is needed");

async function noteMismatch(parts: InteractionParts, { interaction, request }: Posted, accountId: string): Promise<void> {
  const event = { type: "number_mismatched", clientId: interaction.client.clientId, clientName: clientNameAndHostOf(interaction) } as const;
  await writeAudit(parts.database, { accountId, at: parts.now(), request }, event);
}

function codeOf(device: OpenDevice): ClaimedCode {
  return { jti: device.jti, number: device.start.number, expiresAt: device.expiresAt };
}

async function burn(parts: InteractionParts, device: OpenDevice): Promise<void> {
  const code = await parts.provider.DeviceCode.find(device.jti, { ignoreExpiration: true });
  if (code === undefined) return;
  code.error = "access_denied";
  code.errorDescription = wrongNumber;
  await code.save();
}
