import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Hono } from "hono";
import { endPage, waitingPage } from "../authorize/pages.ts";
import type { SignIn } from "../authorize/sign-in.ts";
import type { Sessions } from "../sessions.ts";

const closeScript: string = readFileSync(fileURLToPath(new URL("../authorize/assets/close.js", import.meta.url)), "utf8");
const lookStyle: string = readFileSync(createRequire(import.meta.url).resolve("@countersign/look/look.css"), "utf8");

/** The pages that the sign-in popup visits, and their two files. */
export function addPlaceRoutes(app: Hono, signIn: SignIn, sessions: Sessions): void {
  app.get("/flows/wait", () => waitingPage());
  app.get("/flows/:id/start", async ({ req }) => {
    const session = await sessions.find(req.raw);
    // A page of another site that sends the user here would begin a sign-in that the user did not ask for.
    const foreign = req.header("sec-fetch-site") === "cross-site" || req.header("sec-fetch-site") === "same-site";
    if (session === undefined || foreign) return endPage({ granted: false, code: "invalid_state", status: 403 });
    return signIn.start(req.raw, session, req.param("id"));
  });
  app.get("/callback/:id", async ({ req }) => {
    return signIn.callback(req.raw, await sessions.find(req.raw), req.param("id"));
  });
  app.get("/pages/look.css", () => file(lookStyle, "text/css; charset=utf-8"));
  app.get("/pages/close.js", () => file(closeScript, "text/javascript; charset=utf-8"));
}

function file(text: string, type: string): Response {
  return new Response(text, { headers: { "content-type": type, "cache-control": "public, max-age=300", "x-content-type-options": "nosniff" } });
}
