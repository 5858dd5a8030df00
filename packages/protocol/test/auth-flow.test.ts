import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CallEffect, CallEvent, CallPhase, CallState, CallStep } from "../src/auth-flow.ts";
import { advanceCall, authorizationRoundsMax, inputRoundsMax, isSettled, receiveCall } from "../src/auth-flow.ts";

const orders = { kind: "scope", scope: new Set(["orders:read"]) } as const;
const visit = { kind: "url" } as const;
const form = { kind: "form" } as const;

const events = {
  call_omit: { type: "decided", decision: { action: "call", token: "omit", reason: "r" } },
  call_attach: { type: "decided", decision: { action: "call", token: "attach", reason: "r" } },
  call_refresh: { type: "decided", decision: { action: "call", token: "refresh", reason: "r" } },
  authorize: { type: "decided", decision: { action: "authorize", scope: orders.scope, reason: "r" } },
  refuse: { type: "decided", decision: { action: "refuse", code: "tool_not_visible", reason: "r" } },
  challenged: { type: "challenged", demand: orders, refreshable: false },
  challenged_stale: { type: "challenged", demand: orders, refreshable: true },
  challenged_url: { type: "challenged", demand: visit, refreshable: false },
  challenged_form: { type: "challenged", demand: form, refreshable: false },
  deferred: { type: "deferred" },
  asked: { type: "asked", demand: form },
  answered: { type: "answered" },
  completed: { type: "completed" },
  failed: { type: "failed", code: "protocol_error" },
  unreadable: { type: "unreadable", code: "protocol_error" },
  lost: { type: "connection_lost" },
  granted: { type: "granted" },
  denied: { type: "flow_ended", end: "denied" },
  flow_cancelled: { type: "flow_ended", end: "cancelled" },
  flow_expired: { type: "flow_ended", end: "expired" },
  flow_failed: { type: "flow_ended", end: "flow_failed" },
  flow_mismatch: { type: "flow_ended", end: "flow_failed", code: "issuer_mismatch" },
  unchanged: { type: "checked" },
  changed: { type: "checked", problem: "tool_changed" },
  restarted: { type: "restarted" },
  deadline: { type: "deadline_passed" },
  cancelled: { type: "cancelled" },
  abandoned: { type: "abandoned" },
} as const satisfies Readonly<Record<string, CallEvent>>;

type EventName = keyof typeof events;
const eventNames = Object.keys(events) as EventName[];

const fresh = { rounds: 0, asked: 0, token: "attach", retried: false, repeatable: false } as const;
const states: Readonly<Record<string, CallState>> = {
  received: { ...fresh, phase: "received" },
  authorizing: { ...fresh, rounds: 1, phase: "authorizing", demand: orders },
  authorizing_url: { ...fresh, asked: 1, phase: "authorizing", demand: visit },
  authorizing_form: { ...fresh, asked: 1, phase: "authorizing", demand: form },
  asking: { ...fresh, asked: 1, phase: "asking", demand: form },
  asking_repeatable: { ...fresh, repeatable: true, asked: 1, phase: "asking", demand: visit },
  resuming: { ...fresh, rounds: 1, phase: "resuming" },
  dispatched: { ...fresh, phase: "dispatched" },
  dispatched_repeatable: { ...fresh, repeatable: true, phase: "dispatched" },
  dispatched_retried: { ...fresh, repeatable: true, retried: true, phase: "dispatched" },
  dispatched_last: { ...fresh, rounds: authorizationRoundsMax, phase: "dispatched" },
  dispatched_asked_out: { ...fresh, asked: inputRoundsMax, phase: "dispatched" },
  dispatched_asked_out_repeatable: { ...fresh, repeatable: true, asked: inputRoundsMax, phase: "dispatched" },
  resuming_repeatable: { ...fresh, repeatable: true, phase: "resuming" },
  resuming_retried: { ...fresh, repeatable: true, retried: true, phase: "resuming" },
  completed: { ...fresh, phase: "completed" },
  refused: { ...fresh, phase: "refused", code: "tool_not_visible" },
  failed: { ...fresh, phase: "failed", code: "cancelled" },
};

