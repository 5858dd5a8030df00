import type { CallEffect, CallEvent, FlowEnd } from "@countersign/protocol/auth-flow";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { coversScope, unionScopes, withoutTransactionScopes, type ScopeSet } from "@countersign/protocol/scope";
import type { Records } from "@countersign/storage/records";
import { scopeOf } from "../authorize/flow-record.ts";
import type { StoredFlow } from "../authorize/flows.ts";
import type { McpConnection } from "../connections/connection.ts";
import type { TraceStep } from "@countersign/protocol/trace-step";
import type { Trace } from "../trace.ts";
import type { DriverOptions, Step } from "./driver-options.ts";
import type { Change, Questions } from "./questions.ts";
import type { QuietTimes } from "./quiet-times.ts";
import { callKeys, fromStoredState, type CallRow, type CallView, type StoredCall } from "./record.ts";

interface WaitingParts extends DriverOptions {
  readonly calls: Records<CallRow>;
  readonly questions: Questions;
  readonly quiet: QuietTimes;
  readonly leaseMs: number;
  readonly isClosed: () => boolean;
  readonly store: (call: StoredCall, event: CallEvent, change: Change) => Promise<Step | undefined>;
  readonly advance: (call: StoredCall, event: CallEvent, change: Change) => Promise<StoredCall | undefined>;
  readonly perform: (call: StoredCall, effects: readonly CallEffect[]) => void;
  readonly announce: (call: StoredCall) => Promise<CallView>;
  readonly traceOf: (callId: string, userId: string, stored: readonly TraceStep[]) => Trace;
}

const attemptsMax = 50;

/** How calls wait: for a flow that ends in a grant or not, or for the user's answers. */
export class Waiting {
  readonly #parts: WaitingParts;
  readonly #hearing = new Map<string, () => void>();

  constructor(parts: WaitingParts) {
    this.#parts = parts;
    parts.flows.onEnded((flow) => this.#flowEnded(flow));
  }

  /** The call waits no more: nothing is heard for it. */
  left(callId: string): void {
    this.#hearing.get(callId)?.();
    this.#hearing.delete(callId);
  }

  close(): void {
    for (const callId of this.#hearing.keys()) this.left(callId);
  }

  /** Puts the call under the flow that asks for what it needs. */
  async forGrant(call: StoredCall, scope: ScopeSet): Promise<Step | undefined> {
    const { id, value: row } = call;
    const fail = (refusal: Refusal): Promise<Step | undefined> =>
      this.#parts.store(
        call,
        { type: "flow_ended", end: "flow_failed", code: refusal.code },
        { attempt: row.attempt, ...(refusal.detail === undefined ? {} : { patch: { detail: refusal.detail } }) },
      );
    if ((await this.#othersParked(call)) >= this.#parts.limits.pendingCallsMax) return fail(refuse("too_many_pending_calls"));
    const connector = await this.#parts.connectors.find(row.userId, row.connectorId);
    if (!connector.ok) return fail(connector.error);
    const quiet = await this.#parts.quiet.isQuiet(row.userId, row.connectorId);
    // Beside what is held by now: the token of this sign-in takes the place of the one that was granted while the call waited behind another.
    const held = await this.#parts.vault.find(row.userId, connector.value.resource);
    const joined = await this.#parts.flows.join({
      userId: row.userId,
      connector: connector.value,
      profile: row.profile,
      scope: held === undefined ? scope : unionScopes(withoutTransactionScopes(held.scope), scope),
      resourceMetadata: row.resourceMetadata,
      dpopChallenged: row.dpopChallenged === true,
      record: this.#parts.traceOf(id, row.userId, row.trace).record,
      attach: async (flowId) => (await this.#park(id, row.userId, flowId, quiet)) !== undefined,
    });
    if (!joined.ok) return fail(joined.error);
    const parkedCall = await this.#read(id);
    if (parkedCall !== undefined) await this.#parts.announce(parkedCall);
    return undefined;
  }

  /** The call's questions are stored with it; the user answers them, or they expire. */
  async forAnswers(call: StoredCall): Promise<Step | undefined> {
    const { userId, connectorId, profile, attempt, asking } = call.value;
    const { limits, connectors, clock } = this.#parts;
    if ((await this.#othersParked(call)) >= limits.pendingCallsMax) {
      return this.#parts.store(call, { type: "flow_ended", end: "flow_failed", code: "too_many_pending_calls" }, { attempt });
    }
    const connector = await connectors.find(userId, connectorId);
    if (connector.ok && asking?.style === "retry") {
      this.#hear(call.id, connectors.connection(userId, connector.value, profile), asking.expiresAt - clock());
    }
    return undefined;
  }

  /** Hears for a while whether the server tells that a visit is over (`notifications/elicitation/complete`, 2025-11-25). */
  #hear(callId: string, connection: McpConnection, forMs: number): void {
    this.left(callId);
    const stop = connection.follow(({ method, params: { elicitationId: id } }) => {
      if (method === "notifications/elicitation/complete" && typeof id === "string") void this.#visitOver(callId, id).catch(() => {});
    });
    const timer = setTimeout(() => this.left(callId), forMs);
    timer.unref();
    this.#hearing.set(callId, () => {
      clearTimeout(timer);
      stop();
    });
  }

