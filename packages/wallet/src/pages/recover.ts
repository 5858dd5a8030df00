import { html } from "hono/html";
import { ceremonyStatus } from "./ceremony.ts";
import { type Page, symbol } from "./layout.ts";
import { noticePage } from "./notice.ts";
import { text } from "./text.ts";

/** Where somebody without a passkey enters the recovery code. */
export function recoverPage(view: { readonly token: string; readonly isWrong: boolean }): Page {
  const { recovery } = text;
  const error = view.isWrong ? html`<p class="field-error" id="recovery_error" role="alert">${recovery.wrong}</p>` : "";
  const body = html`<section class="card">
<h1>${recovery.recoverTitle}</h1>
<p class="quiet">${recovery.recoverLead}</p>
<form class="stack" method="post" action="/recover">
<input type="hidden" name="form_token" value="${view.token}">
<div class="field">
<label class="label" for="recovery_code">${recovery.code}</label>
<input class="input mono" id="recovery_code" name="recovery_code" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="100" required${view.isWrong ? html` aria-invalid="true" aria-describedby="recovery_error"` : ""}>
${error}
</div>
<button class="button button-primary button-block button-large" type="submit">${recovery.proceed}</button>
</form>
</section>`;
  return { heading: recovery.recoverTitle, body };
}

/** The code was right: the new passkey is made here. */
export function recoverPasskeyPage(view: { readonly ticket: string }): Page {
  const { recovery } = text;
  const body = html`<section class="card">
<h1>${recovery.newTitle}</h1>
<p class="quiet">${recovery.newLead}</p>
<form method="post" action="/recover/passkey" data-ceremony="create" data-options="/recover/passkey/options">
<input type="hidden" name="form_token" value="${view.ticket}">
<button class="button button-primary button-block button-large" type="submit" disabled>${symbol("passkey")} ${text.passkeys.make}</button>
</form>
<p class="hint center">${text.passkeys.delay}</p>
${ceremonyStatus()}
</section>`;
  return { heading: recovery.newTitle, body };
}

/** It worked. */
export function recoveredPage(): Page {
  const { recovery } = text;
  return noticePage({ heading: recovery.doneTitle, message: recovery.done, tone: "good", retry: { href: "/account", label: text.account.open } });
}
