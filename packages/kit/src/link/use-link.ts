import type { LinkHandle } from "@countersign/protocol/account-link";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { formatScope } from "@countersign/protocol/scope";
import { Secret } from "@countersign/protocol/secret";
import type { Pause } from "../payment/watch-payment.ts";
import { judgeGrant, leaseUntil, mayUseLink, needsRenewal, type ValidBearer } from "../policy/judge-link.ts";
import { type LinkParts, readScope, tokenMembers } from "./follow-link.ts";
import type { LinkedAccount } from "./link-record.ts";
import type { HeldLink } from "./link-shelf.ts";

const lookMs = 500;
const never = new AbortController().signal;

/**
 * The linked account's token, judged as one that came in the header. A link whose token is not taken any more ends. Refuses with `not_found` for a link that is
 * unknown or not this caller's, `authorization_required` before the user has approved and after the end, `unavailable` when nobody can tell now.
 */
export async function useLink(
  parts: LinkParts,
  pause: Pause,
  handle: LinkHandle,
  subject: string | undefined,
): Promise<Result<ValidBearer, Refusal>> {
  const account = await currentAccount(parts, pause, handle, subject);
  if (!account.ok) return account;
  const verdict = judgeGrant(account.value.subject, await parts.judge(`Bearer ${account.value.accessToken}`));
  if (verdict.ok || verdict.error.code === "unavailable") return verdict;
  await parts.shelf.forget(handle, account.value);
  return err(refuse("authorization_required"));
}

/** The account with a token that is not about to end. Whoever finds somebody else renewing it waits for that. */
async function currentAccount(
  parts: LinkParts,
  pause: Pause,
  handle: LinkHandle,
  subject: string | undefined,
): Promise<Result<LinkedAccount, Refusal>> {
  const { shelf } = parts;
  for (const until = leaseUntil(shelf.clock(), 0); shelf.clock() < until; await pause(lookMs, never)) {
    const held = await shelf.read(handle);
    if (held === undefined) return err(refuse("not_found"));
    const { record, version } = held;
    if (record.state !== "linked") return err(refuse("authorization_required"));
    if (!mayUseLink(record.subject, subject)) return err(refuse("not_found"));
    if (!needsRenewal(record, shelf.clock())) return ok(record);
    const renewed = shelf.clock() < record.busyUntil ? undefined : await renew(parts, handle, { record, version });
    if (renewed === undefined) continue;
    if (renewed.ok || renewed.error.code === "unavailable") return renewed;
    await shelf.forget(handle, record);
    return err(refuse("authorization_required"));
  }
  return err(refuse("unavailable"));
}

/** Renews by whoever writes first; undefined for the others. Refuses with `invalid_token` when the link is over, `unavailable` when the issuer does not answer. */
async function renew(parts: LinkParts, handle: LinkHandle, held: HeldLink<LinkedAccount>): Promise<Result<LinkedAccount, Refusal> | undefined> {
  const { shelf, client } = parts;
  const { record } = held;
  if (record.refreshToken === undefined) return err(refuse("invalid_token"));
  const version = await shelf.write(handle, held.version, { ...record, busyUntil: leaseUntil(shelf.clock(), 0) });
  if (version === undefined) return undefined;
  const tokens = await client.renew(new Secret(record.refreshToken), readScope(record.scope));
  if (!tokens.ok && tokens.error.code === "invalid_token") return tokens;
  if (!tokens.ok) {
    await shelf.write(handle, version, record);
    return err(refuse("unavailable"));
  }
  const next = { ...record, ...tokenMembers(tokens.value, shelf.clock()), scope: formatScope(tokens.value.scope), busyUntil: 0 };
  if ((await shelf.write(handle, version, next)) === undefined) return undefined;
  shelf.report("renewed");
  return ok(next);
}