function show(effect: CallEffect): string {
  if (effect.type === "dispatch") return `dispatch ${effect.token}`;
  if (effect.type === "settle") return `settle ${effect.outcome === "failed" ? effect.code : effect.outcome}`;
  return effect.type;
}

const waitingForAnswers: Partial<Record<EventName, string>> = {
  answered: "resuming: check_tool",
  denied: "failed: settle access_denied",
  flow_cancelled: "failed: settle cancelled",
  flow_expired: "failed: settle flow_expired",
  flow_failed: "failed: settle flow_failed",
  flow_mismatch: "failed: settle issuer_mismatch",
  restarted: "authorizing: authorize",
  deadline: "failed: leave_flow, settle call_expired",
  cancelled: "failed: leave_flow, settle cancelled",
  abandoned: "failed: leave_flow, settle cancelled",
};

/** What each event does in each state: `phase: effects`. An event that is not named has no place there. */
const table: Readonly<Record<string, Partial<Record<EventName, string>>>> = {
  received: {
    call_omit: "dispatched: dispatch omit",
    call_attach: "dispatched: dispatch attach",
    call_refresh: "dispatched: dispatch refresh",
    authorize: "authorizing: authorize",
    refuse: "refused: settle tool_not_visible",
    restarted: "received: decide",
    deadline: "failed: settle call_expired",
    cancelled: "failed: settle cancelled",
    abandoned: "failed: settle cancelled",
  },
  authorizing: {
    granted: "resuming: check_tool",
    denied: "failed: settle access_denied",
    flow_cancelled: "failed: settle cancelled",
    flow_expired: "failed: settle flow_expired",
    flow_failed: "failed: settle flow_failed",
    flow_mismatch: "failed: settle issuer_mismatch",
    restarted: "authorizing: authorize",
    deadline: "failed: leave_flow, settle call_expired",
    cancelled: "failed: leave_flow, settle cancelled",
    abandoned: "failed: leave_flow, settle cancelled",
  },
  authorizing_url: waitingForAnswers,
  authorizing_form: waitingForAnswers,
  asking: {
    challenged: "authorizing: authorize",
    challenged_stale: "dispatched: dispatch refresh",
    challenged_url: "authorizing: authorize",
    challenged_form: "authorizing: authorize",
    deferred: "dispatched: dispatch attach",
    answered: "dispatched: ",
    completed: "completed: settle completed",
    failed: "failed: settle protocol_error",
    unreadable: "failed: settle outcome_unknown",
    lost: "failed: settle outcome_unknown",
    restarted: "failed: settle outcome_unknown",
    deadline: "failed: abort_request, settle outcome_unknown",
    cancelled: "failed: abort_request, settle outcome_unknown",
  },
  asking_repeatable: {
    challenged: "authorizing: authorize",
    challenged_stale: "dispatched: dispatch refresh",
    challenged_url: "authorizing: authorize",
    challenged_form: "authorizing: authorize",
    deferred: "dispatched: dispatch attach",
    answered: "dispatched: ",
    completed: "completed: settle completed",
    failed: "failed: settle protocol_error",
    unreadable: "failed: settle protocol_error",
    lost: "dispatched: dispatch attach",
    restarted: "resuming: check_tool",
    deadline: "failed: abort_request, settle call_expired",
    cancelled: "failed: abort_request, settle cancelled",
  },
  resuming: {
    unchanged: "dispatched: dispatch attach",
    changed: "failed: settle tool_changed",
    restarted: "resuming: check_tool",
    deadline: "failed: settle call_expired",
    cancelled: "failed: settle cancelled",
    abandoned: "failed: settle cancelled",
  },
  dispatched: {
    challenged: "authorizing: authorize",
    challenged_stale: "dispatched: dispatch refresh",
    challenged_url: "authorizing: authorize",
    challenged_form: "authorizing: authorize",
    deferred: "dispatched: dispatch attach",
    asked: "asking: ",
    completed: "completed: settle completed",
    failed: "failed: settle protocol_error",
    unreadable: "failed: settle outcome_unknown",
    lost: "failed: settle outcome_unknown",
    restarted: "failed: settle outcome_unknown",
    deadline: "failed: abort_request, settle outcome_unknown",
    cancelled: "failed: abort_request, settle outcome_unknown",
  },
  dispatched_repeatable: {
    challenged: "authorizing: authorize",
    challenged_stale: "dispatched: dispatch refresh",
    challenged_url: "authorizing: authorize",
    challenged_form: "authorizing: authorize",
    deferred: "dispatched: dispatch attach",
    asked: "asking: ",
    completed: "completed: settle completed",
    failed: "failed: settle protocol_error",
    unreadable: "failed: settle protocol_error",
    lost: "dispatched: dispatch attach",
    restarted: "resuming: check_tool",
    deadline: "failed: abort_request, settle call_expired",
    cancelled: "failed: abort_request, settle cancelled",
  },
  dispatched_retried: {
    challenged: "authorizing: authorize",
    challenged_stale: "authorizing: authorize",
    challenged_url: "authorizing: authorize",
    challenged_form: "authorizing: authorize",
    deferred: "dispatched: dispatch attach",
    asked: "asking: ",
    completed: "completed: settle completed",
    failed: "failed: settle protocol_error",
    unreadable: "failed: settle protocol_error",
    lost: "failed: settle server_unreachable",
    restarted: "failed: settle server_unreachable",
    deadline: "failed: abort_request, settle call_expired",
    cancelled: "failed: abort_request, settle cancelled",
  },
  dispatched_last: {
    challenged: "failed: settle step_up_limit",
    challenged_stale: "dispatched: dispatch refresh",
    challenged_url: "authorizing: authorize",
    challenged_form: "authorizing: authorize",
    deferred: "dispatched: dispatch attach",
    asked: "asking: ",
    completed: "completed: settle completed",
    failed: "failed: settle protocol_error",
    unreadable: "failed: settle outcome_unknown",
    lost: "failed: settle outcome_unknown",
    restarted: "failed: settle outcome_unknown",
    deadline: "failed: abort_request, settle outcome_unknown",
    cancelled: "failed: abort_request, settle outcome_unknown",
  },
  dispatched_asked_out: {
    challenged: "authorizing: authorize",
    challenged_stale: "dispatched: dispatch refresh",
    challenged_url: "failed: settle input_limit",
    challenged_form: "failed: settle input_limit",
    deferred: "failed: settle input_limit",
    asked: "failed: abort_request, settle outcome_unknown",
    completed: "completed: settle completed",
    failed: "failed: settle protocol_error",
    unreadable: "failed: settle outcome_unknown",
    lost: "failed: settle outcome_unknown",
    restarted: "failed: settle outcome_unknown",
    deadline: "failed: abort_request, settle outcome_unknown",
    cancelled: "failed: abort_request, settle outcome_unknown",
  },
  dispatched_asked_out_repeatable: {
    challenged: "authorizing: authorize",
    challenged_stale: "dispatched: dispatch refresh",
    challenged_url: "failed: settle input_limit",
    challenged_form: "failed: settle input_limit",
    deferred: "failed: settle input_limit",
    asked: "failed: abort_request, settle input_limit",
    completed: "completed: settle completed",
    failed: "failed: settle protocol_error",
    unreadable: "failed: settle protocol_error",
    lost: "dispatched: dispatch attach",
    restarted: "resuming: check_tool",
    deadline: "failed: abort_request, settle call_expired",
    cancelled: "failed: abort_request, settle cancelled",
  },
  resuming_repeatable: {
    unchanged: "dispatched: dispatch attach",
    changed: "failed: settle tool_changed",
    restarted: "resuming: check_tool",
    deadline: "failed: settle call_expired",
    cancelled: "failed: settle cancelled",
    abandoned: "failed: settle cancelled",
  },
  resuming_retried: {
    unchanged: "dispatched: dispatch attach",
    changed: "failed: settle tool_changed",
    restarted: "resuming: check_tool",
    deadline: "failed: settle call_expired",
    cancelled: "failed: settle cancelled",
    abandoned: "failed: settle cancelled",
  },
  completed: {},
  refused: {},
  failed: {},
};

