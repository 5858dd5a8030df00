import type { EpochMs } from "@countersign/protocol/brand";
import { html } from "hono/html";
import type { AccountView } from "./account.ts";
import type { DisplayTime } from "./display-time.ts";
import { symbol } from "./layout.ts";
import { text } from "./text.ts";

export interface AppRow {
  readonly name: string;
  readonly since: EpochMs | undefined;
  readonly lines: readonly string[];
  readonly action: string;
  readonly token: string;
}

/** The apps that act for the account. */
export function appsView(rows: readonly AppRow[], time: DisplayTime): AccountView {
  const { apps } = text;
  const items = rows.map(
    (row) => html`<li><div class="stack snug grow">
<div class="row wrap between"><span class="strong"><bdi>${row.name}</bdi></span>
<form method="post" action="${row.action}" data-form>
<input type="hidden" name="form_token" value="${row.token}">
<button class="button button-small button-danger" type="submit">${symbol("close")} ${apps.disconnect}<span class="visually-hidden"> ${row.name}</span></button>
</form></div>
${row.lines.length === 0 ? "" : html`<ul class="small">${row.lines.map((line) => html`<li>${line}</li>`)}</ul>`}
${row.since === undefined ? "" : html`<p class="small quiet">${apps.since} ${time(row.since, "day")}</p>`}
</div></li>`,
  );
  const list =
    rows.length === 0
      ? html`<section class="card"><div class="empty">${symbol("plug", "icon-large")}<p>${apps.none}</p></div></section>`
      : html`<section class="card card-flush"><ul class="list list-inset">${items}</ul></section>
<p class="hint">${apps.effect}</p>`;
  return { section: "apps", heading: apps.title, body: html`<p class="quiet">${apps.lead}</p>${list}` };
}
