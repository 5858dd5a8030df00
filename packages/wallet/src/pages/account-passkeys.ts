import type { EpochMs } from "@countersign/protocol/brand";
import { html } from "hono/html";
import { passkeyNameLengthMax } from "../passkeys/membership.ts";
import type { AccountView } from "./account.ts";
import { ceremonyStatus } from "./ceremony.ts";
import type { DisplayTime } from "./display-time.ts";
import { type Markup, symbol } from "./layout.ts";
import { text } from "./text.ts";

/** One passkey as the page shows it. `base` is the address that its forms are under. */
export interface PasskeyRow {
  readonly base: string;
  readonly name: string;
  readonly addedAt: EpochMs;
  readonly usedAt: EpochMs;
  readonly isSynced: boolean;
  readonly byRecovery: boolean;
  /** When it may first pay; undefined when it may already. */
  readonly paysFrom: EpochMs | undefined;
  readonly isCopied: boolean;
  readonly nameToken: string;
  readonly removeToken: string;
  readonly keepToken: string;
}

export interface PasskeysFacts {
  readonly rows: readonly PasskeyRow[];
  readonly canRemove: boolean;
  readonly isFull: boolean;
  readonly addToken: string;
}

/** The passkeys of the account. */
export function passkeysView(facts: PasskeysFacts, time: DisplayTime): AccountView {
  const { passkeys } = text;
  const add = facts.isFull
    ? html`<p class="notice">${passkeys.full}</p>`
    : html`<form method="post" action="/account/passkeys/add" data-ceremony="get" data-options="/account/passkeys/add/options">
<input type="hidden" name="form_token" value="${facts.addToken}">
<button class="button button-primary" type="submit" disabled>${symbol("plus")} ${passkeys.add}</button>
</form>`;
  const body = html`<p class="quiet">${passkeys.lead}</p>
${ceremonyStatus()}
<section class="card card-flush"><ul class="list list-inset">${facts.rows.map((row) => passkeyItem(row, facts.canRemove, time))}</ul></section>
<div class="row wrap">${add}
<a class="button" href="/account/recovery">${symbol("key")} ${passkeys.recovery}</a></div>
${facts.canRemove ? "" : html`<p class="hint">${passkeys.onlyOne}</p>`}`;
  return { section: "passkeys", heading: passkeys.title, body };
}

function passkeyItem(row: PasskeyRow, canRemove: boolean, time: DisplayTime): Markup {
  const { passkeys } = text;
  const remove = canRemove
    ? html`<form method="post" action="${row.base}/remove" data-ceremony="get" data-options="${row.base}/remove/options">
<input type="hidden" name="form_token" value="${row.removeToken}">
<button class="button button-small button-danger" type="submit" disabled>${symbol("trash")} ${passkeys.remove}<span class="visually-hidden"> ${row.name}</span></button>
</form>`
    : "";
  const keep = row.isCopied
    ? html`<p class="notice notice-bad">${symbol("alert")}<span>${passkeys.copied}</span></p>
<form method="post" action="${row.base}/keep" data-ceremony="get" data-options="${row.base}/keep/options">
<input type="hidden" name="form_token" value="${row.keepToken}">
<button class="button button-small" type="submit" disabled>${passkeys.keep}</button>
<p class="hint">${passkeys.keepHint}</p>
</form>`
    : "";
  return html`<li><div class="stack snug grow">
<div class="row wrap snug"><span class="strong"><bdi>${row.name}</bdi></span>
${row.isSynced ? html`<span class="badge">${passkeys.synced}</span>` : ""}
${row.byRecovery ? html`<span class="badge badge-warn">${passkeys.byRecovery}</span>` : ""}
${row.paysFrom === undefined ? "" : html`<span class="badge badge-warn">${passkeys.paysFrom} ${time(row.paysFrom, "minute")}</span>`}</div>
<p class="small quiet">${passkeys.added} ${time(row.addedAt, "day")} · ${passkeys.used} ${time(row.usedAt, "minute")}</p>
${keep}
<div class="row wrap snug"><details class="grow"><summary class="small">${passkeys.rename}<span class="visually-hidden"> ${row.name}</span></summary>
<form class="row snug" method="post" action="${row.base}/name" data-form>
<input type="hidden" name="form_token" value="${row.nameToken}">
<input class="input grow" name="passkey_name" value="${row.name}" aria-label="${passkeys.name}" maxlength="${passkeyNameLengthMax}" required>
<button class="button" type="submit">${text.account.save}</button>
</form></details>
${remove}</div>
</div></li>`;
}

/** The second step of adding a passkey: making it. */
export function newPasskeyView(facts: { readonly token: string; readonly suggestedName: string }): AccountView {
  const { passkeys } = text;
  const body = html`<section class="card">
<p class="quiet">${passkeys.newLead}</p>
<form class="stack" method="post" action="/account/passkeys/new" data-ceremony="create" data-options="/account/passkeys/new/options">
<input type="hidden" name="form_token" value="${facts.token}">
<div class="field">
<label class="label" for="passkey_name">${passkeys.name}</label>
<input class="input" id="passkey_name" name="passkey_name" value="${facts.suggestedName}" maxlength="${passkeyNameLengthMax}">
</div>
<button class="button button-primary button-block button-large" type="submit" disabled>${symbol("passkey")} ${passkeys.make}</button>
<p class="hint center">${passkeys.delay}</p>
</form>
${ceremonyStatus()}
</section>
<a class="button button-quiet" href="/account/passkeys">${text.cancel}</a>`;
  return { section: "passkeys", heading: passkeys.newTitle, body };
}
