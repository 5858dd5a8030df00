import { refuse } from "@countersign/protocol/errors";
import { err, ok } from "@countersign/protocol/result";
import { Hono } from "hono";
import type Provider from "oidc-provider";
import { atomically } from "../atomically.ts";
import { writeAudit } from "../audit/log.ts";
import { accountKind, defaultName, displayNameLengthMax } from "../accounts.ts";
import type { Resources } from "../authorize/resources.ts";
import { displayText } from "../pages/display-text.ts";
import { pageHeaders } from "../pages/headers.ts";
import { renderPage } from "../pages/layout.ts";
import { noticePage } from "../pages/notice.ts";
import { overviewView } from "../pages/account-overview.ts";
import { text } from "../pages/text.ts";
import { addActivity } from "./activity.ts";
import { accountClientId, accountPath } from "./account-client.ts";
import { addLimits } from "./limits.ts";
import { addPolicies } from "./policies.ts";
import { type AccountFrame, type AccountParts, createAccountFrame } from "./frame.ts";
import { addAppPages } from "./apps.ts";
import { addPasskeyPages } from "./passkeys.ts";
import { addPaymentPages } from "./payments.ts";
import { addRecoveryPages } from "./recovery.ts";
import { addSessionPages } from "./sessions.ts";

/** The account: its overview and name, the way in and the way out. Every other part adds its own pages to the frame. */
export function accountRoutes(parts: AccountParts, provider: Provider, resources: Pick<Resources, "find">): Hono {
  const frame = createAccountFrame(parts);
  addOverview(frame, parts);
  addLimits(frame, parts);
  addPolicies(frame, parts);
  addActivity(frame, parts);
  addPasskeyPages(frame, parts);
  addRecoveryPages(frame, parts);
  // The document of a client that is named by an address would have to be fetched; its name is kept with what it was allowed.
  const nameOf = async (clientId: string): Promise<string | undefined> =>
    URL.canParse(clientId) ? undefined : (await provider.Client.find(clientId))?.clientName;
  addAppPages(frame, { ...parts, nameOf }, resources);
  addPaymentPages(frame, parts);
  addSessionPages(frame, parts);
  const app = new Hono();
  app.route("/", entranceRoutes(parts, provider));
  app.route("/", frame.app);
  return app;
}

function addOverview(frame: AccountFrame, parts: AccountParts): void {
  frame.page("/account", async (visit) => {
    const { displayName, createdAt } = visit.account.value;
    return ok(
      overviewView(
        {
          accountId: visit.accountId,
          displayName: displayText(displayName, displayNameLengthMax),
          createdAt,
          nameToken: visit.token("/account/name"),
        },
        visit.time,
      ),
    );
  });

  frame.form("/account/name", async (visit, fields) => {
    const typed = fields["display_name"];
    if (typeof typed !== "string" || typed.length > displayNameLengthMax) return err(refuse("invalid_request", "display_name"));
    const displayName = displayText(typed, displayNameLengthMax) || defaultName(visit.accountId);
    const { value, version } = visit.account;
    const { accountId, request } = visit;
    const saved = await atomically(parts.database, async (tx) => {
      const updated = await tx.records(accountKind).update(accountId, version, { ...value, displayName });
      if (!updated.ok) return err(refuse("conflict"));
      await writeAudit(tx, { accountId, at: parts.now(), request }, { type: "name_changed" });
      return ok(undefined);
    });
    return saved.ok ? ok({ next: "/account" }) : saved;
  });

  frame.form("/account/sign-out", async (visit) => {
    await parts.sessions.end(visit.accountId, visit.sessionUid, { type: "signed_out", request: visit.request });
    parts.logger.info("wallet.signed_out", { accountId: visit.accountId });
    return ok({ next: "/account/signed-out" });
  });
}

/** Pages of the account that nobody is signed in at. */
function entranceRoutes(parts: AccountParts, provider: Provider): Hono {
  const app = new Hono();
  const headers = pageHeaders(parts.party.origin.startsWith("https:"));

  // The session cookie is what signs in. The code is spent, so that nothing is left behind.
  app.get("/account/signed-in", async (c) => {
    const value = c.req.query("code");
    const code = value === undefined ? undefined : await provider.AuthorizationCode.find(value);
    if (code?.clientId === accountClientId) await code.destroy();
    const next = code === undefined ? "/" : accountPath(c.req.query("state"));
    return new Response(null, { status: 303, headers: { location: next, ...headers } });
  });

  app.get("/account/signed-out", async () => {
    const page = noticePage({
      heading: text.account.signedOutTitle,
      message: text.account.signedOut,
      tone: "good",
      retry: { href: "/account", label: text.account.signInAgain },
    });
    const response = new Response(await renderPage(page), { headers: { "content-type": "text/html; charset=utf-8", ...headers } });
    return response;
  });
  return app;
}
