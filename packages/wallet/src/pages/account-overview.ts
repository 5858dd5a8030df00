import type { EpochMs } from "@countersign/protocol/brand";
import { html } from "hono/html";
import { displayNameLengthMax } from "../accounts.ts";
import type { AccountView } from "./account.ts";
import type { DisplayTime } from "./display-time.ts";
import { text } from "./text.ts";

export interface OverviewFacts {
  readonly accountId: string;
  readonly displayName: string;
  readonly createdAt: EpochMs;
  readonly nameToken: string;
}

/** The first page of the account: who one is here. */
export function overviewView(facts: OverviewFacts, time: DisplayTime): AccountView {
  const { account } = text;
  const body = html`<section class="card">
<form class="stack snug" method="post" action="/account/name" data-form>
<input type="hidden" name="form_token" value="${facts.nameToken}">
<div class="field">
<label class="label" for="display_name">${account.name}</label>
<div class="row snug"><input class="input grow" id="display_name" name="display_name" value="${facts.displayName}" autocomplete="name" maxlength="${displayNameLengthMax}" aria-describedby="display_name_hint">
<button class="button" type="submit">${account.save}</button></div>
<span class="hint" id="display_name_hint">${account.nameHint}</span>
</div>
</form>
<hr>
<dl class="pairs">
<dt>${account.since}</dt><dd>${time(facts.createdAt, "day")}</dd>
<dt>${account.id}</dt><dd class="mono">${facts.accountId}</dd>
</dl>
</section>`;
  return { section: "overview", heading: account.title(facts.displayName), body };
}
