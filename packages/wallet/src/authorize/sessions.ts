import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import type Provider from "oidc-provider";
import { z } from "zod";
import { describeAgent } from "../account/agent.ts";
import { writeAudit } from "../audit/log.ts";
import { sha256 } from "../digest.ts";
import { sealedKind } from "../sealed-json.ts";
import { asNode } from "./interactions.ts";
import { modelKindName } from "./models.ts";

/** A browser that is signed in. `uid` names the session for as long as it lives; the cookie's value changes at each sign-in (threat O38). */
export interface BrowserSession {
  readonly uid: string;
  readonly accountId: string;
}

/** What people see of a session. A session that was ended stays known as such, so that a request on its way cannot bring it back. */
export interface SessionInfo {
  readonly accountId: string;
  readonly agent: string;
  readonly startedAt: EpochMs;
  readonly seenAt: EpochMs;
  readonly endedAt: EpochMs | null;
}

const info = z.object({ accountId: z.string(), agent: z.string(), startedAt: z.number(), seenAt: z.number(), endedAt: z.number().nullable() });

export const sessionInfoKind: RecordKind<SessionInfo> = { name: "session-info", parse: (json) => info.parse(json) };

/** A session without a visit ends after so long. */
export const sessionTtlSeconds: number = 14 * 86_400;

const sessionKind = sealedKind(modelKindName("Session"));
const pageMax = 500;
const listedMax = 100;

/** How exactly a visit is noted. */
const seenStepMs = 60_000;

/** `signed_out` by its own browser, or `session_ended` from another one; `request` is what asked for it. */
export interface EndOfSession {
  readonly type: "signed_out" | "session_ended";
  readonly request: Request;
}

export interface ListedSession extends SessionInfo {
  readonly uid: string;
}

/** The wallet's sessions, which are oidc-provider's: one for each signed-in browser. */
export interface Sessions {
  /** The session of the browser that sent the request, if it is signed in. */
  ofBrowser(request: Request): Promise<BrowserSession | undefined>;
  /** The live sessions of an account, the last seen first, at most 100. */
  list(accountId: string): Promise<readonly ListedSession[]>;
  /** Ends one session of the account, for `why` as the account's log says; false when there is none of it. */
  end(accountId: string, uid: string, why: EndOfSession): Promise<boolean>;
  /** Ends all sessions of the account, except `keep`; gives how many. */
  endAll(accountId: string, why: EndOfSession, keep?: string): Promise<number>;
}

export function createSessions(parts: { readonly provider: Provider; readonly database: Database<unknown>; readonly now: () => EpochMs }): Sessions {
  const { provider, database, now } = parts;
  const end = async (accountId: string, uid: string, why: EndOfSession): Promise<boolean> => {
    const session = await provider.Session.findByUid(uid);
    const isLive = session?.accountId === accountId;
    const ended = await database.transaction(async (tx) => {
      const marked = await markEnded(tx, accountId, uid, now());
      if (marked) await writeAudit(tx, { accountId, at: now(), request: why.request }, { type: why.type });
      return marked;
    });
    if (isLive) await session.destroy();
    return ended || isLive;
  };
  return {
    end,

    async list(accountId) {
      const live: ListedSession[] = [];
      for await (const { id, value } of all(database, sessionInfoKind, accountId, now()))
        if (value.endedAt === null) live.push({ ...value, uid: id });
      return live.toSorted((one, other) => other.seenAt - one.seenAt).slice(0, listedMax);
    },

    async ofBrowser(request) {
      const { req, res } = asNode(request);
      const id = provider.createContext(req, res).cookies.get(provider.cookieName("session"), { signed: true });
      const session = id === undefined ? undefined : await provider.Session.find(id);
      if (session?.accountId === undefined || (await isEnded(database, session.uid, now()))) return undefined;
      return { uid: session.uid, accountId: session.accountId };
    },

    async endAll(accountId, why, keep) {
      return database.transaction((tx) => endSessions(tx, accountId, why, now(), keep));
    },
  };
}

