import { html } from "hono/html";
import { type CancelForm, cancelForm } from "./cancel.ts";
import { type Page, symbol } from "./layout.ts";
import { text } from "./text.ts";

/** The scopes of one resource as people read them. */
export interface ConsentGroup {
  readonly resource: string;
  readonly lines: readonly string[];
}

export interface ConsentView {
  readonly clientName: string;
  readonly redirectHost: string;
  /** The host that the client's metadata document came from. */
  readonly provenHost: string | undefined;
  /** Why the client may not be who it says. */
  readonly warning: keyof typeof text.consent.warnings | undefined;
  readonly userName: string;
  readonly groups: readonly ConsentGroup[];
  /** True when the user allowed all of it before: then one press goes on. */
  readonly allowedBefore: boolean;
  readonly action: string;
  readonly token: string;
  readonly cancel: CancelForm;
}

export function consentPage(view: ConsentView): Page {
  const heading = view.allowedBefore ? text.consent.titleAgain(view.clientName) : text.consent.title(view.clientName);
  const groups = view.groups.map(
    (group) => html`<div class="stack snug">
<p class="quiet">${view.allowedBefore ? text.consent.leadAgain(group.resource) : text.consent.lead(view.clientName, group.resource)}</p>
<ul class="list">${group.lines.map((line) => html`<li>${symbol("check", "icon-small")}<span>${line}</span></li>`)}</ul>
</div>`,
  );
  const body = html`<section class="card">
<div class="stack tight">
${view.provenHost === undefined ? "" : html`<p class="quiet">${text.consent.from} <strong>${view.provenHost}</strong></p>`}
<h1>${heading}</h1>
</div>
${view.warning === undefined ? "" : html`<p class="notice notice-warn">${symbol("alert")}<span>${text.consent.warnings[view.warning]}</span></p>`}
${groups}
<form method="post" action="${view.action}" data-form>
<input type="hidden" name="form_token" value="${view.token}">
<button class="button button-primary button-block button-large" type="submit">${view.allowedBefore ? text.consent.proceed : text.consent.allow}</button>
</form>
</section>
${cancelForm(view.cancel)}
<p class="page-foot center">${text.signedInAs(view.userName)}<br>${text.consent.returnsTo(view.redirectHost)}</p>`;
  return { heading, body };
}
