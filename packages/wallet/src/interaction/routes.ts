import { type ErrorCode, errorCatalogue, type Refusal, toHttpError } from "@countersign/protocol/errors";
import { respondJson } from "@countersign/service/respond";
import { Hono } from "hono";
import { pageHeaders } from "../pages/headers.ts";
import { renderPage } from "../pages/layout.ts";
import { type Notice, noticePage } from "../pages/notice.ts";
import { text } from "../pages/text.ts";
import { openLinkOf } from "../phone/open-link.ts";
import { retryHeaders } from "../rates/rates.ts";
import { allow, cancel, completePayment, declinePayment, startPayment } from "./decide.ts";
import { completeDevice, startDevice } from "./device.ts";
import type { InteractionParts } from "./parts.ts";
import { type Action, receivePost, sendsJson } from "./posted.ts";
import { type Shown, showInteraction } from "./show.ts";
import { completeLogin, completeRegistration, startLogin, startRegistration } from "./sign-in.ts";

const actions: Readonly<Record<string, Action>> = {
  "login/options": startLogin,
  login: completeLogin,
  "register/options": startRegistration,
  register: completeRegistration,
  "approve/options": startPayment,
  approve: completePayment,
  decline: declinePayment,
  consent: allow,
  "device/options": startDevice,
  device: completeDevice,
  cancel,
};

/** The pages and forms of an interaction: sign-in, payment, consent. */
export function interactionRoutes(parts: InteractionParts): Hono {
  const app = new Hono();
  const isHttps = parts.party.origin.startsWith("https:");
  const respondPage = async (shown: Shown, formTarget?: string): Promise<Response> =>
    new Response(await renderPage(shown.page), {
      status: shown.status,
      headers: { "content-type": "text/html; charset=utf-8", ...pageHeaders(isHttps, formTarget), ...shown.headers },
    });

  const leadTo = (location: string): Response => new Response(null, { status: 303, headers: { location, ...pageHeaders(isHttps) } });

  app.get("/interaction/:uid", async (c) => {
    const interaction = await parts.interactions.find(c.req.raw, c.req.param("uid"));
    if (!interaction.ok) return respondPage(refusalPage(interaction.error));
    const link = await openLinkOf(parts, c.req.raw, interaction.value);
    if (!link.ok) return respondPage(refusalPage(link.error));
    if (link.value?.mayDecide === false) return leadTo(`/interaction/${interaction.value.uid}/phone`);
    return respondPage(await showInteraction(parts, interaction.value, { request: c.req.raw, link: link.value }), interaction.value.redirectUri);
  });

  for (const [name, act] of Object.entries(actions)) {
    app.post(`/interaction/:uid/${name}`, async (c) => {
      const request = c.req.raw;
      const posted = await receivePost(parts, request, c.req.param("uid"));
      const outcome = posted.ok ? await act(parts, posted.value) : posted;
      const isJson = sendsJson(request);
      if (!outcome.ok) {
        parts.logger.warn("interaction.refused", { step: name, code: outcome.error.code });
        return isJson ? respondWording(outcome.error) : respondPage(refusalPage(outcome.error));
      }
      if (isJson || "options" in outcome.value) return respondJson(200, outcome.value);
      return leadTo(outcome.value.next);
    });
  }
  return app;
}

type Wording = Pick<Notice, "heading" | "message" | "tone">;

const wordings: Partial<Readonly<Record<ErrorCode, Wording>>> = {
  challenge_expired: { heading: text.error.expiredTitle, message: text.error.expired, tone: "warn" },
  forbidden_origin: { heading: text.error.title, message: text.error.forbidden, tone: "bad" },
  consent_mismatch: { heading: text.error.title, message: text.error.changed, tone: "warn" },
  not_signed_in: { heading: text.error.title, message: text.error.notSignedIn, tone: "warn" },
  number_mismatch: { heading: text.error.title, message: text.device.numberWrong, tone: "bad" },
  unavailable: { heading: text.payment.bankDownTitle, message: text.payment.bankDown, tone: "warn" },
  over_limit: { heading: text.limits.overTitle, message: text.limits.over(""), tone: "warn" },
  rate_limited: { heading: text.error.busyTitle, message: text.error.busy, tone: "warn" },
  claimed_elsewhere: { heading: text.phone.elsewhereTitle, message: text.phone.elsewhere, tone: "warn" },
  not_found: { heading: text.error.notFoundTitle, message: text.error.notFound, tone: "warn" },
};

/** A refusal for the wallet's script, in the words of the page. */
export function respondWording(refusal: Refusal): Response {
  const { status, body } = toHttpError(refusal);
  const error_description = wordings[refusal.code]?.message ?? body.error_description;
  return respondJson(status, { ...body, error_description }, retryHeaders(refusal));
}

/** A refusal as a page of its own. */
export function refusalPage(refusal: Refusal): Shown {
  const { status, text: message } = errorCatalogue[refusal.code];
  return { page: noticePage(wordings[refusal.code] ?? { heading: text.error.title, message, tone: "bad" }), status, headers: retryHeaders(refusal) };
}
