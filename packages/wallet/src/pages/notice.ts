import type { IconName } from "@countersign/look/icons";
import { html } from "hono/html";
import type { CancelForm } from "./cancel.ts";
import { cancelForm } from "./cancel.ts";
import { type Page, symbol } from "./layout.ts";

/** A page that only tells something: what happened, and what to do. */
export interface Notice {
  readonly heading: string;
  readonly message: string;
  readonly tone: "bad" | "warn" | "good";
  /** A link to try the same again. */
  readonly retry?: { readonly href: string; readonly label: string };
  readonly cancel?: CancelForm;
}

const icons: Readonly<Record<Notice["tone"], IconName>> = { bad: "alert", warn: "clock", good: "check_circle" };

export function noticePage(notice: Notice): Page {
  const retry =
    notice.retry === undefined
      ? ""
      : html`<a class="button button-primary button-block button-large" href="${notice.retry.href}">${notice.retry.label}</a>`;
  const body = html`<section class="card">
<div class="empty">
<span class="seal seal-${notice.tone}">${symbol(icons[notice.tone], "icon-large")}</span>
<h1>${notice.heading}</h1>
<p>${notice.message}</p>
</div>
${retry}
${notice.cancel === undefined ? "" : cancelForm(notice.cancel)}
</section>`;
  return { heading: notice.heading, body };
}
