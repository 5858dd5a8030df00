import type { ErrorCode, Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import type { ScopeSet } from "./scope.ts";
import type { CallDecision } from "./security.ts";

/** What a call waits for: an OAuth grant of a scope, the user's visit to addresses that the server named, or answers among which there is a form. */
export type Demand = { readonly kind: "scope"; readonly scope: ScopeSet } | Ask;

/** A demand that the user answers in the host itself. */
export interface Ask {
  readonly kind: "url" | "form";
}

/** How an authorization ended without a grant. */
export type FlowEnd = "denied" | "cancelled" | "expired" | "flow_failed";

/**
 * Where one call stands. `rounds` counts authorizations asked for, `asked` the rounds of questions, `retried` tells whether the one silent retry is spent,
 * `repeatable` whether the tool may run twice (read-only or idempotent by annotation, or the server keeps idempotency keys). `asking` is a call whose request
 * still runs while the server waits for an answer (2025-11-25 and before); one that waits with no request open is `authorizing`.
 */
export type CallState = CallProgress &
  (
    | { readonly phase: "received" | "resuming" | "dispatched" | "completed" }
    | { readonly phase: "authorizing"; readonly demand: Demand }
    | { readonly phase: "asking"; readonly demand: Ask }
    | { readonly phase: "refused" | "failed"; readonly code: ErrorCode }
  );

interface CallProgress {
  readonly rounds: number;
  readonly asked: number;
  /** How the request is sent, should it be sent again. */
  readonly token: "attach" | "omit";
  readonly retried: boolean;
  readonly repeatable: boolean;
}

export type CallPhase = CallState["phase"];

/** What happens to a call. */
export type CallEvent =
  /** The security table has spoken. */
  | { readonly type: "decided"; readonly decision: CallDecision }
  /** The server demands authorization; `refreshable` when the token it refused can be renewed without the user. */
  | { readonly type: "challenged"; readonly demand: Demand; readonly refreshable: boolean }
  /** The server wants the same call again, with the state it gave, and asks nothing: it is busy, or waits for somebody else. */
  | { readonly type: "deferred" }
  /** The server asks in the middle of the running request. */
  | { readonly type: "asked"; readonly demand: Ask }
  /** The user has answered, in whatever way, and the answer is stored. */
  | { readonly type: "answered" }
  | { readonly type: "completed" }
  | { readonly type: "failed"; readonly code: ErrorCode }
  /** The server took the request and answered something that cannot be understood; `code` says what is wrong with it. */
  | { readonly type: "unreadable"; readonly code: ErrorCode }
  /** The connection broke after the request may have been sent. */
  | { readonly type: "connection_lost" }
  | { readonly type: "granted" }
  | { readonly type: "flow_ended"; readonly end: FlowEnd; readonly code?: ErrorCode }
  /** Tool definition, place and user were compared with those the call was parked with; `problem` says what no longer fits. */
  | { readonly type: "checked"; readonly problem?: ErrorCode }
  /** The process that drove the call is gone, and another has read its row. */
  | { readonly type: "restarted" }
  | { readonly type: "deadline_passed" }
  | { readonly type: "cancelled" }
  /** Nobody waits for the call any more, and nobody refused it either: what has been sent is let go on. */
  | { readonly type: "abandoned" };

/** What the broker must do, in order, once the new state is stored. */
export type CallEffect =
  | { readonly type: "decide" }
  | { readonly type: "dispatch"; readonly token: "attach" | "omit" | "refresh" }
  | { readonly type: "authorize"; readonly demand: Demand }
  /** Stop waiting for the flow; the flow itself may still serve other calls. */
  | { readonly type: "leave_flow" }
  | { readonly type: "check_tool" }
  | { readonly type: "abort_request" }
  | { readonly type: "settle"; readonly outcome: "completed" }
  | { readonly type: "settle"; readonly outcome: "failed"; readonly code: ErrorCode };

export interface CallStep {
  readonly state: CallState;
  readonly effects: readonly CallEffect[];
}

/** How many authorizations one call may ask for: sign-in, and one step-up. */
export const authorizationRoundsMax = 2;

/**
 * How many rounds of questions one call may have, counted apart from authorizations. Ten, as the official client allows: a form of several steps fits, and a
 * server that asks without end is stopped, also when it asks nothing and only wants to be called again.
 */
export const inputRoundsMax = 10;

const codeOfFlowEnd: Readonly<Record<FlowEnd, ErrorCode>> = {
  denied: "access_denied",
  cancelled: "cancelled",
  expired: "flow_expired",
  flow_failed: "flow_failed",
};

/** A call that has just arrived at the broker. Its first effect is to decide. */
export function receiveCall(repeatable: boolean): CallStep {
  return { state: { phase: "received", rounds: 0, asked: 0, token: "omit", retried: false, repeatable }, effects: [{ type: "decide" }] };
}

/** Says whether nothing can happen to the call any more. */
export function isSettled(state: CallState): boolean {
  return state.phase === "completed" || state.phase === "refused" || state.phase === "failed";
}

/**
 * Moves one call on by one event. The caller stores the new state by compare-and-set before it performs the effects: of two processes that
 * see `granted`, one stores `resuming` and the other loses. Refuses with `conflict` an event that has no place in this state, among them
 * every event after the end; the state then stays as it is.
 */
export function advanceCall(state: CallState, event: CallEvent): Result<CallStep, Refusal> {
  const step = isSettled(state) ? undefined : stepOf(state, event);
  return step === undefined ? err(refuse("conflict", `${event.type} has no place while the call is ${state.phase}`)) : ok(step);
}

function stepOf(state: CallState, event: CallEvent): CallStep | undefined {
  if (event.type === "restarted") return restart(state);
  if (event.type === "deadline_passed") return giveUp(state, "call_expired");
  if (event.type === "cancelled") return giveUp(state, "cancelled");
  if (event.type === "abandoned") return isSent(state) ? undefined : giveUp(state, "cancelled");
  if (event.type === "decided") return state.phase === "received" ? applyDecision(state, event.decision) : undefined;
  if (event.type === "granted") return state.phase === "authorizing" && state.demand.kind === "scope" ? resume(state) : undefined;
  if (event.type === "answered") return applyAnswer(state);
  if (event.type === "flow_ended") return state.phase === "authorizing" ? fail(state, event.code ?? codeOfFlowEnd[event.end]) : undefined;
  if (event.type === "checked") return state.phase === "resuming" ? applyCheck(state, event.problem) : undefined;
  if (event.type === "asked") return state.phase === "dispatched" ? askMeanwhile(state, event.demand) : undefined;
  return isSent(state) ? applyOutcome(state, event) : undefined;
}

/** True while a request may be under way: also while the server waits for an answer in the middle of it. */
function isSent(state: CallState): boolean {
  return state.phase === "dispatched" || state.phase === "asking";
}

/** An answer goes into the running request, or makes the call go on as after a grant. */
function applyAnswer(state: CallState): CallStep | undefined {
  if (state.phase === "asking") return { state: { ...progressOf(state), phase: "dispatched" }, effects: [] };
  return state.phase === "authorizing" && state.demand.kind !== "scope" ? resume(state) : undefined;
}

function askMeanwhile(state: CallState, demand: Ask): CallStep {
  if (state.asked < inputRoundsMax) return { state: { ...progressOf(state), asked: state.asked + 1, phase: "asking", demand }, effects: [] };
  return giveUp(state, "input_limit");
}

function resume(state: CallState): CallStep {
  return { state: { ...progressOf(state), phase: "resuming" }, effects: [{ type: "check_tool" }] };
}

function applyCheck(state: CallState, problem: ErrorCode | undefined): CallStep {
  return problem === undefined ? dispatch(state, state.token) : fail(state, problem);
}

type Outcome = Extract<CallEvent, { readonly type: "challenged" | "deferred" | "completed" | "failed" | "unreadable" | "connection_lost" }>;

function applyOutcome(state: CallState, event: Outcome): CallStep {
  if (event.type === "completed") {
    return { state: { ...progressOf(state), phase: "completed" }, effects: [{ type: "settle", outcome: "completed" }] };
  }
  if (event.type === "failed") return fail(state, event.code);
  // What it said is lost, not what it did: not asked again, but told as what it is.
  if (event.type === "unreadable") return fail(state, state.repeatable ? event.code : "outcome_unknown");
  if (event.type === "deferred") {
    return state.asked < inputRoundsMax ? dispatch({ ...state, asked: state.asked + 1 }, state.token) : fail(state, "input_limit");
  }
  if (event.type === "challenged") {
    if (event.demand.kind !== "scope") return ask(state, event.demand);
    return event.refreshable && !state.retried ? dispatch({ ...state, retried: true }, "refresh") : authorize(state, event.demand);
  }
  if (!state.repeatable) return fail(state, "outcome_unknown");
  return state.retried ? fail(state, "server_unreachable") : dispatch({ ...state, retried: true }, state.token);
}

function applyDecision(state: CallState, decision: CallDecision): CallStep {
  if (decision.action === "call") return dispatch(state, decision.token);
  if (decision.action === "authorize") return authorize(state, { kind: "scope", scope: decision.scope });
  const { code } = decision;
  return { state: { ...progressOf(state), phase: "refused", code }, effects: [{ type: "settle", outcome: "failed", code }] };
}

function authorize(state: CallState, demand: Demand): CallStep {
  if (state.rounds === authorizationRoundsMax) return fail(state, "step_up_limit");
  const parked = { ...progressOf(state), token: "attach", rounds: state.rounds + 1, phase: "authorizing", demand } as const;
  return { state: parked, effects: [{ type: "authorize", demand }] };
}

/** An answer gives no token, so it leaves the way of sending as it was. */
function ask(state: CallState, demand: Ask): CallStep {
  if (state.asked === inputRoundsMax) return fail(state, "input_limit");
  return { state: { ...progressOf(state), asked: state.asked + 1, phase: "authorizing", demand }, effects: [{ type: "authorize", demand }] };
}

function dispatch(state: CallState, token: "attach" | "omit" | "refresh"): CallStep {
  const kept = token === "omit" ? "omit" : "attach";
  return { state: { ...progressOf(state), token: kept, phase: "dispatched" }, effects: [{ type: "dispatch", token }] };
}

function fail(state: CallState, code: ErrorCode): CallStep {
  return { state: { ...progressOf(state), phase: "failed", code }, effects: [{ type: "settle", outcome: "failed", code }] };
}

/** Ends a call that is not wanted any more. Once it may have run, an honest answer is that nobody knows. */
function giveUp(state: CallState, code: ErrorCode): CallStep {
  if (isSent(state)) {
    const step = fail(state, state.repeatable ? code : "outcome_unknown");
    return { ...step, effects: [{ type: "abort_request" }, ...step.effects] };
  }
  const step = fail(state, code);
  return state.phase === "authorizing" ? { ...step, effects: [{ type: "leave_flow" }, ...step.effects] } : step;
}

function restart(state: CallState): CallStep {
  if (state.phase === "received") return { state, effects: [{ type: "decide" }] };
  if (state.phase === "authorizing") return { state, effects: [{ type: "authorize", demand: state.demand }] };
  // A request goes out only once `dispatched` is stored, and of several processes one stores it: a call that was being resumed has not been sent again.
  if (state.phase === "resuming") return resume(state);
  if (!state.repeatable) return fail(state, "outcome_unknown");
  if (state.retried) return fail(state, "server_unreachable");
  return resume({ ...state, retried: true });
}

function progressOf(state: CallState): CallProgress {
  return { rounds: state.rounds, asked: state.asked, token: state.token, retried: state.retried, repeatable: state.repeatable };
}