  async #visitOver(callId: string, elicitationId: string): Promise<void> {
    const call = await this.#read(callId);
    if (call !== undefined) await this.#parts.questions.completed(call, elicitationId);
  }

  /** How many other calls of the user wait, up to the limit. */
  async #othersParked({ id, value: row }: StoredCall): Promise<number> {
    const { limits, clock } = this.#parts;
    const parked = await this.#parts.calls.find("parked", row.userId, clock(), { limit: Math.min(1000, limits.pendingCallsMax + 1) });
    return parked.filter((other) => other.id !== id).length;
  }

  /** Puts a waiting call under a flow, or under none; undefined when it no longer waits. */
  async #park(callId: string, userId: string, flowId: string | undefined, quiet: boolean): Promise<StoredCall | undefined> {
    for (let attempt = 0; attempt < attemptsMax && !this.#parts.isClosed(); attempt += 1) {
      const call = await this.#read(callId);
      if (call === undefined || call.value.state.phase !== "authorizing") return undefined;
      const row = {
        ...call.value,
        flowId,
        quiet,
        leaseUntil: this.#parts.clock() + this.#parts.leaseMs,
        trace: this.#parts.traceOf(callId, userId, call.value.trace).steps,
      };
      const stored = await this.#parts.calls.update(callId, call.version, row, { keys: callKeys(row) });
      if (stored.ok) return stored.value;
    }
    return undefined;
  }

  /** Tells every call that waited for this flow. One whose demand the flow did not ask for gets a flow of its own next. */
  async #flowEnded(flow: StoredFlow): Promise<void> {
    const { state, userId, connectorId } = flow.value;
    if (state === "denied" || state === "cancelled") await this.#parts.quiet.begin(userId, connectorId);
    for (let round = 0; round < attemptsMax && !this.#parts.isClosed(); round += 1) {
      const waiting = await this.#parts.calls.find("flow", flow.id, this.#parts.clock(), { limit: 1000 });
      for (const call of waiting) await this.#tellOfFlow(call, flow);
      if (waiting.length === 0) return;
    }
  }

  async #tellOfFlow(call: StoredCall, flow: StoredFlow): Promise<void> {
    const state = fromStoredState(call.value.state);
    if (state.phase !== "authorizing") return;
    if (state.demand.kind === "scope" && !coversScope(scopeOf(flow.value), state.demand.scope)) {
      const freed = await this.#park(call.id, call.value.userId, undefined, false);
      if (freed !== undefined) this.#parts.perform(freed, [{ type: "authorize", demand: state.demand }]);
      return;
    }
    await this.#parts.advance(call, eventOfFlow(flow), { steps: flow.value.trace });
  }

  #read(callId: string): Promise<StoredCall | undefined> {
    return this.#parts.calls.get(callId, this.#parts.clock());
  }
}

function eventOfFlow(flow: StoredFlow): CallEvent {
  const { state, code } = flow.value;
  if (state === "granted") return { type: "granted" };
  const end: FlowEnd = state === "denied" || state === "cancelled" || state === "expired" ? state : "flow_failed";
  return { type: "flow_ended", end, ...(code === undefined ? {} : { code }) };
}
