import type { PaymentPayee } from "@countersign/protocol/payment";
import { policyPeriods } from "@countersign/protocol/policy";
import { html } from "hono/html";
import type { Policy } from "../policies/policies.ts";
import type { AccountView } from "./account.ts";
import { ceremonyStatus } from "./ceremony.ts";
import { displayMoney, displayText } from "./display-text.ts";
import type { DisplayTime } from "./display-time.ts";
import { type Markup, symbol } from "./layout.ts";
import { text } from "./text.ts";

export interface PolicyLine {
  readonly policy: Policy;
  /** What is used of the budget of the present period. */
  readonly used: number;
  readonly isLive: boolean;
  readonly end: { readonly action: string; readonly token: string };
}

export interface PoliciesFacts {
  readonly policies: readonly PolicyLine[];
  /** Payees that were paid in person; only they can be in a policy. */
  readonly payees: readonly PaymentPayee[];
  readonly currencies: readonly string[];
  readonly makeToken: string;
}

/** What is approved without asking, and how to start and end it. */
export function policiesView(facts: PoliciesFacts, time: DisplayTime): AccountView {
  const { policies } = text;
  const body = html`<p class="quiet">${policies.lead}</p>
${ceremonyStatus()}
${facts.policies.length === 0 ? html`<section class="card"><p class="empty">${policies.none}</p></section>` : facts.policies.map((each) => policyCard(each, time))}
<section class="card">
<h2>${policies.makeTitle}</h2>
${facts.payees.length === 0 ? html`<p class="quiet">${policies.noPayees}</p>` : makeForm(facts)}
</section>`;
  return { section: "policies", heading: policies.title, body };
}

function policyCard({ policy, used, isLive, end }: PolicyLine, time: DisplayTime): Markup {
  const { policies } = text;
  const { currency, ceiling, budget, period, expiresAt } = policy.terms;
  const money = (amount: number): string => displayMoney({ amount, currency });
  const state = isLive ? html`<span class="badge badge-good">${policies.live}</span>` : html`<span class="badge">${policies.over}</span>`;
  return html`<section class="card">
<div class="row between"><h2>${policy.payees.map((payee) => html`<bdi>${displayText(payee.name, 80)}</bdi> `)}</h2>${state}</div>
<dl class="pairs">
<dt>${policies.ceiling}</dt><dd class="amount">${money(ceiling)}</dd>
<dt>${policies.periods[period]}</dt><dd class="amount">${text.limits.usedOf(money(used), money(budget))}</dd>
<dt>${policies.until}</dt><dd>${time(policy.endedAt ?? expiresAt, "minute")}</dd>
</dl>
${
  isLive
    ? html`<form method="post" action="${end.action}" data-form>
<input type="hidden" name="form_token" value="${end.token}">
<button class="button button-danger" type="submit">${policies.end}</button>
</form>`
    : ""
}
</section>`;
}

function makeForm({ payees, currencies, makeToken }: PoliciesFacts): Markup {
  const { policies } = text;
  return html`<form class="stack snug" method="post" action="/account/policies/new" data-ceremony="get" data-options="/account/policies/new/options">
<input type="hidden" name="form_token" value="${makeToken}">
<div class="field"><label class="label" for="payee_id">${policies.payee}</label>
<select class="select" id="payee_id" name="payee_id">${payees.map((payee) => html`<option value="${payee.id}">${displayText(payee.name, 80)} (${new URL(payee.website).host})</option>`)}</select></div>
<div class="field"><label class="label" for="currency">${policies.currency}</label>
<select class="select" id="currency" name="currency">${currencies.map((currency) => html`<option>${currency}</option>`)}</select></div>
<div class="field"><label class="label" for="ceiling">${policies.ceiling}</label>
<input class="input nums" id="ceiling" name="ceiling" inputmode="decimal" maxlength="20" required autocomplete="off" placeholder="20.00"></div>
<div class="field"><label class="label" for="budget">${policies.budget}</label>
<input class="input nums" id="budget" name="budget" inputmode="decimal" maxlength="20" required autocomplete="off" placeholder="100.00"></div>
<div class="field"><label class="label" for="period">${policies.period}</label>
<select class="select" id="period" name="period">${policyPeriods.map((period) => html`<option value="${period}">${policies.periods[period]}</option>`)}</select></div>
<div class="field"><label class="label" for="days">${policies.days}</label>
<input class="input nums" id="days" name="days" type="number" min="1" max="30" value="30" required></div>
<button class="button button-primary" type="submit" disabled>${symbol("passkey")} ${policies.make}</button>
<p class="hint">${policies.makeHint}</p>
</form>`;
}
