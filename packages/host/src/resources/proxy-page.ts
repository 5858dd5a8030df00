import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { WidgetPolicy } from "@countersign/protocol/sandbox";
import { html, raw } from "hono/html";

// A closing tag inside the text of an inline script would end the element.
const proxyScript: string = readFileSync(fileURLToPath(new URL("./assets/proxy.js", import.meta.url)), "utf8").replaceAll("</script", "<\\/script");

const style = "html,body{margin:0;height:100%;background:transparent}iframe{display:block;border:0;width:100%;height:100%}body{font:14px system-ui}";

export interface ProxyPage {
  readonly policy: WidgetPolicy;
  /** Origin of the one page that frames it. */
  readonly consoleOrigin: string;
  readonly shim: string;
  /** The members of `window.openai` beside the data that it always has; without any there is no `window.openai`. */
  readonly openai: readonly string[];
}

/**
 * The proxy document of one widget, with the policies that its inner frame inherits as HTTP headers. Everything it needs is inline: where the browser
 * knows `Connection-Allowlist`, a widget opens no connection but to what it declared, and this page needs none either.
 */
export async function proxyPage({ policy, consoleOrigin, shim, openai }: ProxyPage): Promise<Response> {
  const data = JSON.stringify(shim).replaceAll("<", "\\u003c");
  const body = await html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>App view</title><style>${raw(style)}</style></head>
<body data-console-origin="${consoleOrigin}" data-sandbox="${policy.sandbox}" data-allow="${policy.allow}" data-openai="${openai.join(" ")}">
<script type="application/json" id="shim">${raw(data)}</script>
<script>${raw(proxyScript)}</script>
</body>
</html>`;
  return new Response(body, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy.csp,
      "connection-allowlist": policy.connectionAllowlist,
      "permissions-policy": policy.permissionsPolicy,
      "cache-control": "no-store",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "cross-origin",
      "origin-agent-cluster": "?1",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-dns-prefetch-control": "off",
    },
  });
}
