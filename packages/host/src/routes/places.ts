import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Hono } from "hono";
import { endPage, notOpenedPage, returnedPage, waitingPage } from "../authorize/pages.ts";
import type { SignIn } from "../authorize/sign-in.ts";
import type { StartLinks } from "../authorize/start-links.ts";
import type { CallBroker } from "../call.ts";
import type { AppReturns } from "../resources/app-returns.ts";
import type { Files } from "../resources/files.ts";
import type { Sessions } from "../sessions.ts";

const asset = (name: string): string => readFileSync(fileURLToPath(new URL(`../authorize/assets/${name}`, import.meta.url)), "utf8");
const closeScript: string = asset("close.js");
const armedScript: string = asset("armed.js");
const lookStyle: string = readFileSync(createRequire(import.meta.url).resolve("@countersign/look/look.css"), "utf8");

export interface PlaceRoutes {
  readonly signIn: SignIn;
  readonly startLinks: StartLinks;
  readonly sessions: Sessions;
  readonly returns: AppReturns;
  readonly widgetFiles: Files;
  readonly broker: CallBroker;
}

/** The pages that a popup visits, their files, and the files that apps' servers fetch. */
export function addPlaceRoutes(app: Hono, routes: PlaceRoutes): void {
  const { signIn, startLinks, sessions, returns, widgetFiles } = routes;
  app.get("/flows/wait", () => waitingPage());
  app.get("/flows/:id/start", async ({ req }) => {
    const session = await sessions.find(req.raw);
    // A page of another site that sends the user here would begin a sign-in that the user did not ask for.
    const foreign = req.header("sec-fetch-site") === "cross-site" || req.header("sec-fetch-site") === "same-site";
    if (session === undefined || foreign) return endPage({ granted: false, code: "invalid_state", status: 403 });
    return signIn.start(req.raw, { userId: session.userId }, req.param("id"));
  });
  app.get("/flows/link/:token", ({ req }) => startLinks.open(req.raw, req.param("token")));
  app.get("/flows/visit/:token", ({ req }) => startLinks.show(req.raw, req.param("token")));
  app.get("/flows/visit/:token/continue", ({ req }) => startLinks.begin(req.raw, req.param("token")));
  app.get("/flows/visit/:token/decline", ({ req }) => startLinks.decline(req.raw, req.param("token")));
  app.get("/calls/:id/visit/:round/:index", ({ req }) => visit(req.raw, routes, req.param("id"), [req.param("round"), req.param("index")]));
  app.get("/callback/:id", async ({ req }) => {
    return signIn.callback(req.raw, await sessions.find(req.raw), req.param("id"));
  });
  app.get("/return/:token", async ({ req }) => {
    const url = new URL(req.url);
    const session = await sessions.find(req.raw);
    const visitor = { userId: session?.userId, binding: sessions.readBinding(req.raw) };
    const received = await returns.receive(req.param("token"), url.search.slice(1), visitor);
    return returnedPage(received.ok ? undefined : received.error.code);
  });
  app.get("/files/:token", ({ req }) => widgetFiles.open(req.param("token")));
  app.get("/pages/look.css", () => file(lookStyle, "text/css; charset=utf-8"));
  app.get("/pages/armed.js", () => file(armedScript, "text/javascript; charset=utf-8"));
  app.get("/pages/close.js", () => file(closeScript, "text/javascript; charset=utf-8"));
}

/**
 * Leads the user's browser to an address that a server named. The address is found by the session's own call, so nobody else's browser is led anywhere; a page that
 * was not asked for by a click of the console's, or that a browser loads in advance, opens nothing (M18).
 */
async function visit(request: Request, { sessions, broker }: PlaceRoutes, callId: string, place: readonly string[]): Promise<Response> {
  const session = await sessions.find(request);
  const site = request.headers.get("sec-fetch-site");
  const unasked = site === "cross-site" || site === "same-site" || request.headers.has("sec-purpose") || request.headers.has("purpose");
  if (session === undefined || unasked) return notOpenedPage(403);
  const [round, index] = place.map((text) => (/^\d{1,4}$/.test(text) ? Number(text) : -1));
  const address = await broker.visit(session.userId, callId, round ?? -1, index ?? -1);
  if (!address.ok) return notOpenedPage(404);
  const headers = { location: address.value, "cache-control": "no-store", "referrer-policy": "no-referrer" };
  return new Response(null, { status: 303, headers });
}

function file(text: string, type: string): Response {
  return new Response(text, { headers: { "content-type": type, "cache-control": "public, max-age=300", "x-content-type-options": "nosniff" } });
}
