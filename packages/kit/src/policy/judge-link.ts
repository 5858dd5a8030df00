import type { LinkState } from "@countersign/protocol/account-link";
import type { EpochMs } from "@countersign/protocol/brand";
import type { PollVerdict } from "@countersign/protocol/device-grant";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Bearer } from "../bearer/verify-token.ts";

export type ValidBearer = Extract<Bearer, { readonly state: "valid" }>;

/** What happened to a link, for the log. */
export type LinkStep = "begun" | "linked" | "denied" | "expired" | "failed" | "renewed" | "ended";

/** How a link is told to have ended, by why the polling stopped. */
export const linkEnd: Readonly<Record<Extract<PollVerdict, { readonly next: "stop" }>["because"], Exclude<LinkState, "pending" | "linked">>> = {
  denied: "denied",
  renewable: "expired",
  failed: "failed",
};

/** How long a link lasts that nobody uses: as long as the refresh token of a careful issuer. */
export const linkIdleMs: number = 30 * 86_400_000;

/** How long the end of a link can still be asked for. */
export const linkToldMs = 600_000;

const requestMs = 15_000;
const renewEarlyMs = 30_000;

/** Until when nobody else asks the issuer about the same link: the wait that it is asked for, and the time of a request. */
export function leaseUntil(now: EpochMs, waitSeconds: number): EpochMs {
  return now + waitSeconds * 1000 + requestMs;
}

/** Whether the access token has to be renewed before it is used. */
export function needsRenewal(account: { readonly accessUntil: EpochMs }, now: EpochMs): boolean {
  return now >= account.accessUntil - renewEarlyMs;
}

/**
 * Judges a token that the issuer gave for a link: valid for this app, and its owner's. Refuses with `unavailable` when it cannot be judged now, with
 * `consent_mismatch` when somebody else approved, else with `invalid_token`.
 *
 * @param owner the only user that it may be for; undefined where anybody may link
 */
export function judgeGrant(owner: string | undefined, bearer: Bearer): Result<ValidBearer, Refusal> {
  if (bearer.state === "unverifiable") return err(refuse("unavailable"));
  if (bearer.state !== "valid") return err(refuse("invalid_token"));
  return owner === undefined || owner === bearer.subject ? ok(bearer) : err(refuse("consent_mismatch", "another user approved"));
}

/**
 * Whether a caller may use a link: a caller without a token by the handle alone, one with a token only a link of the same user.
 *
 * @param owner the link's user, as far as known
 */
export function mayUseLink(owner: string | undefined, caller: string | undefined): boolean {
  return owner === undefined || caller === undefined || owner === caller;
}
