import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, type Result } from "@countersign/protocol/result";
import { Hono } from "hono";
import { type FormSubject, isOwnOrigin } from "../forms.ts";
import { sha256OfJson } from "../digest.ts";
import type { InteractionParts } from "../interaction/parts.ts";
import { readFields } from "../interaction/posted.ts";
import { refusalPage } from "../interaction/routes.ts";
import { pageHeaders } from "../pages/headers.ts";
import { type Page, renderPage } from "../pages/layout.ts";
import { ticketPage } from "../pages/phone.ts";
import { linkRequestUrl } from "../payment-requests/approval-link.ts";
import { paymentRequestKind } from "../payment-requests/request.ts";
import { askerOfRequest, retryHeaders, within } from "../rates/rates.ts";
import { browserOf, knowBrowser } from "./browser-cookie.ts";
import { takeTicket } from "./link-claim.ts";

const ticketGrammar = /^[A-Za-z0-9_-]{43}$/;

export type TicketParts = Pick<InteractionParts, "database" | "forms" | "party" | "rates" | "logger" | "now">;

/** The address of a ticket, for the QR code. */
export function ticketAddress(publicUrl: string, ticket: string): string {
  return `${publicUrl}/approve/phone/${ticket}`;
}

/**
 * What a phone opens. To look is nothing: the page is the same for every ticket, also one that never was (D10), so that a preview of the link neither opens it
 * nor learns anything. Its button opens the ticket.
 */
export function ticketRoutes(parts: TicketParts): Hono {
  const app = new Hono();
  const isHttps = parts.party.origin.startsWith("https:");
  const headers = pageHeaders(isHttps);
  const respond = async (page: Page, status: number, more: Readonly<Record<string, string>> = {}): Promise<Response> =>
    new Response(await renderPage(page), { status, headers: { "content-type": "text/html; charset=utf-8", ...headers, ...more } });
  const refuseWith = (refusal: Refusal): Promise<Response> => respond(refusalPage(refusal).page, refusalPage(refusal).status, retryHeaders(refusal));

  app.get("/approve/phone/:ticket", async (c) => {
    const ticket = c.req.param("ticket");
    const room = await within(parts.rates, "approvalLink", askerOfRequest(c.req.raw), parts.now());
    if (!room.ok) return refuseWith(room.error);
    if (!ticketGrammar.test(ticket)) return refuseWith(refuse("not_found"));
    const browser = knowBrowser(c.req.raw, isHttps);
    const page = ticketPage({ action: `/approve/phone/${ticket}`, token: parts.forms.issue(subjectOf(browser.id, ticket)) });
    return respond(page, 200, browser.setCookie === undefined ? {} : { "set-cookie": browser.setCookie });
  });

  app.post("/approve/phone/:ticket", async (c) => {
    const opened = await open(parts, c.req.raw, c.req.param("ticket"));
    if (!opened.ok) {
      parts.logger.warn("phone.refused", { step: "open", code: opened.error.code });
      return refuseWith(opened.error);
    }
    const found = await parts.database.records(paymentRequestKind).get(opened.value, parts.now());
    if (found === undefined) return refuseWith(refuse("not_found"));
    const location = linkRequestUrl(parts.party.origin, opened.value, found.value.terms.resource);
    return new Response(null, { status: 303, headers: { location, ...headers } });
  });
  return app;
}

async function open(parts: TicketParts, request: Request, ticket: string): Promise<Result<string, Refusal>> {
  const headers = { origin: request.headers.get("origin"), secFetchSite: request.headers.get("sec-fetch-site") };
  const browser = browserOf(request, parts.party.origin.startsWith("https:"));
  if (!isOwnOrigin(headers, parts.party.origin) || browser === undefined) return err(refuse("forbidden_origin"));
  const room = await within(parts.rates, "approvalLink", askerOfRequest(request), parts.now());
  if (!room.ok) return room;
  const fields = await readFields(request);
  if (!fields.ok) return fields;
  if (!parts.forms.verify(fields.value["form_token"], subjectOf(browser, ticket))) return err(refuse("forbidden_origin"));
  return takeTicket(parts.database, ticket, browser, parts.now());
}

function subjectOf(browser: string, ticket: string): FormSubject {
  return { interactionUid: `phone:${browser}`, form: "phone", shownDigest: sha256OfJson({ ticket }) };
}
