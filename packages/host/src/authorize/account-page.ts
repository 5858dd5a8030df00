import { html } from "hono/html";
import { popupHeaders } from "./pages.ts";

/** Whose account is being connected to what. Every text is shown as text. */
export interface AccountPage {
  /** Name of the product, from the configuration of this host. */
  readonly product: string;
  /** The product's own words for its user. */
  readonly account: string;
  readonly connector: string;
  readonly connectorHost: string;
  readonly authorizationServerHost: string;
  readonly continueUrl: string;
  readonly declineUrl: string;
}

/**
 * What a product's user sees before they go to the authorization server: whose account gets the access. It never goes on by itself, and its buttons take no
 * click in their first half second.
 */
export async function accountPage(page: AccountPage): Promise<Response> {
  const body = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Connect ${page.connector} to ${page.product}</title>
<link rel="stylesheet" href="/pages/look.css">
</head>
<body>
<main class="page">
<section class="card">
<h1>Connect ${page.connector} to ${page.product}?</h1>
<dl class="pairs">
<dt>Account</dt><dd class="strong" data-testid="account">${page.account}</dd>
<dt>Of</dt><dd data-testid="product">${page.product}</dd>
<dt>Gets access to</dt><dd data-testid="connector">${page.connectorHost}</dd>
<dt>You sign in at</dt><dd data-testid="issuer">${page.authorizationServerHost}</dd>
</dl>
<p class="notice notice-warn">Not your account, or you did not ask for this in ${page.product}? Then somebody else sent you here: do not continue.</p>
<div class="stack snug">
<a class="button button-primary button-block button-large" data-armed data-testid="continue" href="${page.continueUrl}">Continue as ${page.account}</a>
<a class="button button-quiet button-block" data-armed data-testid="decline" href="${page.declineUrl}">This is not me</a>
</div>
</section>
</main>
<script src="/pages/armed.js"></script>
</body>
</html>`;
  return new Response(body, { headers: popupHeaders });
}
