import { type LinkHandle, readLinkHandle } from "@countersign/protocol/account-link";
import type { EpochMs } from "@countersign/protocol/brand";
import { judgePoll } from "@countersign/protocol/device-grant";
import { formatScope, parseScope, type ScopeSet } from "@countersign/protocol/scope";
import { Secret } from "@countersign/protocol/secret";
import type { Bearer } from "../bearer/verify-token.ts";
import { judgeGrant, leaseUntil, linkEnd, linkIdleMs, type ValidBearer } from "../policy/judge-link.ts";
import type { DeviceClient, GrantedTokens } from "./device-client.ts";
import type { LinkedAccount, PendingLink } from "./link-record.ts";
import type { HeldLink, LinkShelf } from "./link-shelf.ts";

/** The issuer's side of links. */
export interface LinkParts {
  readonly shelf: LinkShelf;
  readonly client: DeviceClient;
  /** Judges the value of an Authorization header. */
  readonly judge: (authorization: string) => Promise<Bearer>;
}

/**
 * Asks the issuer once for the decision about a pending link, and keeps what it says. Of several that ask at the same time, one does: whose conditional write came
 * first.
 */
export async function followLink(parts: LinkParts, handle: LinkHandle, held: HeldLink<PendingLink>, waitSeconds: number): Promise<void> {
  const { shelf, client } = parts;
  const { record } = held;
  const version = await shelf.write(handle, held.version, { ...record, pollAt: leaseUntil(shelf.clock(), waitSeconds) });
  if (version === undefined) return;
  const askedAt = shelf.clock();
  const { deviceCode, verifier, scope } = record;
  const asked = { deviceCode: new Secret(deviceCode), verifier: new Secret(verifier), scope: readScope(scope) };
  const outcome = await client.redeem(asked, waitSeconds);
  if ("tokens" in outcome) return await settle(parts, handle, { record, version }, outcome.tokens);
  const verdict = judgePoll(record, outcome.answer, outcome.held ? shelf.clock() - askedAt : 0);
  if (verdict.next === "stop") return await shelf.close(handle, version, linkEnd[verdict.because]);
  await shelf.write(handle, version, { ...record, ...verdict.pace, pollAt: shelf.clock() + verdict.afterMs });
}

/** Keeps what the issuer granted when it is the right user's, and gives back what is not kept. The link that this one replaces ends only then. */
async function settle(parts: LinkParts, handle: LinkHandle, held: HeldLink<PendingLink>, tokens: GrantedTokens): Promise<void> {
  const { shelf, client } = parts;
  const verdict = judgeGrant(held.record.owner, await parts.judge(`Bearer ${tokens.accessToken.reveal()}`));
  const kept = verdict.ok ? await shelf.write(handle, held.version, linkedAccount(verdict.value, tokens, shelf.clock())) : undefined;
  if (kept === undefined) {
    await client.revoke(tokens.refreshToken ?? tokens.accessToken);
    return await shelf.close(handle, held.version, "failed");
  }
  shelf.report("linked");
  const before = readLinkHandle(held.record.replaces);
  if (before !== undefined) await shelf.forget(before, (await shelf.read(before))?.record);
}

function linkedAccount(bearer: ValidBearer, tokens: GrantedTokens, now: EpochMs): LinkedAccount {
  return { state: "linked", subject: bearer.subject, scope: formatScope(tokens.scope), busyUntil: 0, wanted: "", ...tokenMembers(tokens, now) };
}

/** The part of a linked account that a renewal changes. */
export function tokenMembers(tokens: GrantedTokens, now: EpochMs): Pick<LinkedAccount, "accessToken" | "refreshToken" | "accessUntil" | "expiresAt"> {
  return {
    accessToken: tokens.accessToken.reveal(),
    ...(tokens.refreshToken === undefined ? {} : { refreshToken: tokens.refreshToken.reveal() }),
    accessUntil: tokens.expiresAt,
    expiresAt: tokens.refreshToken === undefined ? tokens.expiresAt : now + linkIdleMs,
  };
}

/** A stored scope text. */
export function readScope(text: string): ScopeSet {
  const scope = parseScope(text);
  return scope.ok ? scope.value : new Set();
}
