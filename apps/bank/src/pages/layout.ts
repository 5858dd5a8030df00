import { icon, type IconName } from "@countersign/look/icons";
import { html, raw } from "hono/html";

/** Escaped HTML. Only the templates of `hono/html` make it. */
export type Markup = ReturnType<typeof html>;

/** An icon of the design language, hidden from assistive technology. */
export function symbol(name: IconName, className = ""): Markup {
  return raw(icon(name, className));
}

/** Renders a page around its body. */
export async function renderPage(heading: string, body: Markup): Promise<string> {
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${heading} · Bank</title>
<link rel="stylesheet" href="/assets/look.css">
</head>
<body>
<main class="page page-wide">
<span class="brand">${symbol("bank")} Bank</span>
${body}
</main>
</body>
</html>
`;
  return String(await document);
}

/**
 * The headers of every page: never framed, no script at all, nothing kept. Forms lead here, and on from here to the wallets where people sign in, because
 * browsers apply `form-action` to the redirects that follow a form.
 */
export function pageHeaders(wallets: readonly string[], isHttps: boolean): Readonly<Record<string, string>> {
  const targets = wallets.map((issuer) => new URL(issuer).origin);
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    `form-action 'self' ${targets.join(" ")}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy.join("; "),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    // Forms are judged by their Origin, which "no-referrer" would leave out.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    ...(isHttps ? { "strict-transport-security": "max-age=31536000" } : {}),
  };
}
