import { errorCatalogue, type Refusal } from "@countersign/protocol/errors";
import { respondJson, respondRefusal } from "@countersign/service/respond";
import { Hono } from "hono";
import { pageHeaders } from "../pages/headers.ts";
import { renderPage } from "../pages/layout.ts";
import { noticePage } from "../pages/notice.ts";
import { text } from "../pages/text.ts";
import { allow, cancel, completePayment, declinePayment, startPayment } from "./decide.ts";
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
  cancel,
};

/** The pages and forms of an interaction: sign-in, payment, consent. */
export function interactionRoutes(parts: InteractionParts): Hono {
  const app = new Hono();
  const isHttps = parts.party.origin.startsWith("https:");
  const respondPage = async (shown: Shown, formTarget?: string): Promise<Response> =>
    new Response(await renderPage(shown.page), {
      status: shown.status,
      headers: { "content-type": "text/html; charset=utf-8", ...pageHeaders(isHttps, formTarget) },
    });

  app.get("/interaction/:uid", async (c) => {
    const interaction = await parts.interactions.find(c.req.raw, c.req.param("uid"));
    if (!interaction.ok) return respondPage(refusalPage(interaction.error));
    return respondPage(await showInteraction(parts, interaction.value), interaction.value.redirectUri);
  });

  for (const [name, act] of Object.entries(actions)) {
    app.post(`/interaction/:uid/${name}`, async (c) => {
      const request = c.req.raw;
      const posted = await receivePost(parts, request, c.req.param("uid"));
      const outcome = posted.ok ? await act(parts, posted.value) : posted;
      const isJson = sendsJson(request);
      if (!outcome.ok) {
        parts.logger.warn("interaction.refused", { step: name, code: outcome.error.code });
        return isJson ? respondRefusal(outcome.error) : respondPage(refusalPage(outcome.error));
      }
      if (isJson || "options" in outcome.value) return respondJson(200, outcome.value);
      return new Response(null, { status: 303, headers: { location: outcome.value.next, ...pageHeaders(isHttps) } });
    });
  }
  return app;
}

/** A refusal as a page of its own. */
export function refusalPage(refusal: Refusal): Shown {
  const { status, text: message } = errorCatalogue[refusal.code];
  switch (refusal.code) {
    case "challenge_expired":
      return { page: noticePage({ heading: text.error.expiredTitle, message: text.error.expired, tone: "warn" }), status };
    case "forbidden_origin":
      return { page: noticePage({ heading: text.error.title, message: text.error.forbidden, tone: "bad" }), status };
    case "consent_mismatch":
      return { page: noticePage({ heading: text.error.title, message: text.error.changed, tone: "warn" }), status };
    case "not_found":
      return { page: noticePage({ heading: text.error.notFoundTitle, message: text.error.notFound, tone: "warn" }), status };
    default:
      return { page: noticePage({ heading: text.error.title, message, tone: "bad" }), status };
  }
}
