import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Logger } from "@countersign/service/log";
import { respondJson } from "@countersign/service/respond";
import type { Database } from "@countersign/storage/database";
import type { StoredRecord } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { type Context, Hono } from "hono";
import { type Account, accountKind } from "../accounts.ts";
import type { Sessions } from "../authorize/sessions.ts";
import { sha256OfJson } from "../digest.ts";
import { type FormTokens, isOwnOrigin } from "../forms.ts";
import { type Outcome, readFields, sendsJson } from "../interaction/posted.ts";
import { refusalPage, respondWording } from "../interaction/routes.ts";
import { type LimitDefaults, limitsOf } from "../limits/settings.ts";
import { type AccountView, accountPage } from "../pages/account.ts";
import { type DisplayTime, displayTimeIn } from "../pages/display-time.ts";
import { pageHeaders } from "../pages/headers.ts";
import { type Markup, renderPage } from "../pages/layout.ts";
import type { RelyingParty } from "../passkeys/relying-party.ts";
import { type Rates, within } from "../rates/rates.ts";
import { signInUrl } from "./account-client.ts";

/** What the account pages work with. */
export interface AccountParts {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly sessions: Sessions;
  readonly forms: FormTokens;
  readonly party: RelyingParty;
  readonly rates: Rates;
  readonly logger: Logger;
  readonly limits: LimitDefaults;
  readonly now: () => EpochMs;
  /** Things that the owner should know, shown on every page of the account. */
  readonly notices: (accountId: string) => Promise<readonly Markup[]>;
}

/** A signed-in person at an account page. */
export interface AccountVisit {
  readonly request: Request;
  readonly accountId: string;
  readonly account: StoredRecord<Account>;
  readonly sessionUid: string;
  /** Names the browser's session in ceremonies: the `place` of a confirmation. */
  readonly place: string;
  /** Shows times as the clocks of the account's time zone do. */
  readonly time: DisplayTime;
  /** A `:name` part of the address; empty when there is none. */
  param(name: string): string;
  /** The token of the form that posts to this address, which the form carries as `form_token`. */
  token(action: string): string;
}

/** What a form sent. Its origin, session and token are judged already. */
export type AccountFields = Readonly<Record<string, unknown>>;

export type AccountAction = (visit: AccountVisit, fields: AccountFields) => Promise<Result<Outcome, Refusal>>;

/** Where pages of the account are added: each sees only signed-in people, each form only what its own page sent. */
export interface AccountFrame {
  readonly app: Hono;
  /** A page. Without a session the browser is sent to sign in and comes back. A refusal is shown as a page. */
  page(path: string, show: (visit: AccountVisit) => Promise<Result<AccountView, Refusal>>): void;
  /** A form that posts to `path`. */
  form(path: string, act: AccountAction): void;
  /** A form with `data-ceremony`: `<path>/options` starts, `path` completes; both carry the token of `path`. */
  ceremony(path: string, start: AccountAction, complete: AccountAction): void;
}

export function createAccountFrame(parts: AccountParts): AccountFrame {
  const app = new Hono();
  const headers = pageHeaders(parts.party.origin.startsWith("https:"));

  const respondRefused = async (request: Request, refusal: Refusal): Promise<Response> => {
    if (sendsJson(request)) return respondWording(refusal);
    const shown = refusalPage(refusal);
    return new Response(await renderPage(shown.page), {
      status: shown.status,
      headers: { "content-type": "text/html; charset=utf-8", ...headers, ...shown.headers },
    });
  };

  const post = (path: string, ownerOf: (path: string) => string, act: AccountAction): void => {
    app.post(path, async (c) => {
      const request = c.req.raw;
      const received = await receive(parts, c, ownerOf(c.req.path));
      const outcome = received.ok ? await act(received.value.visit, received.value.fields) : received;
      if (!outcome.ok) {
        parts.logger.warn("account.refused", { step: path, code: outcome.error.code });
        return respondRefused(request, outcome.error);
      }
      if (sendsJson(request) || "options" in outcome.value) return respondJson(200, outcome.value);
      return new Response(null, { status: 303, headers: { location: outcome.value.next, ...headers } });
    });
  };

  return {
    app,
    page(path, show) {
      app.get(path, async (c) => {
        const visit = await visitOf(parts, c);
        if (visit === undefined) {
          return new Response(null, { status: 303, headers: { location: signInUrl(parts.party.origin, c.req.path), ...headers } });
        }
        const view = await show(visit);
        if (!view.ok) return respondRefused(c.req.raw, view.error);
        const notices = await parts.notices(visit.accountId);
        const page = accountPage(view.value, { signOutToken: visit.token("/account/sign-out"), notices });
        return new Response(await renderPage(page), {
          status: view.value.status ?? 200,
          headers: { "content-type": "text/html; charset=utf-8", ...headers },
        });
      });
    },
    form(path, act) {
      post(path, (address) => address, act);
    },
    ceremony(path, start, complete) {
      post(`${path}/options`, (address) => address.slice(0, -"/options".length), start);
      post(path, (address) => address, complete);
    },
  };
}

async function visitOf(parts: AccountParts, c: Context): Promise<AccountVisit | undefined> {
  const request = c.req.raw;
  const session = await parts.sessions.ofBrowser(request);
  if (session === undefined) return undefined;
  const account = await parts.database.records(accountKind).get(session.accountId, parts.now());
  if (account === undefined) return undefined;
  const { settings } = await limitsOf(parts.database, session.accountId, parts.limits, parts.now());
  return {
    request,
    accountId: session.accountId,
    account,
    sessionUid: session.uid,
    place: placeOf(session.uid),
    time: displayTimeIn(settings.calendar.timeZone),
    param: (name) => c.req.param(name) ?? "",
    token: (action) => parts.forms.issue({ interactionUid: placeOf(session.uid), form: "account", shownDigest: sha256OfJson({ action }) }),
  };
}

/** Judges origin, body, session, form and rate, in this order. */
async function receive(
  parts: AccountParts,
  c: Context,
  action: string,
): Promise<Result<{ readonly visit: AccountVisit; readonly fields: AccountFields }, Refusal>> {
  const request = c.req.raw;
  const headers = { origin: request.headers.get("origin"), secFetchSite: request.headers.get("sec-fetch-site") };
  if (!isOwnOrigin(headers, parts.party.origin)) return err(refuse("forbidden_origin"));
  const fields = await readFields(request);
  if (!fields.ok) return fields;
  const visit = await visitOf(parts, c);
  if (visit === undefined) return err(refuse("not_signed_in"));
  const subject = { interactionUid: visit.place, form: "account", shownDigest: sha256OfJson({ action }) } as const;
  if (!parts.forms.verify(fields.value["form_token"], subject)) return err(refuse("forbidden_origin"));
  const taken = await within(parts.rates, "accountWrite", visit.sessionUid, parts.now());
  return taken.ok ? ok({ visit, fields: fields.value }) : taken;
}

/** A session's place is no interaction's id, which has no colon. */
function placeOf(sessionUid: string): string {
  return `session:${sessionUid}`;
}
