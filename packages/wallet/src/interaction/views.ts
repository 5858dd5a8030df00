import type { ApprovalChannel } from "@countersign/protocol/limits";
import { isLoopbackRedirect } from "@countersign/protocol/presented-client";
import { formatScope, withoutTransactionScopes } from "@countersign/protocol/scope";
import type { OpenInteraction } from "../authorize/interactions.ts";
import type { Resources } from "../authorize/resources.ts";
import { readScope } from "../authorize/transaction-scopes.ts";
import { sha256OfJson } from "../digest.ts";
import type { FormSubject, FormTokens } from "../forms.ts";
import type { CancelForm } from "../pages/cancel.ts";
import type { ConsentGroup } from "../pages/consent.ts";
import { displayText } from "../pages/display-text.ts";
import { text } from "../pages/text.ts";
import { approvalLinkClientId } from "../payment-requests/approval-link-client.ts";
import { z } from "zod";

/** The address of an interaction, which its forms are under. */
export function baseOf(interaction: OpenInteraction): string {
  return `/interaction/${interaction.uid}`;
}

/** What the client is called: by the operator; else as it calls itself unless that passes for another; else by the host that its document came from. */
export function clientNameOf({ client, identity }: OpenInteraction): string {
  if (identity.origin === "configured") return displayText(identity.name ?? client.clientId, 80);
  return displayText(identity.name ?? "", 80) || (identity.host ?? text.consent.unnamed);
}

/** The client's name and, for a client that presents itself by a document, the host that it came from: for places without an address beside the name. */
export function clientNameAndHostOf(interaction: OpenInteraction): string {
  const { host } = interaction.identity;
  const name = clientNameOf(interaction);
  return host === undefined || host === name ? name : `${name} (${host})`;
}

/** Where the client's answer goes and, before it, the host that its document came from where that is another. */
export function clientHostOf(interaction: OpenInteraction): string {
  const { host } = interaction.identity;
  const returnsTo = redirectHostOf(interaction);
  return host === undefined || host === returnsTo ? returnsTo : `${host}, ${returnsTo}`;
}

/** Whether the answer goes to a program on the user's own machine, where any program may listen (RFC 8252 section 8.6). */
export function returnsToThisDevice(interaction: OpenInteraction): boolean {
  if (interaction.redirectUri === undefined) return false;
  const url = new URL(interaction.redirectUri);
  return isLoopbackRedirect(url) || !/^https?:$/.test(url.protocol);
}

/** Where the user returns to, as a person may recognize it. */
export function redirectHostOf(interaction: OpenInteraction): string {
  if (interaction.redirectUri === undefined) return text.device.otherDevice;
  const url = new URL(interaction.redirectUri);
  return isLoopbackRedirect(url) ? text.consent.thisDevice(url.host) : url.host || url.protocol;
}

/** A payment that another device asked for has a limit of its own, and so has an approval link, which somebody else may have passed on. */
export function channelOf(interaction: OpenInteraction): ApprovalChannel {
  return interaction.device === undefined && interaction.client.clientId !== approvalLinkClientId ? "same_device" : "other_device";
}

/** A form of this interaction: its digest names what the page shows, so that one page's form never submits another page's choice. */
export function subjectOf(interaction: OpenInteraction, form: FormSubject["form"], shown: unknown): FormSubject {
  return { interactionUid: interaction.uid, form, shownDigest: sha256OfJson(shown) };
}

/** What the forms of the sign-in page and every way back are about. */
export function pageShown(interaction: OpenInteraction): unknown {
  const { client, redirectUri, device, prompt } = interaction;
  return { client: client.clientId, redirect_uri: redirectUri ?? null, device: device?.userCode ?? null, prompt };
}

/** The way back to the client. */
export function cancelOf(interaction: OpenInteraction, forms: FormTokens, label: string): CancelForm {
  return { action: `${baseOf(interaction)}/cancel`, token: forms.issue(subjectOf(interaction, "cancel", pageShown(interaction))), label };
}

/** What the consent page asks: for each resource the lines of the wanted scopes, and what of it is not granted yet. */
export interface ConsentQuestion {
  readonly groups: readonly ConsentGroup[];
  readonly missing: Readonly<Record<string, readonly string[]>>;
  readonly missingOpenid: readonly string[];
}

const missingShape = z.object({
  missingResourceScopes: z.record(z.string(), z.array(z.string())).optional(),
  missingOIDCScope: z.array(z.string()).optional(),
});

/** Reads the question from an interaction at the consent prompt. A payment is never part of it: it has its own page. */
export function consentQuestionOf(interaction: OpenInteraction, resources: Resources): ConsentQuestion {
  const details = missingShape.parse(interaction.details);
  const wanted = withoutTransactionScopes(readScope(interaction.scope));
  const groups = interaction.resources.flatMap((indicator) => {
    const resource = resources.find(indicator);
    const lines = Object.entries(resource?.scopes ?? {}).filter(([scope]) => wanted.has(scope));
    return resource === undefined || lines.length === 0 ? [] : [{ resource: displayText(resource.name, 80), lines: lines.map(([, line]) => line) }];
  });
  const missing: Record<string, readonly string[]> = {};
  for (const [indicator, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
    const ordinary = withoutTransactionScopes(new Set(scopes));
    if (ordinary.size > 0) missing[indicator] = [...ordinary];
  }
  const identity = wanted.has("openid") ? [{ resource: text.productName, lines: [text.consent.identity] }] : [];
  return { groups: [...groups, ...identity], missing, missingOpenid: details.missingOIDCScope ?? [] };
}

/** What the form of the consent page is about. */
export function consentShown(interaction: OpenInteraction, question: ConsentQuestion): unknown {
  return { ...question, page: pageShown(interaction), scope: formatScope(readScope(interaction.scope)) };
}
