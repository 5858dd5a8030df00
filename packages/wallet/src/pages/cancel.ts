import { html } from "hono/html";
import type { Markup } from "./layout.ts";

/** The way back to the client, on each page of an interaction. */
export interface CancelForm {
  readonly action: string;
  readonly token: string;
  readonly label: string;
}

export function cancelForm(form: CancelForm): Markup {
  return html`<form method="post" action="${form.action}" data-form>
<input type="hidden" name="form_token" value="${form.token}">
<button class="button button-quiet button-block" type="submit">${form.label}</button>
</form>`;
}
