import type { EpochMs } from "@countersign/protocol/brand";
import type { Secret } from "@countersign/protocol/secret";
import { html } from "hono/html";
import type { AccountView } from "./account.ts";
import { ceremonyStatus } from "./ceremony.ts";
import type { DisplayTime } from "./display-time.ts";
import { symbol } from "./layout.ts";
import { text } from "./text.ts";

/** Whether there is a recovery code, and the way to make one. `madeAt` is undefined when there is none. */
export function recoveryView(facts: { readonly madeAt: EpochMs | undefined; readonly makeToken: string }, time: DisplayTime): AccountView {
  const { recovery } = text;
  const state =
    facts.madeAt === undefined
      ? html`<p class="notice notice-warn">${symbol("alert")}<span>${recovery.none}</span></p>`
      : html`<p class="notice notice-good">${symbol("check_circle")}<span>${recovery.there} ${time(facts.madeAt, "day")}.</span></p>`;
  const body = html`<section class="card">
<p class="quiet">${recovery.lead}</p>
${state}
<form method="post" action="/account/recovery/make" data-ceremony="get" data-options="/account/recovery/make/options">
<input type="hidden" name="form_token" value="${facts.makeToken}">
<button class="button button-primary button-block button-large" type="submit" disabled>${symbol("key")} ${facts.madeAt === undefined ? recovery.make : recovery.replace}</button>
</form>
${facts.madeAt === undefined ? "" : html`<p class="hint center">${recovery.replaceHint}</p>`}
${ceremonyStatus()}
</section>
<a class="button button-quiet" href="/account/passkeys">${recovery.backToPasskeys}</a>`;
  return { section: "passkeys", heading: recovery.title, body };
}

/** The one page that shows a code. */
export function recoveryCodeView(facts: { readonly code: Secret; readonly keepAction: string; readonly keepToken: string }): AccountView {
  const { recovery } = text;
  const body = html`<section class="card">
<p>${recovery.writeDown}</p>
<p class="user-code user-code-long" translate="no">${facts.code.reveal()}</p>
<p class="hint center">${recovery.inForce}</p>
<form method="post" action="${facts.keepAction}" data-form>
<input type="hidden" name="form_token" value="${facts.keepToken}">
<button class="button button-primary button-block button-large" type="submit">${symbol("check")} ${recovery.written}</button>
</form>
</section>
<a class="button button-quiet" href="/account/recovery">${text.cancel}</a>`;
  return { section: "passkeys", heading: recovery.codeTitle, body };
}
