import { html, raw } from "hono/html";
import { renderSVG } from "uqr";
import type { PhoneState } from "../phone/phone-state.ts";
import { type Markup, type Page, symbol } from "./layout.ts";
import { noticePage } from "./notice.ts";
import { text } from "./text.ts";

/** The form that hands a payment to a phone. */
export interface PhoneOffer {
  readonly action: string;
  readonly token: string;
}

/** The way to the phone, below what can be done here. */
export function phoneOffer(offer: PhoneOffer | undefined): Markup {
  if (offer === undefined) return html``;
  return html`<form method="post" action="${offer.action}">
<input type="hidden" name="form_token" value="${offer.token}">
<button class="button button-block" type="submit">${text.phone.offer}</button>
</form>`;
}

/** The first screen. `base` is the interaction's address, `token` that of its form for a new ticket. */
export interface WaitingView {
  readonly state: PhoneState;
  readonly base: string;
  readonly token: string;
}

/** The ticket as a QR code, with its address in letters below, and the number that the phone will ask for. */
export function phoneTicketPage(view: WaitingView & { readonly address: string; readonly number: string }): Page {
  const { phone } = text;
  const body = html`<section class="card">
<div class="stack tight">
<h1>${phone.title}</h1>
<p class="quiet">${phone.scan}</p>
</div>
<div class="stack">
<div class="qr" role="img" aria-label="${phone.qr}">${raw(renderSVG(view.address, { ecc: "M", border: 2, whiteColor: "#ffffff", blackColor: "#000000" }))}</div>
<p class="small center">${view.address}</p>
</div>
<hr>
${numberShown(view.number)}
${waiting(view)}
</section>
<p class="page-foot center">${phone.once}</p>`;
  return { heading: phone.title, body };
}

/** How far the phone is. */
export function phoneStatePage(view: WaitingView & { readonly number: string | undefined }): Page {
  const { phone } = text;
  switch (view.state) {
    case "approved":
      return noticePage({ ...text.link.approved, tone: "good" });
    case "declined":
      return noticePage({ ...phone.declined, tone: "warn" });
    case "over":
    case "wrong_number": {
      const notice = noticePage({ ...(view.state === "over" ? phone.over : phone.wrongNumber), tone: "warn" });
      return { ...notice, body: html`${notice.body}${againOrHere(view)}` };
    }
    case "waiting":
    case "opened": {
      const heading = view.state === "opened" ? phone.openedTitle : phone.waitingTitle;
      const body = html`<section class="card">
<div class="stack tight">
<h1>${heading}</h1>
<p class="quiet">${view.state === "opened" ? phone.opened : phone.waiting}</p>
</div>
${view.number === undefined ? "" : numberShown(view.number)}
${waiting(view)}
</section>
${view.state === "opened" ? "" : againOrHere(view)}`;
      return { heading, body };
    }
  }
}

/** Another ticket, or the page that this one began on. */
function againOrHere({ base, token }: WaitingView): Markup {
  return html`${phoneOffer({ action: `${base}/phone`, token })}
<p class="small center"><a href="${base}">${text.phone.here}</a></p>`;
}

/** What a phone sees before it opens a ticket: the same for each. */
export function ticketPage(view: PhoneOffer): Page {
  const { phone } = text;
  const body = html`<section class="card">
<div class="stack tight">
<h1>${phone.openTitle}</h1>
<p class="quiet">${phone.openHint}</p>
</div>
<p class="notice notice-warn">${symbol("shield")}<span>${text.device.warning}</span></p>
<form method="post" action="${view.action}">
<input type="hidden" name="form_token" value="${view.token}">
<button class="button button-primary button-block button-large" type="submit">${text.device.proceed}</button>
</form>
</section>`;
  return { heading: phone.openTitle, body };
}

function numberShown(number: string): Markup {
  return html`<div class="stack tight">
<p class="small center">${text.phone.number}</p>
<p class="user-code" data-number>${number}</p>
</div>`;
}

/** The script follows; without it, the link looks again. */
function waiting({ base, state }: WaitingView): Markup {
  return html`<p class="small center" role="status" data-follow="${base}/phone/wait?state=${state}" data-state="${state}" data-next="${base}/phone">${text.phone.follows} <a href="${base}/phone">${text.phone.lookAgain}</a></p>`;
}
