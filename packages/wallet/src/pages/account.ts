import type { IconName } from "@countersign/look/icons";
import { html } from "hono/html";
import { type Markup, type Page, symbol } from "./layout.ts";
import { text } from "./text.ts";

/** The parts of the account, in the order of the navigation. A part that has pages has a line here. */
export type AccountSection = keyof typeof text.account.sections;

const sections: readonly { readonly section: AccountSection; readonly href: string; readonly icon: IconName }[] = [
  { section: "overview", href: "/account", icon: "user" },
  { section: "passkeys", href: "/account/passkeys", icon: "passkey" },
  { section: "apps", href: "/account/apps", icon: "plug" },
  { section: "payments", href: "/account/payments", icon: "receipt" },
  { section: "limits", href: "/account/limits", icon: "sliders" },
  { section: "policies", href: "/account/policies", icon: "spark" },
  { section: "sessions", href: "/account/sessions", icon: "globe" },
  { section: "activity", href: "/account/activity", icon: "activity" },
];

/** One page of the account, to be put into its frame. */
export interface AccountView {
  readonly section: AccountSection;
  readonly heading: string;
  /** Everything under the heading. */
  readonly body: Markup;
  readonly status?: number;
}

/** Puts navigation and the way out around a view. `notices` are things that the owner should know on every page. */
export function accountPage(view: AccountView, frame: { readonly signOutToken: string; readonly notices: readonly Markup[] }): Page {
  const links = sections.map(({ section, href, icon }) => {
    const current = section === view.section;
    return html`<a class="button button-small ${current ? "" : "button-quiet"}" href="${href}"${current ? html` aria-current="page"` : ""}>${symbol(icon)} ${text.account.sections[section]}</a>`;
  });
  const body = html`<nav class="row wrap tight no-print" aria-label="${text.account.navigation}">${links}</nav>
${frame.notices}
<div class="row between"><h1>${view.heading}</h1>
<form class="no-print" method="post" action="/account/sign-out" data-form>
<input type="hidden" name="form_token" value="${frame.signOutToken}">
<button class="button button-small" type="submit">${symbol("sign_out")} ${text.account.signOut}</button>
</form></div>
${view.body}`;
  return { heading: view.heading, body, width: "wide" };
}
