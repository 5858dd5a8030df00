import { errorCatalogue, type ErrorCode } from "@countersign/protocol/errors";
import { html } from "hono/html";

/** The pages of a sign-in popup on the console's own origin. They hold no value from outside but catalogue texts and the names of flows. */
interface PopupPage {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  readonly close: boolean;
}

const contentSecurityPolicy =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Of every page in the popup: nothing from elsewhere, in no frame, kept nowhere. */
export const popupHeaders: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": contentSecurityPolicy,
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

const closeWords = "You can close this window.";

/** What the popup shows between the click and the authorization server. */
export function waitingPage(): Promise<Response> {
  return render({ status: 200, title: "Opening sign-in", text: "One moment…", close: false });
}

/** The end of a sign-in, good or bad; closes itself where the browser lets it. */
export function endPage(
  outcome: { readonly granted: true } | { readonly granted: false; readonly code: ErrorCode; readonly status: number },
): Promise<Response> {
  if (outcome.granted) return render({ status: 200, title: "Signed in", text: closeWords, close: true });
  const { text } = errorCatalogue[outcome.code];
  return render({ status: outcome.status, title: "Not signed in", text: `${text} ${closeWords}`, close: outcome.status === 200 });
}

/** In the place of a start link's page when the link is good no more, or not here. */
export function spentLinkPage(status: number): Promise<Response> {
  const text = `This link works once, for a short time and in one browser. Start again where it was given to you. ${closeWords}`;
  return render({ status, title: "Not signed in", text, close: false });
}

/** In the place of a page that a server asks the user to visit, when nothing asks for it (any more). */
export function notOpenedPage(status: number): Promise<Response> {
  return render({ status, title: "Not opened", text: `Nothing asks you to visit this page now. ${closeWords}`, close: false });
}

/** Where an app's own window ends: with what it came back, or with why that was not taken. */
export function returnedPage(code: ErrorCode | undefined): Promise<Response> {
  if (code === undefined)
    return render({ status: 200, title: "Done", text: "You can close this window and go on in the conversation.", close: true });
  const text = `${errorCatalogue[code].text} ${closeWords}`;
  return render({ status: errorCatalogue[code].status, title: "Not taken", text, close: false });
}

async function render(page: PopupPage): Promise<Response> {
  const body = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${page.title}</title>
<link rel="stylesheet" href="/pages/look.css">
</head>
<body data-close="${page.close ? "yes" : "no"}">
<main class="page">
<section class="card">
<h1>${page.title}</h1>
<p>${page.text}</p>
</section>
</main>
<script src="/pages/close.js"></script>
</body>
</html>`;
  return new Response(body, { status: page.status, headers: popupHeaders });
}
