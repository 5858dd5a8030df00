import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { clientAddressHeader } from "@countersign/service/client-address";
import { type PlaceBounds, Places } from "@countersign/service/places";
import { respondJson } from "@countersign/service/respond";
import { Hono } from "hono";
import { describeAgent } from "../account/agent.ts";
import type { OpenInteraction } from "../authorize/interactions.ts";
import type { InteractionParts } from "../interaction/parts.ts";
import { hasToken, receivePost } from "../interaction/posted.ts";
import { refusalPage, respondWording } from "../interaction/routes.ts";
import { baseOf, pageShown, subjectOf } from "../interaction/views.ts";
import { pageHeaders } from "../pages/headers.ts";
import { type Page, renderPage } from "../pages/layout.ts";
import { phoneStatePage, phoneTicketPage, type WaitingView } from "../pages/phone.ts";
import { decisionChannel, paymentRequestKind } from "../payment-requests/request.ts";
import { waitUntil } from "../payment-requests/wait.ts";
import { askerOfRequest, retryHeaders, within } from "../rates/rates.ts";
import { browserOf } from "./browser-cookie.ts";
import { type LinkClaim, makeTicket, type NewTicket, readClaim } from "./link-claim.ts";
import { linkedRequestOf } from "./open-link.ts";
import { type PhoneState, phoneStateOf } from "./phone-state.ts";
import { ticketAddress } from "./ticket-routes.ts";

const waitMsMax = 25_000;

/** Answers of this process that wait for a phone: of one browser, and of all. */
const waitingPlaces: PlaceBounds = { user: 4, client: 4, total: 5_000 };

export interface FirstScreenParts extends InteractionParts {
  /** Ends every wait: the wallet is stopping. */
  readonly stopping: AbortSignal;
}

/** The screen that hands a payment to a phone: it shows the ticket, and then how far the phone is. Only the browser that holds the approval link sees it. */
export function firstScreenRoutes(parts: FirstScreenParts): Hono {
  const app = new Hono();
  const places = new Places(waitingPlaces);
  const headers = pageHeaders(parts.party.origin.startsWith("https:"));
  const respond = async (page: Page, status = 200, more: Readonly<Record<string, string>> = {}): Promise<Response> =>
    new Response(await renderPage(page), { status, headers: { "content-type": "text/html; charset=utf-8", ...headers, ...more } });
  const refuseWith = (refusal: Refusal): Promise<Response> => respond(refusalPage(refusal).page, refusalPage(refusal).status, retryHeaders(refusal));

  app.post("/interaction/:uid/phone", async (c) => {
    const made = await handOver(parts, c.req.raw, c.req.param("uid"));
    if (!made.ok) {
      parts.logger.warn("phone.refused", { step: "make", code: made.error.code });
      return refuseWith(made.error);
    }
    const { interaction, ticket, number } = made.value;
    const address = ticketAddress(parts.party.origin, ticket);
    return respond(phoneTicketPage({ ...waitingViewOf(parts, interaction, "waiting"), address, number }));
  });

  app.get("/interaction/:uid/phone", async (c) => {
    const screen = await findScreen(parts, c.req.raw, c.req.param("uid"));
    if (!screen.ok) return refuseWith(screen.error);
    const { interaction, state, claim } = screen.value;
    return respond(phoneStatePage({ ...waitingViewOf(parts, interaction, state), number: claim.ticket?.number }));
  });

  app.get("/interaction/:uid/phone/wait", async (c) => {
    const first = await findScreen(parts, c.req.raw, c.req.param("uid"));
    if (!first.ok) return respondWording(first.error);
    const { requestId, state, claim } = first.value;
    if (state !== c.req.query("state")) return respondJson(200, { state });
    const leave = places.take(claim.browser, undefined);
    if (leave === undefined) return respondWording(refuse("rate_limited"));
    const waitMs = Math.min(waitMsMax, Math.max(0, (claim.ticket?.endsAt ?? 0) - parts.now()));
    const abort = AbortSignal.any([c.req.raw.signal, parts.stopping]);
    const changed = await waitUntil(parts.database, { channel: decisionChannel(requestId), waitMs }, abort, async () => {
      const now = await readState(parts, requestId);
      return now?.state === state ? undefined : (now?.state ?? "over");
    }).finally(leave);
    return respondJson(200, { state: changed ?? (await readState(parts, requestId))?.state ?? "over" });
  });
  return app;
}

interface HandedOver extends NewTicket {
  readonly interaction: OpenInteraction;
}

async function handOver(parts: FirstScreenParts, request: Request, uid: string): Promise<Result<HandedOver, Refusal>> {
  const posted = await receivePost(parts, request, uid);
  if (!posted.ok) return posted;
  const { interaction, link } = posted.value;
  if (!hasToken(parts, posted.value, interaction.prompt, subjectOf(interaction, "phone", pageShown(interaction))))
    return err(refuse("forbidden_origin"));
  if (link === undefined || link.isPhone) return err(refuse("challenge_expired"));
  const now = parts.now();
  for (const [name, key] of [
    ["phoneTicket", link.requestId],
    ["phoneTicketAddress", askerOfRequest(request)],
  ] as const) {
    const room = await within(parts.rates, name, key, now);
    if (!room.ok) return room;
  }
  const start = {
    address: request.headers.get(clientAddressHeader) ?? "",
    agent: describeAgent(request.headers.get("user-agent")),
    startedAt: now,
  };
  const made = await makeTicket(parts.database, { requestId: link.requestId, browser: link.browser, start }, now);
  if (!made.ok) return made;
  parts.logger.info("phone.offered", { paymentRequestId: link.requestId });
  return ok({ ...made.value, interaction });
}

interface Screen {
  readonly interaction: OpenInteraction;
  readonly requestId: string;
  readonly claim: LinkClaim;
  readonly state: PhoneState;
}

/** The screen of the browser that holds the link; refuses with `claimed_elsewhere` to any other, the phone too. */
async function findScreen(parts: FirstScreenParts, request: Request, uid: string): Promise<Result<Screen, Refusal>> {
  const interaction = await parts.interactions.find(request, uid);
  if (!interaction.ok) return interaction;
  const linked = linkedRequestOf(interaction.value);
  if (!linked.ok) return linked;
  const requestId = linked.value;
  const found = requestId === undefined ? undefined : await readState(parts, requestId);
  if (requestId === undefined || found === undefined) return err(refuse("challenge_expired"));
  if (found.claim.browser !== browserOf(request, parts.party.origin.startsWith("https:"))) return err(refuse("claimed_elsewhere"));
  return ok({ interaction: interaction.value, requestId, ...found });
}

async function readState(parts: FirstScreenParts, requestId: string): Promise<{ readonly claim: LinkClaim; readonly state: PhoneState } | undefined> {
  const now = parts.now();
  const request = await parts.database.records(paymentRequestKind).get(requestId, now);
  const claim = await readClaim(parts.database, requestId, now);
  return request === undefined || claim === undefined ? undefined : { claim, state: phoneStateOf(request.value, claim, now) };
}

function waitingViewOf(parts: FirstScreenParts, interaction: OpenInteraction, state: PhoneState): WaitingView {
  return { state, base: baseOf(interaction), token: parts.forms.issue(subjectOf(interaction, "phone", pageShown(interaction))) };
}
