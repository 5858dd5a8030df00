import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { EpochMs } from "@countersign/protocol/brand";
import { errorCatalogue, type Refusal } from "@countersign/protocol/errors";
import { readForm } from "@countersign/service/body";
import type { Database } from "@countersign/storage/database";
import type { Context, Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import type { ReportEvent } from "../bank-event.ts";
import { readAccountsOf, readStatement } from "../statement.ts";
import type { BankTables } from "../tables.ts";
import { type Markup, pageHeaders, renderPage } from "./layout.ts";
import { endSession, findSession, openSession, sessionTtlMs } from "./sessions.ts";
import { callbackPath, type SignIn } from "./sign-in.ts";
import { accountsView, signInView, statementView } from "./views.ts";

export interface PageParts {
  readonly database: Database<BankTables>;
  readonly signIn: SignIn;
  readonly wallets: readonly string[];
  readonly origin: string;
  readonly now: () => EpochMs;
  readonly report: ReportEvent;
}

/** The pages where an account's owner reads: sign-in by wallet, accounts, statements. Nothing here moves money. */
export function routePages(app: Hono, parts: PageParts): void {
  const isHttps = parts.origin.startsWith("https:");
  const headers = pageHeaders(parts.wallets, isHttps);
  const names = isHttps ? { session: "__Host-bank_session", signIn: "__Host-bank_sign_in" } : { session: "bank_session", signIn: "bank_sign_in" };
  const cookie = { httpOnly: true, sameSite: "Lax", secure: isHttps, path: "/" } as const;
  const page = async (c: Context, status: 200 | 400 | 403 | 404 | 502, heading: string, body: Markup): Promise<Response> =>
    c.body(await renderPage(heading, body), status, { ...headers });
  const askToSignIn = (c: Context, status: 200 | 400 | 403 | 502 = 200, problem?: Refusal): Promise<Response> =>
    page(c, status, "Your accounts", signInView(parts.wallets, problem === undefined ? undefined : errorCatalogue[problem.code].text));
  const sessionOf = (c: Context): ReturnType<typeof findSession> => findSession(parts.database, getCookie(c, names.session), parts.now());
  /** A form of another site is not followed: browsers name the site that a form is from. */
  const isOwnForm = (c: Context): boolean => c.req.header("origin") === parts.origin;

  app.get("/", async (c) => {
    const user = await sessionOf(c);
    if (user === undefined) return askToSignIn(c);
    const rows = await readAccountsOf(parts.database, user.issuer, user.subject);
    const statements = await Promise.all(rows.map((row) => readStatement(parts.database, row, parts.now())));
    return page(c, 200, "Your accounts", accountsView(statements.map((statement) => statement.account)));
  });
  app.get("/statement/:id", async (c) => {
    const user = await sessionOf(c);
    if (user === undefined) return askToSignIn(c);
    const before = c.req.query("before");
    const row = (await readAccountsOf(parts.database, user.issuer, user.subject)).find((each) => each.id === c.req.param("id"));
    if (row === undefined) return c.redirect("/", 303);
    return page(c, 200, "Statement", statementView(await readStatement(parts.database, row, parts.now(), before), before === undefined));
  });
  app.post("/signin", async (c) => {
    const form = await readForm(c.req.raw);
    if (!isOwnForm(c) || !form.ok) return askToSignIn(c, 403);
    const started = await parts.signIn.start(form.value.get("wallet") ?? "");
    if (!started.ok) return askToSignIn(c, 502, started.error);
    setCookie(c, names.signIn, started.value.kept, { ...cookie, maxAge: 600 });
    return c.redirect(started.value.location, 303);
  });
  app.get(callbackPath, async (c) => {
    const finished = await parts.signIn.finish(new URL(c.req.path + new URL(c.req.url).search, parts.origin), getCookie(c, names.signIn));
    setCookie(c, names.signIn, "", { ...cookie, maxAge: 0 });
    if (!finished.ok) {
      const { code, detail } = finished.error;
      parts.report({ event: "sign_in_refused", code, ...(detail === undefined ? {} : { detail }) }, c.req.header("x-request-id") ?? "");
      return askToSignIn(c, 400, finished.error);
    }
    setCookie(c, names.session, await openSession(parts.database, finished.value, parts.now()), { ...cookie, maxAge: sessionTtlMs / 1000 });
    return c.redirect("/", 303);
  });
  app.post("/signout", async (c) => {
    const token = getCookie(c, names.session);
    if (!isOwnForm(c)) return askToSignIn(c, 403);
    if (token !== undefined) await endSession(parts.database, token);
    setCookie(c, names.session, "", { ...cookie, maxAge: 0 });
    return c.redirect("/", 303);
  });
  const look = readFileSync(fileURLToPath(import.meta.resolve("@countersign/look/look.css")), "utf8");
  const lookHeaders = { "content-type": "text/css; charset=utf-8", "cache-control": "no-cache", "x-content-type-options": "nosniff" };
  app.get("/assets/look.css", (c) => c.body(look, 200, lookHeaders));
}
