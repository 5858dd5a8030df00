import type { LimitName, SpendingLimits } from "@countersign/protocol/limits";
import { limitNames } from "@countersign/protocol/limits";
import { formatMinorUnits } from "@countersign/protocol/money";
import { html } from "hono/html";
import type { AccountView } from "./account.ts";
import { ceremonyStatus } from "./ceremony.ts";
import { displayMoney } from "./display-text.ts";
import { type Markup, symbol } from "./layout.ts";
import { text } from "./text.ts";

export interface CurrencyLimits {
  readonly currency: string;
  readonly limits: SpendingLimits;
  readonly usedToday: number;
  readonly usedThisMonth: number;
  readonly token: string;
}

export interface LimitsFacts {
  readonly currencies: readonly CurrencyLimits[];
  readonly timeZone: string;
  readonly zoneToken: string;
}

/** What may be spent and how much of it is used, by currency, and where the account's days begin. */
export function limitsView(facts: LimitsFacts): AccountView {
  const { limits } = text;
  const body = html`<p class="quiet">${limits.lead}</p>
${ceremonyStatus()}
${facts.currencies.map((each, index) => currencyCard(each, index === 0))}
<section class="card">
<h2>${limits.zoneTitle}</h2>
<form class="stack snug" method="post" action="/account/limits/time-zone" data-ceremony="get" data-options="/account/limits/time-zone/options">
<input type="hidden" name="form_token" value="${facts.zoneToken}">
<div class="field">
<label class="label" for="time_zone">${limits.zone}</label>
<select class="select" id="time_zone" name="time_zone" aria-describedby="time_zone_hint">${zonesWith(facts.timeZone).map((zone) => html`<option${zone === facts.timeZone ? " selected" : ""}>${zone}</option>`)}</select>
<span class="hint" id="time_zone_hint">${limits.zoneHint}</span>
</div>
<button class="button" type="submit" disabled>${symbol("passkey")} ${limits.saveZone}</button>
</form>
</section>`;
  return { section: "limits", heading: limits.title, body };
}

function currencyCard(each: CurrencyLimits, isOpen: boolean): Markup {
  const { limits } = text;
  const { currency } = each;
  const action = `/account/limits/currency/${currency}`;
  const money = (amount: number): string => displayMoney({ amount, currency });
  return html`<section class="card">
<details${isOpen ? " open" : ""}><summary><span class="strong nums">${currency}</span></summary>
<div class="stack">
<dl class="pairs">
<dt>${limits.today}</dt><dd class="amount">${limits.usedOf(money(each.usedToday), money(each.limits.day))}</dd>
<dt>${limits.thisMonth}</dt><dd class="amount">${limits.usedOf(money(each.usedThisMonth), money(each.limits.month))}</dd>
</dl>
<hr>
<form class="stack snug" method="post" action="${action}" data-ceremony="get" data-options="${action}/options">
<input type="hidden" name="form_token" value="${each.token}">
${limitNames.map((name) => amountField(each, name))}
<button class="button" type="submit" disabled>${symbol("passkey")} ${limits.save}</button>
</form>
</div>
</details>
</section>`;
}

function amountField({ currency, limits }: CurrencyLimits, name: LimitName): Markup {
  const id = `${currency}_${name}`;
  return html`<div class="field">
<label class="label" for="${id}">${text.limits.names[name]}</label>
<input class="input nums" id="${id}" name="${name}" value="${formatMinorUnits({ amount: limits[name], currency })}" inputmode="decimal" maxlength="20" required autocomplete="off">
</div>`;
}

function zonesWith(chosen: string): readonly string[] {
  return [...new Set(["UTC", chosen, ...Intl.supportedValuesOf("timeZone")])].toSorted();
}
