import type { IconName } from "@countersign/look/icons";
import { html } from "hono/html";
import type { AuditEntry, AuditEvent, AuditEventType } from "../audit/events.ts";
import type { AuditPage } from "../audit/log.ts";
import type { AccountView } from "./account.ts";
import { displayMoney, displayText } from "./display-text.ts";
import type { DisplayTime } from "./display-time.ts";
import { type Markup, symbol } from "./layout.ts";
import { text } from "./text.ts";

/** What an event looks like: `alert` for what its owner should not overlook. */
const icons: Readonly<Record<AuditEventType, IconName>> = {
  account_created: "user",
  signed_in: "user",
  signed_out: "sign_out",
  session_ended: "sign_out",
  name_changed: "edit",
  passkey_added: "passkey",
  passkey_renamed: "edit",
  passkey_removed: "trash",
  passkey_kept: "passkey",
  passkey_refused: "alert",
  passkey_copied: "alert",
  recovery_code_made: "key",
  recovery_code_used: "alert",
  recovery_code_ended: "alert",
  app_allowed: "plug",
  app_revoked: "plug",
  app_token_replayed: "alert",
  device_approved: "phone",
  device_denied: "phone",
  number_mismatched: "alert",
  payment_approved: "receipt",
  payment_auto_approved: "receipt",
  payment_denied: "close",
  payment_over_limit: "alert",
  payment_redeemed: "receipt",
  payment_revoked: "receipt",
  payment_settled: "receipt",
  payment_voided: "receipt",
  refund_approved: "receipt",
  refund_denied: "close",
  limits_changed: "sliders",
  policy_made: "sliders",
  policy_ended: "sliders",
};

/** The activity of an account, one page of it. */
export function activityView(page: AuditPage, time: DisplayTime): AccountView {
  const { activity } = text;
  const older =
    page.next === undefined
      ? ""
      : html`<a class="button button-block" href="/account/activity?after=${page.next}" rel="next">${symbol("chevron_down")} ${activity.older}</a>`;
  const body = html`<section class="card">
<p class="quiet">${activity.lead}</p>
${page.entries.length === 0 ? html`<p>${activity.empty}</p>` : html`<ul class="list">${page.entries.map((entry) => line(entry, time))}</ul>`}
${older}
</section>`;
  return { section: "activity", heading: activity.title, body };
}

function line(entry: AuditEntry, time: DisplayTime): Markup {
  const from = entry.from === undefined ? "" : html` · ${text.activity.from(entry.from)}`;
  return html`<li>${symbol(icons[entry.event.type])}<span class="grow"><bdi>${sentenceOf(entry.event)}</bdi><br><span class="hint">${time(entry.at, "minute")}${from}</span></span></li>`;
}

function sentenceOf(event: AuditEvent): string {
  const { events } = text.activity;
  if ("passkeyName" in event) return events[event.type](displayText(event.passkeyName, 60));
  if ("clientName" in event) return events[event.type](displayText(event.clientName, 80));
  if ("payeeName" in event) return events[event.type](displayText(event.payeeName, 80), displayMoney(event));
  return events[event.type];
}