/** Ends every session of the account except `keep`, inside the transaction of what asks for it; gives how many. */
export async function endSessions(tx: Database<unknown>, accountId: string, why: EndOfSession, now: EpochMs, keep?: string): Promise<number> {
  let count = 0;
  for await (const { id } of all(tx, sessionInfoKind, accountId, now)) {
    if (id === keep || !(await markEnded(tx, accountId, id, now))) continue;
    await writeAudit(tx, { accountId, at: now, request: why.request }, { type: why.type });
    count += 1;
  }
  for await (const { id, keys } of all(tx, sessionKind, sha256(accountId), now)) {
    if (keep === undefined || keys["uid"] !== keep) await tx.records(sessionKind).delete(id);
  }
  return count;
}

/** All records of an account, however many; going on while they change. */
async function* all<T>(database: Pick<Database<unknown>, "records">, kind: RecordKind<T>, account: string, now: EpochMs) {
  let after: string | undefined;
  for (;;) {
    const page = await database.records(kind).find("account", account, now, { limit: pageMax, ...(after === undefined ? {} : { after }) });
    yield* page;
    if (page.length < pageMax) return;
    after = page.at(-1)?.id;
  }
}

/** Whether a session was ended by its owner. */
export async function isEnded(database: Pick<Database<unknown>, "records">, uid: string, now: EpochMs): Promise<boolean> {
  const endedAt = (await database.records(sessionInfoKind).get(uid, now))?.value.endedAt;
  return endedAt !== undefined && endedAt !== null;
}

async function markEnded(tx: Database<unknown>, accountId: string, uid: string, now: EpochMs): Promise<boolean> {
  const records = tx.records(sessionInfoKind);
  const found = await records.get(uid, now);
  if (found === undefined || found.value.accountId !== accountId || found.value.endedAt !== null) return false;
  return (await records.update(uid, found.version, { ...found.value, endedAt: now })).ok;
}

/** Notes which sessions there are, as people sign in and come back. */
export function noteSessions(provider: Provider, database: Database<unknown>, now: () => EpochMs): void {
  provider.use(async (ctx, next) => {
    await next();
    if (!/^\/(authorize|device)(\/|$)/.test(ctx.path) || ctx.oidc === undefined) return;
    const { session, result } = ctx.oidc;
    if (session?.accountId === undefined) return;
    const visit = {
      uid: session.uid,
      accountId: session.accountId,
      agent: describeAgent(ctx.get("user-agent")),
      isSignIn: result?.login !== undefined,
    };
    await database.transaction((tx) => noteVisit(tx, visit, now()));
  });
}

interface Visit {
  readonly uid: string;
  readonly accountId: string;
  readonly agent: string;
  readonly isSignIn: boolean;
}

async function noteVisit(tx: Database<unknown>, visit: Visit, now: EpochMs): Promise<void> {
  const { uid, accountId, agent, isSignIn } = visit;
  const records = tx.records(sessionInfoKind);
  const found = await records.get(uid, now);
  const before = found?.value;
  if (!isSignIn && before?.accountId === accountId && before.endedAt === null && now - before.seenAt < seenStepMs) return;
  if (found !== undefined && !isSignIn && before?.accountId === accountId && before.endedAt !== null) {
    // oidc-provider keeps a session that is visited: that it was ended has to be known for as long.
    await records.update(uid, found.version, found.value, { keys: found.keys, expiresAt: now + sessionTtlSeconds * 1000 });
    return;
  }
  const startedAt = isSignIn || before?.accountId !== accountId ? now : before.startedAt;
  const value = { accountId, agent, startedAt, seenAt: now, endedAt: null };
  const options = { keys: { account: accountId }, expiresAt: now + sessionTtlSeconds * 1000 };
  // Conditional, so that a visit never undoes an end that comes at the same time.
  if (found === undefined) await records.create(uid, value, options);
  else await records.update(uid, found.version, value, options);
}