describe("advanceCall", () => {
  it.each(Object.keys(states).flatMap((name) => eventNames.map((event) => [name, event] as const)))(
    "in %s follows the table on %s",
    (name, eventName) => {
      const state = states[name];
      if (state === undefined) throw new Error(name);
      const before = structuredClone(state);
      const step = advanceCall(state, events[eventName]);
      const shown = step.ok ? `${step.value.state.phase}: ${step.value.effects.map(show).join(", ")}` : step.error.code;
      expect(shown).toBe(table[name]?.[eventName] ?? "conflict");
      expect(state).toEqual(before);
    },
  );

  function run(from: CallStep, ...names: readonly EventName[]): CallStep {
    let step = from;
    for (const name of names) {
      const next = advanceCall(step.state, events[name]);
      if (!next.ok) throw new Error(next.error.detail);
      step = next.value;
    }
    return step;
  }

  it("carries the main job: challenge, sign-in, resume, result", () => {
    const step = run(receiveCall(false), "call_omit", "challenged", "granted", "unchanged", "completed");
    expect(step).toMatchObject({ state: { phase: "completed", rounds: 1 }, effects: [{ type: "settle", outcome: "completed" }] });
  });

  it("allows a step-up after the first sign-in and stops at the third demand", () => {
    const twice = run(receiveCall(false), "authorize", "granted", "unchanged", "challenged", "granted", "unchanged");
    expect(twice.state).toMatchObject({ phase: "dispatched", rounds: 2 });
    expect(run(twice, "challenged").state).toMatchObject({ phase: "failed", code: "step_up_limit" });
    expect(run(twice, "completed").state.phase).toBe("completed");
  });

  it("repeats an anonymous call anonymously, and sends the token after a grant", () => {
    expect(run(receiveCall(true), "call_omit", "lost").effects).toEqual([{ type: "dispatch", token: "omit" }]);
    expect(run(receiveCall(true), "call_omit", "challenged", "granted", "unchanged").effects).toEqual([{ type: "dispatch", token: "attach" }]);
    expect(run(receiveCall(true), "call_refresh", "lost").effects).toEqual([{ type: "dispatch", token: "attach" }]);
  });

  it("leaves an anonymous call anonymous after a visit to an address", () => {
    expect(run(receiveCall(false), "call_omit", "challenged_url", "answered", "unchanged").effects).toEqual([{ type: "dispatch", token: "omit" }]);
  });

  it("lets resuming be taken once", () => {
    const resuming = run(receiveCall(false), "authorize", "granted");
    expect(advanceCall(resuming.state, events.granted)).toMatchObject({ ok: false, error: { code: "conflict" } });
    const dispatched = run(resuming, "unchanged");
    expect(advanceCall(dispatched.state, events.unchanged)).toMatchObject({ ok: false, error: { code: "conflict" } });
    expect(advanceCall(dispatched.state, events.granted)).toMatchObject({ ok: false, error: { code: "conflict" } });
  });

  const sequence = fc.array(fc.constantFrom(...eventNames), { maxLength: 60 });

  it("counts questions apart from authorizations: each has its own limit", () => {
    const once = ["challenged_form", "answered", "unchanged"] as const;
    const rounds = Array.from({ length: inputRoundsMax }, () => once).flat();
    const asked = run(receiveCall(false), "authorize", "granted", "unchanged", ...rounds);
    expect(asked.state).toMatchObject({ phase: "dispatched", rounds: 1, asked: inputRoundsMax });
    expect(run(asked, "challenged", "granted", "unchanged").state).toMatchObject({ phase: "dispatched", rounds: 2 });
    expect(run(asked, "challenged_url").state).toMatchObject({ phase: "failed", code: "input_limit" });
  });

  it("takes no grant for an answer and no answer for a grant", () => {
    for (const [name, event] of [
      ["authorizing", events.answered],
      ["authorizing_url", events.granted],
      ["authorizing_form", events.granted],
      ["asking", events.granted],
    ] as const) {
      const state = states[name];
      expect(state !== undefined && advanceCall(state, event)).toMatchObject({ ok: false, error: { code: "conflict" } });
    }
  });

  it("lets an answer be taken once", () => {
    const waiting = run(receiveCall(false), "call_omit", "challenged_form");
    const resuming = run(waiting, "answered");
    expect(advanceCall(resuming.state, events.answered)).toMatchObject({ ok: false, error: { code: "conflict" } });
    const live = run(receiveCall(false), "call_omit", "asked", "answered");
    expect(live).toMatchObject({ state: { phase: "dispatched" }, effects: [] });
    expect(advanceCall(live.state, events.answered)).toMatchObject({ ok: false, error: { code: "conflict" } });
  });

  it("keeps every promise under any sequence of events", () => {
    fc.assert(
      fc.property(fc.boolean(), sequence, (repeatable, names) => {
        let step = receiveCall(repeatable);
        // A server that challenges, asks or defers has said that it has not done it: only then, and in the one silent retry, is a call sent again.
        let sends = 0;
        let allowed = 1;
        let settled = 0;
        for (const name of names) {
          const before = step.state;
          const next = advanceCall(step.state, events[name]);
          if (!next.ok) continue;
          expect(isSettled(step.state)).toBe(false);
          step = next.value;
          if (step.state.retried && !before.retried) allowed += 1;
          if (step.state.rounds > before.rounds && name !== "authorize") allowed += 1;
          if (step.state.asked > before.asked && name !== "asked") allowed += 1;
          for (const effect of step.effects) {
            if (effect.type === "dispatch") sends += 1;
            if (effect.type === "settle") settled += 1;
          }
          expect(sends).toBeLessThanOrEqual(allowed);
        }
        expect(step.state.rounds).toBeLessThanOrEqual(authorizationRoundsMax);
        expect(step.state.asked).toBeLessThanOrEqual(inputRoundsMax);
        expect(settled).toBe(isSettled(step.state) ? 1 : 0);
        expect(step.state.repeatable).toBe(repeatable);
      }),
      { numRuns: 5000 },
    );
  });

  it("settles soon when the server keeps asking and the user keeps answering, parked or in the running request", () => {
    fc.assert(
      fc.property(fc.boolean(), fc.constantFrom("challenged_url", "challenged_form", "deferred", "asked"), (repeatable, how) => {
        let step = run(receiveCall(repeatable), "call_omit");
        const answer: Partial<Record<CallPhase, EventName>> = { authorizing: "answered", asking: "answered", resuming: "unchanged", dispatched: how };
        let moves = 0;
        while (!isSettled(step.state)) {
          step = run(step, answer[step.state.phase] ?? "cancelled");
          moves += 1;
          expect(moves).toBeLessThan(3 * inputRoundsMax + 3);
        }
        expect(step.state).toMatchObject({ phase: "failed", code: how === "asked" && !repeatable ? "outcome_unknown" : "input_limit" });
      }),
    );
  });

  it("settles soon when the server keeps challenging and the user keeps granting", () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), (repeatable, stale) => {
        let step = receiveCall(repeatable);
        let moves = 0;
        const answer: Partial<Record<CallPhase, EventName>> = {
          received: "authorize",
          authorizing: "granted",
          resuming: "unchanged",
          dispatched: stale ? "challenged_stale" : "challenged",
        };
        while (!isSettled(step.state)) {
          step = run(step, answer[step.state.phase] ?? "cancelled");
          moves += 1;
          expect(moves).toBeLessThan(12);
        }
        expect(step.state).toMatchObject({ phase: "failed", code: "step_up_limit" });
      }),
    );
  });
});
