import { html } from "hono/html";
import { type CancelForm, cancelForm } from "./cancel.ts";
import { ceremonyStatus } from "./ceremony.ts";
import { type DeviceOrigin, originPairs } from "./device.ts";
import { type Markup, type Page, symbol } from "./layout.ts";
import { type PhoneOffer, phoneOffer } from "./phone.ts";
import { refundText } from "./refund-text.ts";
import { text } from "./text.ts";

/** What the payment page shows, every text ready to read. Its digest is part of what the passkey signs. */
export interface PaymentDisplay {
  readonly payeeName: string;
  readonly payeeHost: string;
  readonly total: string;
  readonly items: readonly { readonly name: string; readonly quantity: number; readonly amount: string }[];
  readonly account: string;
  readonly clientName: string;
  readonly clientHost: string;
  /** The number of the order that money comes back for. */
  readonly refundOf?: string;
}

/** A device that waits for the payment; `asksNumber`: the number on its screen has to be named here. */
export interface SecondDeviceView {
  readonly origin: DeviceOrigin;
  readonly asksNumber: boolean;
  /** Where the number stands on the other screen. */
  readonly numberHint: string;
}

export interface PaymentView {
  readonly display: PaymentDisplay;
  readonly available: string;
  readonly hasEnough: boolean;
  /** Why the account's limits do not let it through, in words. */
  readonly overLimit: string | undefined;
  readonly openForMinutes: number;
  readonly userName: string;
  /** Where the payment was asked for, when that is not this device. */
  readonly secondDevice: SecondDeviceView | undefined;
  /** Where the payment may be handed to a phone. */
  readonly phone: PhoneOffer | undefined;
  readonly base: string;
  readonly token: string;
  readonly decline: CancelForm;
}

/** Reads like a card terminal: payee, sum, what it is for, one button. Where money comes back, everything says so. */
export function paymentPage(view: PaymentView): Page {
  const { display } = view;
  const words = display.refundOf === undefined ? text.payment : refundText;
  const approve =
    view.hasEnough && view.overLimit === undefined
      ? html`<form class="stack snug" method="post" action="${view.base}/approve" data-ceremony="get" data-armed data-options="${view.base}/approve/options">
<input type="hidden" name="form_token" value="${view.token}">
${view.secondDevice?.asksNumber === true ? numberField(view.secondDevice.numberHint) : ""}
<button class="button button-primary button-block button-large" type="submit" disabled>${symbol("passkey")} ${words.approve(display.total)}</button>
<p class="hint center">${text.payment.approveHint}</p>
</form>`
      : html`<p class="notice notice-bad">${symbol("alert")}<span>${view.overLimit ?? text.payment.insufficient(view.available)}</span></p>`;
  const body = html`<section class="card">
<div class="total">
${display.refundOf === undefined ? "" : html`<span class="hint">${refundText.from}</span>`}
<h1 class="total-payee"><bdi>${display.payeeName}</bdi></h1>
<span class="total-origin">${display.payeeHost}</span>
<span class="total-amount">${display.total}</span>
</div>
<ul class="lines">${display.items.map((item) => html`<li><span><bdi>${text.payment.item(item.name, item.quantity)}</bdi></span><span class="amount">${item.amount}</span></li>`)}
<li class="lines-total"><span>${text.payment.total}</span><span class="amount">${display.total}</span></li></ul>
<hr>
<dl class="pairs">
${display.refundOf === undefined ? "" : html`<dt>${refundText.order}</dt><dd>${display.refundOf}</dd>`}
<dt>${words.pays}</dt><dd>${words.available(display.account, view.available)}</dd>
<dt>${text.payment.askedBy}</dt><dd>${display.clientName} <span class="quiet">${display.clientHost}</span></dd>
<dt>${text.payment.expires}</dt><dd>${text.payment.minutes(view.openForMinutes)}</dd>
${view.secondDevice === undefined ? "" : originPairs(view.secondDevice.origin)}
</dl>
${view.secondDevice === undefined ? "" : html`<p class="notice notice-warn">${symbol("shield")}<span>${text.device.warning}</span></p>`}
${approve}
${ceremonyStatus()}
</section>
${phoneOffer(view.phone)}
${cancelForm(view.decline)}
<p class="page-foot center">${text.signedInAs(view.userName)}</p>`;
  return { heading: words.title(display.payeeName), body };
}

/** The number that only the screen of the other device shows, so that a link alone pays nothing. */
function numberField(hint: string): Markup {
  const { device } = text;
  return html`<div class="field">
<label class="label" for="number">${device.number}</label>
<input class="input user-code" id="number" name="number" required inputmode="numeric" pattern="[0-9]{2}" maxlength="2" autocomplete="off" aria-describedby="number_hint">
<span class="hint" id="number_hint">${hint}</span>
</div>`;
}
