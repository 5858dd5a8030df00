import type { EpochMs } from "@countersign/protocol/brand";
import { html } from "hono/html";
import type { AccountView } from "./account.ts";
import type { DisplayTime } from "./display-time.ts";
import { symbol } from "./layout.ts";
import { text } from "./text.ts";

export interface SessionRow {
  readonly agent: string;
  readonly startedAt: EpochMs;
  readonly seenAt: EpochMs;
  readonly isThisOne: boolean;
  readonly action: string;
  readonly token: string;
}

/** The browsers that are signed in. */
export function sessionsView(
  facts: { readonly rows: readonly SessionRow[]; readonly endOthers: { readonly action: string; readonly token: string } },
  time: DisplayTime,
): AccountView {
  const { sessions } = text;
  const items = facts.rows.map(
    (row) => html`<li><div class="stack tight grow">
<div class="row wrap snug"><span class="strong">${row.agent}</span>${row.isThisOne ? html`<span class="badge badge-accent">${sessions.thisOne}</span>` : ""}</div>
<p class="small quiet">${sessions.started} ${time(row.startedAt, "minute")} · ${sessions.seen} ${time(row.seenAt, "minute")}</p>
</div>
${
  row.isThisOne
    ? ""
    : html`<form method="post" action="${row.action}" data-form>
<input type="hidden" name="form_token" value="${row.token}">
<button class="button button-small button-danger" type="submit">${sessions.end}<span class="visually-hidden"> ${row.agent}</span></button>
</form>`
}</li>`,
  );
  const others =
    facts.rows.filter((row) => !row.isThisOne).length === 0
      ? ""
      : html`<form method="post" action="${facts.endOthers.action}" data-form>
<input type="hidden" name="form_token" value="${facts.endOthers.token}">
<button class="button" type="submit">${symbol("sign_out")} ${sessions.endOthers}</button>
</form>`;
  const body = html`<p class="quiet">${sessions.lead}</p>
<section class="card card-flush"><ul class="list list-inset">${items}</ul></section>
${others}`;
  return { section: "sessions", heading: sessions.title, body };
}
