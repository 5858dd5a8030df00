import { type LinkHandle, type LinkOffer, type LinkState, linkWaitSecondsMax } from "@countersign/protocol/account-link";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { formatScope, type ScopeSet, unionScopes, withoutTransactionScopes } from "@countersign/protocol/scope";
import type { Pause } from "../payment/watch-payment.ts";
import { mayUseLink, type ValidBearer } from "../policy/judge-link.ts";
import { followLink, type LinkParts, readScope } from "./follow-link.ts";
import { type LinkRecord, newLinkHandle, type PendingLink } from "./link-record.ts";
import { useLink } from "./use-link.ts";

/**
 * Accounts that users linked to views. A handle that is unknown, over or not this caller's is `not_found`. `subject` is the caller's where its own request carried
 * a token: such a caller reaches only links of the same user.
 */
export interface AccountLinks {
  /** Starts a link for these scopes, and what the link that it replaces holds and lacked. */
  begin(scope: ScopeSet, subject: string | undefined, replaces?: LinkHandle): Promise<Result<LinkOffer, Refusal>>;
  /** Waits for the user's decision, 25 seconds at most. */
  wait(handle: LinkHandle, subject: string | undefined, signal: AbortSignal): Promise<Result<LinkState, Refusal>>;
  /** See {@link useLink}. */
  bearer(handle: LinkHandle, subject: string | undefined): Promise<Result<ValidBearer, Refusal>>;
  /** Keeps what a tool asked for beyond the link's scope, for the link that will replace this one. */
  want(handle: LinkHandle, scope: ScopeSet): Promise<void>;
  /** Ends a link here and at the issuer. */
  end(handle: LinkHandle, subject: string | undefined): Promise<void>;
}

const lookMs = 1_000;
const pollWaitSecondsMax = 20;

/** Builds the links of one app. */
export function createAccountLinks(parts: LinkParts, pause: Pause): AccountLinks {
  const { shelf } = parts;
  return {
    begin: (scope, subject, replaces) => beginLink(parts, scope, subject, replaces),
    wait: (handle, subject, signal) => waitForLink(parts, pause, handle, subject, signal),
    bearer: (handle, subject) => useLink(parts, pause, handle, subject),
    async want(handle, scope) {
      const held = await shelf.read(handle);
      if (held?.record.state === "linked") await shelf.write(handle, held.version, { ...held.record, wanted: formatScope(scope) });
    },
    async end(handle, subject) {
      const held = await shelf.read(handle);
      if (held !== undefined && mayUseLink(ownerOf(held.record), subject)) await shelf.forget(handle, held.record);
    },
  };
}

async function beginLink(
  parts: LinkParts,
  scope: ScopeSet,
  subject: string | undefined,
  replaces: LinkHandle | undefined,
): Promise<Result<LinkOffer, Refusal>> {
  const { shelf, client } = parts;
  const before = replaces === undefined ? undefined : (await shelf.read(replaces))?.record;
  const replaced = before?.state === "linked" && mayUseLink(before.subject, subject) ? before : undefined;
  if (replaces !== undefined && replaced === undefined) return err(refuse("not_found"));
  const asked = unionScopes(scope, withoutTransactionScopes(readScope(replaced?.scope ?? "")), readScope(replaced?.wanted ?? ""));
  const started = await client.start(asked);
  if (!started.ok) return started;
  const { authorization, verifier } = started.value;
  const handle = newLinkHandle();
  const owner = replaced?.subject ?? subject;
  const record: PendingLink = {
    state: "pending",
    deviceCode: authorization.deviceCode.reveal(),
    verifier: verifier.reveal(),
    scope: formatScope(asked),
    intervalMs: authorization.intervalMs,
    failures: 0,
    pollAt: shelf.clock(),
    expiresAt: shelf.clock() + authorization.lifetimeMs,
    ...(owner === undefined ? {} : { owner }),
    ...(replaces === undefined ? {} : { replaces }),
  };
  if (!(await shelf.create(handle, record))) return err(refuse("rate_limited", "too many links are open"));
  shelf.report("begun");
  const link = authorization.verificationUriComplete ?? authorization.verificationUri;
  return ok({ handle, link, code: authorization.userCode, expiresAt: record.expiresAt });
}

async function waitForLink(
  parts: LinkParts,
  pause: Pause,
  handle: LinkHandle,
  subject: string | undefined,
  signal: AbortSignal,
): Promise<Result<LinkState, Refusal>> {
  const { shelf } = parts;
  const until = shelf.clock() + linkWaitSecondsMax * 1000;
  for (;;) {
    const held = await shelf.read(handle);
    if (held === undefined || !mayUseLink(ownerOf(held.record), subject)) return err(refuse("not_found"));
    const { record, version } = held;
    if (record.state === "linked") return ok("linked");
    if (record.state === "ended") return ok(record.how);
    const now = shelf.clock();
    if (now >= record.expiresAt) {
      await shelf.close(handle, version, "expired");
      return ok("expired");
    }
    const leftMs = until - now;
    if (leftMs <= 0 || signal.aborted) return ok("pending");
    if (now >= record.pollAt) await followLink(parts, handle, { record, version }, Math.min(pollWaitSecondsMax, Math.floor(leftMs / 1000)));
    else await pause(Math.min(record.pollAt - now, leftMs, lookMs), signal);
  }
}

/** The link's user, as far as known. */
function ownerOf(record: LinkRecord): string | undefined {
  switch (record.state) {
    case "linked":
      return record.subject;
    case "pending":
      return record.owner;
    case "ended":
      return undefined;
  }
}
