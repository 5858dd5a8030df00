import type { HostProfile } from "@countersign/protocol/ladder";
import { decideUnder, type ProfileDecision } from "@countersign/protocol/profile-call";
import type { CallOrigin, TokenState } from "@countersign/protocol/security";
import type { Connector, Tool } from "./wire.ts";

/**
 * When may the console open a sign-in window by itself? Browsers allow it only inside a user's click (about five seconds of activation,
 * which a click in a widget also gives to this page). So the answer is taken twice: when the call starts, on what the tool declares, and
 * again when the server's challenge has become a flow.
 */

/** After a cancel, windows open only by a click on the card for this long: nobody is trained to click windows away (M20). */
export const coolDownMs = 60_000;

/** A new click on a protected tool opens a window again after this long: the first may have been closed, and nobody can know. */
export const reopenAfterMs = 3000;

/** At the start of a call: `reserve` opens an inert window now, inside the click, to be sent to the sign-in page when the flow is ready. */
export type StartVerdict = "reserve" | "wait";

/** When a call has a flow: `navigate` the reserved window, `open` one now, or show the Continue card. `leave`: its window was opened already, or another call brings it. */
export type FlowVerdict = "navigate" | "open" | "card" | "leave";

export interface StartFacts {
  readonly decision: ProfileDecision;
  /** `navigator.userActivation.isActive` at this moment. */
  readonly activated: boolean;
  /** When a window was last reserved or opened: at a call's start, for a flow of the same connector that still runs; when the call has a flow, for that flow. */
  readonly openedAtMs: number | undefined;
  readonly nowMs: number;
  readonly cancelledAtMs: number | undefined;
}

/** What the tool's declared security and the token say at the host of the profile, before the server is asked. */
export function predictCall(profile: HostProfile, tool: Tool, connector: Connector, origin: CallOrigin, nowMs: number): ProfileDecision {
  return decideUnder(profile, {
    mode: connector.mode,
    origin,
    sameConnector: true,
    visibility: tool.visibility,
    schemes: tool.security,
    token: tokenState(connector, nowMs),
  });
}

/** Decides whether to reserve a window when a call starts. */
export function decideAtStart(facts: StartFacts): StartVerdict {
  if (facts.decision.action !== "authorize") return "wait";
  return mayOpen(facts) ? "reserve" : "wait";
}

/** Decides what to do when a call turns out to wait for a flow. `quiet`: the host says that the user has just refused one, on whatever page (M20). */
export function decideAtFlow(facts: Omit<StartFacts, "decision"> & { readonly reserved: boolean; readonly quiet: boolean }): FlowVerdict {
  if (facts.quiet) return facts.openedAtMs === undefined || facts.reserved ? "card" : "leave";
  if (facts.reserved) return "navigate";
  if (mayOpen(facts)) return "open";
  return facts.openedAtMs === undefined ? "card" : "leave";
}

function mayOpen({ activated, openedAtMs, cancelledAtMs, nowMs }: Omit<StartFacts, "decision">): boolean {
  const cooling = cancelledAtMs !== undefined && nowMs - cancelledAtMs < coolDownMs;
  const justOpened = openedAtMs !== undefined && nowMs - openedAtMs < reopenAfterMs;
  return activated && !cooling && !justOpened;
}

/** An expired token is taken as refreshable: the console cannot know better, and a wrong guess costs one click, not a dead window. */
function tokenState(connector: Connector, nowMs: number): TokenState {
  const { token } = connector;
  if (token === undefined) return { state: "none" };
  const scope = new Set(token.scope);
  const expired = token.expiresAt !== undefined && token.expiresAt <= nowMs;
  return expired ? { state: "expired", refreshable: true, scope } : { state: "held", scope };
}
