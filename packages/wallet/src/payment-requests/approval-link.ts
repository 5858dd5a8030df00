import { randomBytes } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import { paymentRequestIdOf, paymentScope } from "@countersign/protocol/scope";
import type { Database } from "@countersign/storage/database";
import { Hono } from "hono";
import type Provider from "oidc-provider";
import { readScope } from "../authorize/transaction-scopes.ts";
import { sha256 } from "../digest.ts";
import { refusalPage } from "../interaction/routes.ts";
import { pageHeaders } from "../pages/headers.ts";
import { type Page, renderPage } from "../pages/layout.ts";
import { noticePage } from "../pages/notice.ts";
import { text } from "../pages/text.ts";
import { knowBrowser } from "../phone/browser-cookie.ts";
import { askerOfRequest, type Rates, retryHeaders, within } from "../rates/rates.ts";
import { approvalEndUrl, approvalLinkClientId } from "./approval-link-client.ts";
import { paymentRequestKind } from "./request.ts";

export interface ApprovalLinkParts {
  readonly publicUrl: string;
  readonly database: Pick<Database<unknown>, "records">;
  readonly provider: Provider;
  readonly rates: Rates;
  readonly now: () => EpochMs;
}

/**
 * `GET /approve/<id>` leads to the payment's page; `GET /approved` says how it ended. The code only proves that the page was reached by approving: nobody
 * redeems it, because the payee learns of the approval itself.
 */
export function approvalLinkRoutes(parts: ApprovalLinkParts): Hono {
  const app = new Hono();
  const isHttps = parts.publicUrl.startsWith("https:");
  const headers = pageHeaders(isHttps);
  const respond = async (page: Page, status: number, more: Readonly<Record<string, string>> = {}): Promise<Response> =>
    new Response(await renderPage(page), { status, headers: { "content-type": "text/html; charset=utf-8", ...headers, ...more } });

  app.get("/approve/:id", async (c) => {
    const room = await within(parts.rates, "approvalLink", askerOfRequest(c.req.raw), parts.now());
    if (!room.ok) return respond(refusalPage(room.error).page, 429, retryHeaders(room.error));
    const found = await parts.database.records(paymentRequestKind).get(c.req.param("id"), parts.now());
    if (found === undefined) return respond(refusalPage({ code: "not_found" }).page, 404);
    // What the link is claimed by, once its page is shown: a program that fetches a link to preview it keeps no cookie, and so claims nothing.
    const { setCookie } = knowBrowser(c.req.raw, isHttps);
    const location = linkRequestUrl(parts.publicUrl, found.id, found.value.terms.resource);
    return new Response(null, { status: 303, headers: { location, ...headers, ...(setCookie === undefined ? {} : { "set-cookie": setCookie }) } });
  });

  app.get("/approved", async (c) => {
    const isApproved = await spendCode(parts.provider, c.req.query("code"));
    const { heading, message } = isApproved ? text.link.approved : text.link.notApproved;
    return respond(noticePage({ heading, message, tone: isApproved ? "good" : "warn" }), 200);
  });
  return app;
}

/** Whether this is a code of the approval link for a payment; it is gone afterwards, so that a link to the page claims nothing. */
async function spendCode(provider: Provider, value: string | undefined): Promise<boolean> {
  const code = value === undefined ? undefined : await provider.AuthorizationCode.find(value);
  if (code?.clientId !== approvalLinkClientId) return false;
  await code.destroy();
  return [...readScope(code.scope ?? "")].some((token) => paymentRequestIdOf(token) !== undefined);
}

/** The authorization request that an approval link stands for. */
export function linkRequestUrl(publicUrl: string, requestId: string, resource: string): string {
  const location = new URL("/authorize", publicUrl);
  location.search = new URLSearchParams({
    response_type: "code",
    client_id: approvalLinkClientId,
    redirect_uri: approvalEndUrl(publicUrl),
    scope: paymentScope(requestId),
    resource,
    // The verifier is thrown away: the code is worth nothing.
    code_challenge: sha256(randomBytes(32)),
    code_challenge_method: "S256",
  }).toString();
  return location.href;
}
