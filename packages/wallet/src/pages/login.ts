import { html } from "hono/html";
import { displayNameLengthMax } from "../accounts.ts";
import { type CancelForm, cancelForm } from "./cancel.ts";
import { ceremonyStatus } from "./ceremony.ts";
import { type Page, symbol } from "./layout.ts";
import { type PhoneOffer, phoneOffer } from "./phone.ts";
import { text } from "./text.ts";

export interface LoginView {
  readonly clientName: string;
  readonly redirectHost: string;
  readonly asksPayment: boolean;
  /** The interaction's address, which the two ceremonies are under. */
  readonly base: string;
  readonly loginToken: string;
  readonly registerToken: string;
  /** Where the payment may be handed to a phone. */
  readonly phone: PhoneOffer | undefined;
  readonly cancel: CancelForm;
}

/** Two ways in: a passkey that is there, or a new one. */
export function loginPage(view: LoginView): Page {
  const body = html`<section class="card">
<div class="stack tight">
<h1>${text.login.title}</h1>
<p class="quiet">${view.asksPayment ? text.login.leadPayment(view.clientName) : text.login.lead(view.clientName)}</p>
</div>
<form method="post" action="${view.base}/login" data-ceremony="get" data-options="${view.base}/login/options">
<input type="hidden" name="form_token" value="${view.loginToken}">
<button class="button button-primary button-block button-large" type="submit" disabled>${symbol("passkey")} ${text.login.signIn}</button>
</form>
<p class="small center"><a href="/recover">${text.recovery.link}</a></p>
<hr>
<form class="stack" method="post" action="${view.base}/register" data-ceremony="create" data-options="${view.base}/register/options">
<input type="hidden" name="form_token" value="${view.registerToken}">
<input type="hidden" name="time_zone" data-time-zone>
<h2>${text.login.or}</h2>
<div class="field">
<label class="label" for="display_name">${text.login.name}</label>
<input class="input" id="display_name" name="display_name" autocomplete="name" maxlength="${displayNameLengthMax}" aria-describedby="display_name_hint">
<span class="hint" id="display_name_hint">${text.login.nameHint}</span>
</div>
<button class="button button-block button-large" type="submit" disabled>${symbol("plus")} ${text.login.create}</button>
</form>
${ceremonyStatus()}
</section>
${phoneOffer(view.phone)}
${cancelForm(view.cancel)}
<p class="page-foot center">${text.login.returnsTo(view.redirectHost)}</p>`;
  return { heading: text.login.title, body };
}
