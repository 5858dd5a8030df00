import { html } from "hono/html";
import { type Page, symbol } from "./layout.ts";
import { text } from "./text.ts";

/** The wallet's front page: what it is. */
export function landingPage(): Page {
  const { landing } = text;
  const body = html`<section class="card">
<h1>${landing.title}</h1>
<p class="quiet">${landing.lead}</p>
<ul class="list">${landing.points.map((point) => html`<li>${symbol("check", "icon-small")}<span>${point}</span></li>`)}</ul>
<a class="button button-block" href="/account">${text.account.open}</a>
</section>`;
  return { heading: landing.title, body };
}
