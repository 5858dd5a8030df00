import type { ErrorCode, Refusal } from "@countersign/protocol/errors";
import { accountKind } from "../accounts.ts";
import type { OpenInteraction } from "../authorize/interactions.ts";
import { judgeTransactions, requestedTransactions } from "../authorize/transaction-scopes.ts";
import { type ConsentView, consentPage } from "../pages/consent.ts";
import { displayText } from "../pages/display-text.ts";
import type { Page } from "../pages/layout.ts";
import { loginPage } from "../pages/login.ts";
import { noticePage } from "../pages/notice.ts";
import { paymentPage } from "../pages/payment.ts";
import type { PhoneOffer } from "../pages/phone.ts";
import { text } from "../pages/text.ts";
import type { PaymentRequest } from "../payment-requests/request.ts";
import type { Viewer } from "../phone/open-link.ts";
import { showDevice } from "./device.ts";
import type { InteractionParts } from "./parts.ts";
import { paymentQuestionOf } from "./payment-view.ts";
import { secondDeviceOf } from "./second-device.ts";
import {
  baseOf,
  cancelOf,
  clientNameOf,
  consentQuestionOf,
  consentShown,
  pageShown,
  redirectHostOf,
  returnsToThisDevice,
  subjectOf,
} from "./views.ts";

