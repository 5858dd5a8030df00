import type { EpochMs } from "@countersign/protocol/brand";
import type { PaymentRequestStatus } from "@countersign/protocol/payment";
import { html } from "hono/html";
import type { AccountView } from "./account.ts";
import type { DisplayTime } from "./display-time.ts";
import { type Markup, symbol } from "./layout.ts";
import type { PaymentDisplay } from "./payment.ts";
import { text } from "./text.ts";

export interface PaymentRow {
  readonly href: string;
  readonly payeeName: string;
  readonly at: EpochMs;
  readonly total: string;
  readonly humanPresent: boolean;
}

/** The payments of the account, newest first. */
export function paymentsView(
  facts: { readonly rows: readonly PaymentRow[]; readonly olderHref: string | undefined; readonly isFirst: boolean },
  time: DisplayTime,
): AccountView {
  const { payments } = text;
  const items = facts.rows.map(
    (row) => html`<li><div class="stack tight grow"><a class="strong" href="${row.href}"><bdi>${row.payeeName}</bdi></a>
<span class="small quiet">${time(row.at, "minute")}${row.humanPresent ? "" : ` · ${payments.byPolicy}`}</span></div>
<span class="nums strong">${row.total}</span></li>`,
  );
  const list =
    facts.rows.length === 0
      ? html`<section class="card"><div class="empty">${symbol("receipt", "icon-large")}<p>${facts.isFirst ? payments.none : payments.noOlder}</p></div></section>`
      : html`<section class="card card-flush"><ul class="list list-inset">${items}</ul></section>`;
  const links = html`<div class="row wrap">${facts.isFirst ? "" : html`<a class="button button-small" href="/account/payments">${payments.newest}</a>`}
${facts.olderHref === undefined ? "" : html`<a class="button button-small" href="${facts.olderHref}">${payments.older}</a>`}</div>`;
  return { section: "payments", heading: payments.title, body: html`<p class="quiet">${payments.lead}</p>${list}${links}` };
}

export interface ReceiptFacts extends Omit<PaymentDisplay, "account" | "clientName" | "clientHost"> {
  readonly requestId: string;
  readonly checkoutId: string;
  readonly at: EpochMs;
  readonly paidFrom: string;
  readonly humanPresent: boolean;
  readonly state: PaymentRequestStatus | undefined;
  /** What was taken in the end, where that is less than what was approved. */
  readonly taken: string | undefined;
  /** The form that takes the approval back, while it can be. */
  readonly withdraw: { readonly action: string; readonly token: string } | undefined;
}

/** One payment, as a receipt that prints on a page. */
export function receiptView(receipt: ReceiptFacts, time: DisplayTime): AccountView {
  const { payments } = text;
  const body = html`<section class="card">
<div class="total">
<span class="total-payee"><bdi>${receipt.payeeName}</bdi></span>
<span class="total-origin">${receipt.payeeHost}</span>
<span class="total-amount">${receipt.total}</span>
</div>
<ul class="lines">${receipt.items.map((item) => html`<li><span><bdi>${text.payment.item(item.name, item.quantity)}</bdi></span><span class="amount">${item.amount}</span></li>`)}
<li class="lines-total"><span>${text.payment.total}</span><span class="amount">${receipt.total}</span></li></ul>
<hr>
<dl class="pairs">
<dt>${payments.approvedAt}</dt><dd>${time(receipt.at, "minute")}</dd>
<dt>${payments.approvedBy}</dt><dd>${receipt.humanPresent ? payments.byPasskey : payments.byPolicy}</dd>
<dt>${payments.paidFrom}</dt><dd>${receipt.paidFrom}</dd>
${receipt.state === undefined ? "" : html`<dt>${payments.state}</dt><dd>${receipt.taken === undefined ? payments.states[receipt.state] : payments.paidInPart(receipt.taken)}</dd>`}
<dt>${payments.order}</dt><dd class="mono">${receipt.checkoutId}</dd>
<dt>${payments.reference}</dt><dd class="mono">${receipt.requestId}</dd>
</dl>
</section>
${receipt.withdraw === undefined ? "" : withdrawForm(receipt.withdraw)}
<p class="hint no-print">${payments.printHint}</p>
<a class="button button-quiet no-print" href="/account/payments">${payments.back}</a>`;
  return { section: "payments", heading: payments.receiptTitle, body };
}

function withdrawForm(form: { readonly action: string; readonly token: string }): Markup {
  const { payments } = text;
  return html`<section class="card no-print"><h2>${payments.withdrawTitle}</h2>
<p>${payments.withdrawEffect}</p>
<form method="post" action="${form.action}" data-form>
<input type="hidden" name="form_token" value="${form.token}">
<button class="button button-danger" type="submit">${symbol("close")} ${payments.withdraw}</button>
</form></section>`;
}
