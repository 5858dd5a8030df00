import { hostNames } from "@countersign/protocol/host-profile";
import type { HostProfile } from "@countersign/protocol/ladder";
import type { Refusal } from "@countersign/protocol/errors";
import type { Basis, ChallengeVerdict, EmptyAnswer, ProfileDecision } from "@countersign/protocol/profile-call";
import type { CallDecision } from "@countersign/protocol/security";
import type { SignInNeed } from "../connectors/standing.ts";
import type { Recorder } from "../trace.ts";

/** The decision as the call's reducer takes it. A call that is answered with nothing ends for want of a sign-in; its row says that the view is not told so. */
export function asCallDecision(decision: ProfileDecision): CallDecision {
  return decision.action === "answer" ? { action: "refuse", code: "authorization_required", reason: decision.reason } : decision;
}

/**
 * A tool that cannot be found or asked for is refused like any other; the row then tells why. But a server that lists nothing without sign-in cannot say
 * what the tool demands: the call waits for the same sign-in as the connector, and the tool is judged when it is known.
 */
export function decideUnlisted(
  refusal: Refusal,
  need: SignInNeed | undefined,
  sameConnector: boolean,
  noSignIn: Basis | undefined,
): Exclude<ProfileDecision, EmptyAnswer> {
  if (need !== undefined && sameConnector) return { action: "authorize", scope: need.scope, reason: "the server answers nothing without sign-in" };
  const refused = { action: "refuse", code: refusal.code, reason: refusal.detail ?? "the tool cannot be called" } as const;
  if (refusal.code !== "authorization_required" || noSignIn === undefined) return refused;
  return { ...refused, reason: "this host does not sign in to a server that it is not told to", basis: noSignIn };
}

/** Tells the trace what was decided, and of another host where that is written. */
export function recordDecision(record: Recorder, profile: HostProfile, decision: ProfileDecision | ChallengeVerdict): void {
  record("decision", decision.reason, {
    action: decision.action,
    ...("token" in decision ? { token: decision.token } : {}),
    ...(decision.action === "answer" ? { status: decision.status, body: decision.body } : {}),
    ...describeBasis(profile, decision.basis),
  });
}

/** The host that is acted out, with the source of what it does; nothing of the product's own ways. */
function describeBasis(profile: HostProfile, basis: Basis | undefined): Readonly<Record<string, unknown>> {
  return basis === undefined || basis.certainty === "own" ? {} : { host: hostNames[profile], certainty: basis.certainty, source: basis.source };
}
