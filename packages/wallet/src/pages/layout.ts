import { icon, type IconName } from "@countersign/look/icons";
import { html, raw } from "hono/html";
import { text } from "./text.ts";

/** Escaped HTML. Only the templates of `hono/html` make it. */
export type Markup = ReturnType<typeof html>;

/** A whole page. `heading` is also the title. */
export interface Page {
  readonly heading: string;
  readonly body: Markup;
  /** `wide` for pages with lists; one narrow column otherwise. */
  readonly width?: "wide";
}

/** An icon of the design language, hidden from assistive technology. */
export function symbol(name: IconName, className = ""): Markup {
  return raw(icon(name, className));
}

/** Renders a page around its body. */
export async function renderPage(page: Page): Promise<string> {
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${page.heading} · ${text.productName}</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/look.css">
<script type="module" src="/assets/passkey.js"></script>
</head>
<body>
<main class="${page.width === "wide" ? "page page-wide" : "page"}">
<span class="brand">${symbol("countersign")} ${text.productName}</span>
${page.body}
</main>
</body>
</html>
`;
  return String(await document);
}
