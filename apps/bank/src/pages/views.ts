import { formatMinorUnits } from "@countersign/protocol/money";
import { readableText } from "@countersign/protocol/readable-text";
import { html } from "hono/html";
import type { OpenHold, PaymentOrigin, Statement, StatementLine } from "../statement.ts";
import { type Markup, symbol } from "./layout.ts";

/** The page of somebody who is not signed in. `problem` says why the last attempt did not work. */
export function signInView(wallets: readonly string[], problem: string | undefined): Markup {
  const forms = wallets.map(
    (issuer) => html`<form method="post" action="/signin"><input type="hidden" name="wallet" value="${issuer}">
<button class="button button-primary button-block" type="submit">${symbol("wallet")} Sign in with ${new URL(issuer).host}</button></form>`,
  );
  return html`<h1>Your accounts</h1>
${problem === undefined ? "" : html`<p class="notice notice-bad" role="alert">${problem}</p>`}
<section class="card"><div class="stack"><p>Sign in with the wallet that opened your account. This page only shows; nothing can be paid here.</p>${forms}</div></section>`;
}

/** The accounts of the one who is signed in. */
export function accountsView(statements: readonly Statement["account"][]): Markup {
  const items = statements.map(
    (account) => html`<li><div class="stack tight grow"><a class="strong" href="/statement/${account.id}">${account.description}</a>
<span class="small quiet">${account.held === 0 ? "Nothing is set aside" : `${money(account.held, account.currency)} set aside for payments`}</span></div>
<span class="nums strong">${money(account.available, account.currency)}</span></li>`,
  );
  const list =
    statements.length === 0
      ? html`<section class="card"><div class="empty">${symbol("bank", "icon-large")}<p>You have no account here yet. Your wallet opens one when you first approve a payment.</p></div></section>`
      : html`<section class="card card-flush"><ul class="list list-inset">${items}</ul></section>`;
  return html`<h1>Your accounts</h1>${list}${signOutForm()}`;
}

/** One page of a statement. `isFirst`: the newest lines. */
export function statementView(statement: Statement, isFirst: boolean): Markup {
  const { account, open, lines, next } = statement;
  const { currency } = account;
  return html`<div class="row"><a class="button button-small" href="/">${symbol("arrow_left")} Your accounts</a></div>
<h1>${account.description}</h1>
<section class="card"><dl class="pairs">
<dt>Available</dt><dd class="nums strong">${money(account.available, currency)}</dd>
<dt>Set aside</dt><dd class="nums">${money(account.held, currency)}</dd>
<dt>Balance</dt><dd class="nums">${money(account.booked, currency)}</dd>
</dl></section>
${!isFirst || open.length === 0 ? "" : html`<h2>Set aside for payments</h2><section class="card card-flush"><ul class="list list-inset">${open.map((hold) => holdItem(hold, currency))}</ul></section>`}
<h2>Statement</h2>
${lines.length === 0 ? html`<section class="card"><div class="empty"><p>${isFirst ? "Nothing has moved yet." : "There is nothing older."}</p></div></section>` : html`<section class="card card-flush"><ul class="list list-inset">${lines.map((line) => lineItem(line, currency))}</ul></section>`}
<div class="row wrap">${isFirst ? "" : html`<a class="button button-small" href="/statement/${account.id}">Newest</a>`}
${next === null ? "" : html`<a class="button button-small" href="/statement/${account.id}?before=${encodeURIComponent(next)}">Older</a>`}</div>
${signOutForm()}`;
}

function holdItem(hold: OpenHold, currency: string): Markup {
  return html`<li><div class="stack tight grow"><bdi class="strong">${nameOf(hold)}</bdi>
<span class="small quiet">${time(hold.at)} · not taken yet, free again on ${time(hold.until)} unless it is taken</span>
${originLine(hold)}</div><span class="nums">${money(hold.amount, currency)}</span></li>`;
}

const kinds: Readonly<Record<StatementLine["kind"], string>> = {
  opening: "Opening balance",
  payment: "Payment",
  refund: "Refund",
  release: "Set aside, then released by the shop",
  expiry: "Set aside, then released because the shop did not take it",
};

function lineItem(line: StatementLine, currency: string): Markup {
  const { origin, kind } = line;
  const isRelease = kind === "release" || kind === "expiry";
  const figure = isRelease
    ? html`<span class="nums quiet">${money(line.released, currency)} released</span>`
    : html`<span class="nums strong">${line.amount < 0 ? "−" : "+"}${money(Math.abs(line.amount), currency)}</span>`;
  const balance = html`<span class="nums small quiet">Balance ${money(line.balance, currency)}</span>`;
  return html`<li><div class="stack tight grow"><bdi class="strong">${origin === null ? kinds[kind] : nameOf(origin)}</bdi>
<span class="small quiet">${time(line.at)}${origin === null ? "" : ` · ${kinds[kind]}`}</span>
${origin === null || kind === "refund" ? "" : originLine(origin)}</div><div class="stack tight end">${figure}${balance}</div></li>`;
}

/** Who said yes to the payment, as the mandate says it: an automatic approval is never shown as the owner's. The bank knows of nobody's yes to a refund. */
function originLine(origin: PaymentOrigin): Markup {
  const agent = origin.agent === null ? "" : html` · asked through <bdi>${agentName(origin.agent)}</bdi>`;
  if (origin.approved_by === "policy") {
    return html`<span class="small"><span class="badge badge-warn">Automatic</span> <span class="quiet">by your policy, you were not asked${agent}</span></span>`;
  }
  if (origin.approved_by === "owner") return html`<span class="small quiet">Approved by you with a passkey${agent}</span>`;
  return html`<span class="small quiet">How it was approved is not recorded${agent}</span>`;
}

/** An app that is known by an address is shown by its host, the part that somebody vouches for. */
function agentName(clientId: string): string {
  const url = URL.parse(clientId);
  return url !== null && /^https?:$/.test(url.protocol) ? url.host : (readableText(clientId, 60) ?? "an app");
}

function nameOf(origin: PaymentOrigin): string {
  return readableText(origin.payee, 60) ?? "A shop";
}

function money(amount: number, currency: string): string {
  return `${formatMinorUnits({ amount, currency })} ${currency}`;
}

const shown = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  timeZone: "UTC",
});

function time(iso: string): Markup {
  return html`<time datetime="${iso}">${shown.format(new Date(iso))} UTC</time>`;
}

function signOutForm(): Markup {
  return html`<form method="post" action="/signout"><button class="button button-quiet" type="submit">${symbol("sign_out")} Sign out</button></form>`;
}
