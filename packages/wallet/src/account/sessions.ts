import { refuse } from "@countersign/protocol/errors";
import { err, ok } from "@countersign/protocol/result";
import { sessionsView } from "../pages/account-sessions.ts";
import type { AccountFrame, AccountParts } from "./frame.ts";

const endOthers = "/account/sessions/end-others";

/** The browsers that are signed in, and the end of each. Ending takes power away, so it needs no passkey. */
export function addSessionPages(frame: AccountFrame, parts: AccountParts): void {
  frame.page("/account/sessions", async (visit) => {
    const sessions = await parts.sessions.list(visit.accountId);
    const rows = sessions.map(({ uid, agent, startedAt, seenAt }) => {
      const action = `/account/sessions/${uid}/end`;
      return { agent, startedAt, seenAt, isThisOne: uid === visit.sessionUid, action, token: visit.token(action) };
    });
    return ok(sessionsView({ rows, endOthers: { action: endOthers, token: visit.token(endOthers) } }, visit.time));
  });

  frame.form(endOthers, async (visit) => {
    const { accountId, request, sessionUid } = visit;
    const count = await parts.sessions.endAll(accountId, { type: "session_ended", request }, sessionUid);
    parts.logger.info("sessions.ended", { accountId, count });
    return ok({ next: "/account/sessions" });
  });

  frame.form("/account/sessions/:uid/end", async (visit) => {
    const { accountId, request } = visit;
    if (!(await parts.sessions.end(accountId, visit.param("uid"), { type: "session_ended", request }))) return err(refuse("not_found"));
    parts.logger.info("sessions.ended", { accountId, count: 1 });
    return ok({ next: "/account/sessions" });
  });
}
