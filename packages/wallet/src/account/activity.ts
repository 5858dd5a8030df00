import { ok } from "@countersign/protocol/result";
import { listAudit } from "../audit/log.ts";
import { activityView } from "../pages/account-activity.ts";
import type { AccountFrame, AccountParts } from "./frame.ts";

/** `GET /account/activity?after=<position>`: what happened to the account, the newest first. */
export function addActivity(frame: AccountFrame, parts: AccountParts): void {
  frame.page("/account/activity", async (visit) => {
    const after = new URL(visit.request.url).searchParams.get("after") ?? undefined;
    return ok(activityView(await listAudit(parts.database, visit.accountId, parts.now(), after), visit.time));
  });
}