/** A page with its status. */
export interface Shown {
  readonly page: Page;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The page of the prompt that an interaction is at. */
export async function showInteraction(parts: InteractionParts, interaction: OpenInteraction, viewer: Viewer): Promise<Shown> {
  switch (interaction.prompt) {
    case "login":
      return { page: await showLogin(parts, interaction, viewer), status: 200 };
    case "payment":
      return showPayment(parts, interaction, viewer);
    case "device":
      return { page: await showDevice(parts, interaction), status: 200 };
    case "consent":
      return { page: await showConsent(parts, interaction), status: 200 };
    case "payment_unavailable":
      return { page: showUnavailable(parts, interaction, reasonOf(interaction)), status: 200 };
    default:
      throw new TypeError(`no page for the prompt ${interaction.prompt}`);
  }
}

async function showLogin(parts: InteractionParts, interaction: OpenInteraction, viewer: Viewer): Promise<Page> {
  const token = (form: "login" | "register"): string => parts.forms.issue(subjectOf(interaction, form, pageShown(interaction)));
  const resources = interaction.resources.flatMap((each) => parts.resources.find(each)?.resource ?? []);
  const judged = await judgeTransactions(parts.database, requestedTransactions(interaction.scope, interaction.authorizationDetails), {
    resources,
    approvedHere: [],
    now: parts.now(),
  });
  return loginPage({
    clientName: clientNameOf(interaction),
    redirectHost: redirectHostOf(interaction),
    asksPayment: judged.some((each) => each.verdict.state === "show"),
    base: baseOf(interaction),
    phone: phoneOfferOf(parts, interaction, viewer),
    loginToken: token("login"),
    registerToken: token("register"),
    cancel: cancelOf(interaction, parts.forms, text.cancel),
  });
}

/** The link's own browser may hand the payment to a phone; the phone itself may not. */
function phoneOfferOf(parts: InteractionParts, interaction: OpenInteraction, { link }: Viewer): PhoneOffer | undefined {
  if (link === undefined || link.isPhone) return undefined;
  return { action: `${baseOf(interaction)}/phone`, token: parts.forms.issue(subjectOf(interaction, "phone", pageShown(interaction))) };
}

/** A payment that came from another screen is open only as long as its code or ticket. */
function openForMinutes(parts: InteractionParts, request: PaymentRequest, interaction: OpenInteraction, { link }: Viewer): number {
  const ticketEndsAt = link?.isPhone === true ? link.claim.ticket?.endsAt : undefined;
  const endsAt = Math.min(request.expiresAt, interaction.device?.expiresAt ?? request.expiresAt, ticketEndsAt ?? request.expiresAt);
  return Math.max(1, Math.floor((endsAt - parts.now()) / 60_000));
}

async function showPayment(parts: InteractionParts, interaction: OpenInteraction, viewer: Viewer): Promise<Shown> {
  const question = await paymentQuestionOf(parts, interaction);
  if (!question.ok) return refusedPayment(parts, interaction, question.error);
  const { requestId, displayDigest, display, available, hasEnough, overLimit, userName, request } = question.value;
  const page = paymentPage({
    display,
    available,
    hasEnough,
    overLimit: overLimit === undefined ? undefined : text.limits.over(overLimit.detail ?? ""),
    userName,
    openForMinutes: openForMinutes(parts, request, interaction, viewer),
    secondDevice: await secondDeviceOf(parts, interaction, viewer),
    phone: phoneOfferOf(parts, interaction, viewer),
    base: baseOf(interaction),
    token: parts.forms.issue(subjectOf(interaction, "approve", { requestId, displayDigest })),
    decline: {
      action: `${baseOf(interaction)}/decline`,
      token: parts.forms.issue(subjectOf(interaction, "decline", pageShown(interaction))),
      label: text.payment.decline,
    },
  });
  return { page, status: 200 };
}

function refusedPayment(parts: InteractionParts, interaction: OpenInteraction, refusal: Refusal): Shown {
  if (refusal.code === "unavailable") {
    const page = noticePage({
      heading: text.payment.bankDownTitle,
      message: text.payment.bankDown,
      tone: "warn",
      retry: { href: baseOf(interaction), label: text.tryAgain },
      cancel: cancelOf(interaction, parts.forms, text.cancel),
    });
    return { page, status: 503 };
  }
  const status = refusal.code === "claimed_elsewhere" ? 403 : 200;
  return { page: showUnavailable(parts, interaction, closedReasons[refusal.code] ?? "unknown"), status };
}

const closedReasons: Partial<Record<ErrorCode, keyof typeof text.unavailable>> = {
  payment_request_expired: "expired",
  payment_denied: "denied",
  cancelled: "canceled",
  conflict: "approved",
  claimed_elsewhere: "other_account",
};

function showUnavailable(parts: InteractionParts, interaction: OpenInteraction, reason: keyof typeof text.unavailable): Page {
  return noticePage({
    heading: text.payment.unavailableTitle,
    message: text.unavailable[reason],
    tone: "warn",
    cancel: cancelOf(interaction, parts.forms, text.backTo(clientNameOf(interaction))),
  });
}

function reasonOf(interaction: OpenInteraction): keyof typeof text.unavailable {
  const reason = interaction.details["reason"];
  return typeof reason === "string" && isReason(reason) ? reason : "unknown";
}

function isReason(text_: string): text_ is keyof typeof text.unavailable {
  return Object.hasOwn(text.unavailable, text_);
}

async function showConsent(parts: InteractionParts, interaction: OpenInteraction): Promise<Page> {
  const question = consentQuestionOf(interaction, parts.resources);
  const account = interaction.accountId === undefined ? undefined : await parts.database.records(accountKind).get(interaction.accountId, parts.now());
  const view: ConsentView = {
    clientName: clientNameOf(interaction),
    redirectHost: redirectHostOf(interaction),
    warning: warningOf(interaction),
    provenHost: interaction.identity.host,
    userName: displayText(account?.value.displayName ?? "", 60),
    groups: question.groups,
    allowedBefore: Object.keys(question.missing).length === 0 && question.missingOpenid.length === 0,
    action: `${baseOf(interaction)}/consent`,
    token: parts.forms.issue(subjectOf(interaction, "consent", consentShown(interaction, question))),
    cancel: cancelOf(interaction, parts.forms, text.cancel),
  };
  return consentPage(view);
}

/** What a person should know before they allow this client. */
function warningOf(interaction: OpenInteraction): ConsentView["warning"] {
  const isHere = returnsToThisDevice(interaction);
  switch (interaction.identity.origin) {
    case "configured":
      return undefined;
    case "document":
      return isHere ? "this_device" : undefined;
    case "self_registered":
      return isHere ? "unchecked_on_this_device" : "unchecked";
  }
}
