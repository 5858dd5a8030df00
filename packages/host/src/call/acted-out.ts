import { hostNames } from "@countersign/protocol/host-profile";
import type { HostProfile } from "@countersign/protocol/ladder";
import type { Basis, ChallengeVerdict, ProfileDecision } from "@countersign/protocol/profile-call";
import type { CallDecision } from "@countersign/protocol/security";
import type { Recorder } from "../trace.ts";

/** The decision as the call's reducer takes it. A call that is answered with nothing ends for want of a sign-in; its row says that the view is not told so. */
export function asCallDecision(decision: ProfileDecision): CallDecision {
  return decision.action === "answer" ? { action: "refuse", code: "authorization_required", reason: decision.reason } : decision;
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
