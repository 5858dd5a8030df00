import { html } from "hono/html";
import { type Markup, symbol } from "./layout.ts";
import { text } from "./text.ts";

/** A line above an account page about a passkey that its owner should look at. */
export function passkeyNotice(about: { readonly kind: "copied" } | { readonly kind: "added"; readonly name: string }): Markup {
  const sentence = about.kind === "copied" ? text.passkeys.noticeCopied : text.passkeys.noticeAdded(about.name);
  return html`<p class="notice ${about.kind === "copied" ? "notice-bad" : "notice-warn"}" role="alert">${symbol("alert")}<span>${sentence} <a href="/account/passkeys">${text.passkeys.noticeLook}</a></span></p>`;
}

/** A line above an account page about its recovery code: ended when a backup was put back, or made a short while ago. */
export function recoveryNotice(kind: "ended" | "made"): Markup {
  const { recovery } = text;
  const sentence = kind === "ended" ? recovery.noticeEnded : recovery.noticeMade;
  return html`<p class="notice notice-warn" role="alert">${symbol("alert")}<span>${sentence} <a href="/account/recovery">${recovery.noticeLook}</a></span></p>`;
}
