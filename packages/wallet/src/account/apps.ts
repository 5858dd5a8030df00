import { refuse } from "@countersign/protocol/errors";
import { err, ok } from "@countersign/protocol/result";
import { writeAudit } from "../audit/log.ts";
import { type AppsParts, connectedApps, disconnectApp } from "../authorize/apps.ts";
import type { Resources } from "../authorize/resources.ts";
import { sha256 } from "../digest.ts";
import { appsView } from "../pages/account-apps.ts";
import { displayText } from "../pages/display-text.ts";
import { text } from "../pages/text.ts";
import type { AccountFrame, AccountParts } from "./frame.ts";

/** The apps that act for the account, and the end of that. It takes power away, so it needs no passkey: whoever is in a hurry is not held up. */
export function addAppPages(frame: AccountFrame, parts: AccountParts & Pick<AppsParts, "nameOf">, resources: Pick<Resources, "find">): void {
  const linesOf = (scopes: Readonly<Record<string, readonly string[]>>): readonly string[] =>
    Object.entries(scopes).flatMap(([indicator, allowed]) => {
      const resource = resources.find(indicator);
      return allowed.map((scope) => `${displayText(resource?.name ?? indicator, 80)}: ${resource?.scopes[scope] ?? scope}`);
    });

  frame.page("/account/apps", async (visit) => {
    const apps = await connectedApps(parts, visit.accountId, parts.now());
    const rows = apps.map((app) => {
      const action = `/account/apps/${sha256(app.clientId)}/disconnect`;
      const lines = [...linesOf(app.scopes), ...(app.knowsIdentity ? [text.consent.identity] : [])];
      return { name: displayText(app.clientName, 80), since: app.since, lines, action, token: visit.token(action) };
    });
    return ok(appsView(rows, visit.time));
  });

  frame.form("/account/apps/:id/disconnect", async (visit) => {
    const { accountId, request } = visit;
    const now = parts.now();
    const app = (await connectedApps(parts, accountId, now)).find((each) => sha256(each.clientId) === visit.param("id"));
    if (app === undefined) return err(refuse("not_found"));
    const { clientId, clientName } = app;
    await parts.database.transaction(async (tx) => {
      if (await disconnectApp(tx, accountId, clientId, now))
        await writeAudit(tx, { accountId, at: now, request }, { type: "app_revoked", clientId, clientName });
    });
    parts.logger.info("app.disconnected", { accountId, clientId });
    return ok({ next: "/account/apps" });
  });
}
