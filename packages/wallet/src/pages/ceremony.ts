import { html } from "hono/html";
import type { Markup } from "./layout.ts";
import { text } from "./text.ts";

/** Where the script says how a ceremony goes; the sentences travel in the page, so that the script holds none. */
export function ceremonyStatus(): Markup {
  const { ceremony } = text;
  return html`<p class="notice" role="status" aria-live="polite" data-status hidden
data-waiting="${ceremony.waiting}" data-cancelled="${ceremony.cancelled}" data-unsupported="${ceremony.unsupported}" data-offline="${ceremony.offline}"
data-exists="${ceremony.exists}"></p>
<noscript><p class="notice notice-warn">${text.needsScript}</p></noscript>`;
}
