import { advanceCall, type CallEffect, type CallEvent, type CallState, type FlowEnd } from "@countersign/protocol/auth-flow";
import type { EpochMs } from "@countersign/protocol/brand";
import { refuse, type ErrorCode, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import { coversScope, type ScopeSet } from "@countersign/protocol/scope";
import { judgeVisibility } from "@countersign/protocol/security";
import type { Secret } from "@countersign/protocol/secret";
import type { JsonObject } from "@countersign/protocol/shape";
import type { Database } from "@countersign/storage/open";
import type { Records } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { scopeOf } from "../authorize/flow-record.ts";
import type { Flows, StoredFlow } from "../authorize/flows.ts";
import type { ToolDefinition } from "../connections/tool-definition.ts";
import type { Connector, Connectors } from "../connectors.ts";
import { digestJson } from "../digest.ts";
import type { Events } from "../events.ts";
import type { Audit, HostLimits } from "../options.ts";
import type { FileArguments } from "../resources/file-arguments.ts";
import { Trace, type TraceStep } from "../trace.ts";
import type { Vault } from "../vault.ts";
import { Dispatcher, type DispatchOutcome } from "./dispatch.ts";
import { toHintMeta } from "./hints.ts";
import { CallPapers } from "./papers.ts";
import { callKeys, callKind, fromStoredState, isParked, toCallView, toStoredState, type CallRow, type CallView, type StoredCall } from "./record.ts";

export interface DriverOptions {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly connectors: Connectors;
  readonly vault: Vault;
  readonly flows: Flows;
  readonly events: Events;
  readonly limits: HostLimits;
  readonly clock: () => EpochMs;
  readonly audit: Audit;
  /** Gives a tool's file arguments their addresses, at the time of sending. */
  readonly fillFiles: (request: FileArguments) => Promise<Result<JsonObject, Refusal>>;
  readonly report: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** How long a call's driver is believed to be alive without a write. Longer than any one effect takes. */
export const leaseMs = 120_000;
const freshToolsMs = 1000;
const attemptsMax = 50;

interface Change {
  readonly patch?: Partial<CallRow>;
  readonly steps?: readonly TraceStep[];
  /** The dispatch that the event speaks of; the event is dropped when the row is past it. */
  readonly attempt?: number;
}

interface Step {
  readonly call: StoredCall;
  readonly effects: readonly CallEffect[];
}

/**
 * Moves stored calls on. The pure reducer `protocol/auth-flow` says what an event means; the new state is stored by compare-and-set before its effects
 * are performed, so that of several processes with the same idea one acts.
 */
export class CallDriver {
  readonly papers: CallPapers;
  readonly #options: DriverOptions;
  readonly #calls: Records<CallRow>;
  readonly #dispatcher: Dispatcher;
  readonly #traces = new Map<string, Trace>();
  readonly #aborts = new Map<string, AbortController>();
  readonly #refused = new Map<string, Secret>();
  readonly #driven = new Map<string, number>();
  readonly #running = new Set<Promise<void>>();
  #closed = false;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.papers = new CallPapers(options.sealer);
    this.#calls = options.database.records(callKind);
    this.#dispatcher = new Dispatcher(options.vault);
    options.flows.onEnded((flow) => this.#flowEnded(flow));
  }

  /** True while this process drives the call. */
  drives(callId: string): boolean {
    return this.#driven.has(callId);
  }

  /** Moves a call on by an event from outside its driver; undefined when the event came too late to matter. */
  async advance(call: StoredCall, event: CallEvent, change: Change = {}): Promise<StoredCall | undefined> {
    const step = await this.#store(call, event, change);
    if (step === undefined) {
      this.discard(call.id);
      return undefined;
    }
    this.perform(step.call, step.effects);
    return step.call;
  }

  /** Performs the effects of a state that is stored, and whatever follows from them. */
  perform(call: StoredCall, effects: readonly CallEffect[]): void {
    if (this.#closed) return;
    const { id } = call;
    this.#driven.set(id, (this.#driven.get(id) ?? 0) + 1);
    const task = this.#drive(call, effects)
      .catch((error: unknown) => this.#options.report("call_driver_failed", { callId: id, error }))
      .finally(() => {
        const others = (this.#driven.get(id) ?? 1) - 1;
        if (others > 0) this.#driven.set(id, others);
        else this.#forget(id);
        this.#running.delete(task);
      });
    this.#running.add(task);
  }

  /** What its user may see of a call. */
  async view(call: StoredCall): Promise<CallView> {
    const { id, value: row } = call;
    const flow = isParked(row) && row.flowId !== undefined ? await this.#options.flows.view(row.flowId) : undefined;
    const result = row.sealedResult === undefined ? undefined : this.papers.open("result", row.userId, id, row.sealedResult);
    return toCallView(call, flow, row.state.phase === "completed" && result?.ok === true ? result.value : undefined);
  }

  /** Tells the user's pages of a call that has just been stored. */
  async announce(call: StoredCall): Promise<CallView> {
    const view = await this.view(call);
    const { userId, connectorId, tool, state, detail } = call.value;
    this.#options.events.publish(userId, { type: "call", data: view }, call.id);
    if (state.code !== undefined) {
      const reason = detail === undefined ? {} : { reason: detail };
      this.#options.audit(`call.${state.phase}`, { userId, connectorId, tool, callId: call.id, code: state.code, ...reason });
    }
    return view;
  }

  /** The call's steps so far: the live ones while this process drives it. */
  traceOf(callId: string, userId: string, stored: readonly TraceStep[]): Trace {
    const known = this.#traces.get(callId);
    if (known !== undefined) return known;
    const { clock, events } = this.#options;
    const trace = new Trace(stored, clock, (step) => events.publish(userId, { type: "trace", data: { callId, ...step } }));
    this.#traces.set(callId, trace);
    return trace;
  }

  /** Lets go of the live steps of a call that is not driven here: another process may write the next ones. */
  discard(callId: string): void {
    if (!this.drives(callId)) this.#forget(callId);
  }

  /** The tool as the server defines it now, or shortly before. A name that is not known yet is looked for once more. */
  async findTool(userId: string, connector: Connector, name: string): Promise<Result<ToolDefinition, Refusal>> {
    const connection = this.#options.connectors.connection(userId, connector);
    for (const ageMs of [this.#options.limits.toolsAgeMs, freshToolsMs]) {
      const tools = await connection.tools(ageMs);
      if (!tools.ok) return tools;
      const tool = tools.value.get(name);
      if (tool !== undefined) return ok(tool);
    }
    return err(refuse("unknown_tool"));
  }

  /** Waits until no call is driven here, at most so long: what is on its way to a server may still end in its result. */
  async drain(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(resolve, ms, "late");
    });
    while (this.#running.size > 0) {
      if ((await Promise.race([Promise.allSettled(this.#running), late])) === "late") break;
    }
    clearTimeout(timer);
  }

  /** Stops driving: requests are aborted, rows stay as they are for the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const abort of this.#aborts.values()) abort.abort();
    await Promise.allSettled(this.#running);
  }

  async #store(call: StoredCall, event: CallEvent, change: Change): Promise<Step | undefined> {
    let current: StoredCall | undefined = call;
    for (let attempt = 0; attempt < attemptsMax && current !== undefined && !this.#closed; attempt += 1) {
      const { value: row } = current;
      if (change.attempt !== undefined && change.attempt !== row.attempt) return undefined;
      const step = advanceCall(fromStoredState(row.state), event);
      if (!step.ok) return undefined;
      const trace = this.traceOf(current.id, row.userId, row.trace);
      if (attempt === 0) trace.adopt(change.steps ?? []);
      const next = this.#nextRow(row, step.value.state, step.value.effects, trace, change.patch ?? {});
      const stored = await this.#calls.update(current.id, current.version, next, { keys: callKeys(next) });
      if (stored.ok) {
        await this.announce(stored.value);
        return { call: stored.value, effects: step.value.effects };
      }
      current = await this.#calls.get(current.id, this.#options.clock());
    }
    return undefined;
  }

  #nextRow(row: CallRow, state: CallState, effects: readonly CallEffect[], trace: Trace, patch: Partial<CallRow>): CallRow {
    const parksAnew = state.phase === "authorizing" && row.state.phase !== "authorizing";
    if (state.phase === "failed") trace.record("error", "The call ended without a result", { code: state.code });
    return {
      ...row,
      ...patch,
      ...(parksAnew ? { flowId: undefined } : {}),
      state: toStoredState(state),
      attempt: effects.some((effect) => effect.type === "dispatch") ? row.attempt + 1 : row.attempt,
      leaseUntil: this.#options.clock() + leaseMs,
      trace: trace.steps,
    };
  }

  async #drive(call: StoredCall, effects: readonly CallEffect[]): Promise<void> {
    let next: Step | undefined = { call, effects };
    while (next !== undefined) {
      const { call: current, effects: todo }: Step = next;
      next = undefined;
      for (const effect of todo) next = (await this.#effect(current, effect)) ?? next;
    }
  }

  async #effect(call: StoredCall, effect: CallEffect): Promise<Step | undefined> {
    switch (effect.type) {
      case "dispatch":
        return this.#dispatch(call, effect.token);
      case "authorize":
        return effect.demand.kind === "url"
          ? this.#store(
              call,
              { type: "flow_ended", end: "flow_failed" },
              { patch: { detail: "this host does not open addresses that a server names" } },
            )
          : this.#authorize(call, effect.demand.scope);
      case "check_tool":
        return this.#store(call, { type: "checked", unchanged: await this.#isUnchanged(call) }, {});
      case "abort_request":
        this.#aborts.get(call.id)?.abort();
        return undefined;
      case "settle":
      case "leave_flow":
        return undefined;
      case "decide":
        throw new Error("a call is decided before it is stored");
    }
  }

  async #dispatch(call: StoredCall, token: "attach" | "omit" | "refresh"): Promise<Step | undefined> {
    const { id, value: row } = call;
    const fail = (code: ErrorCode, detail?: string): Promise<Step | undefined> =>
      this.#store(call, { type: "failed", code }, { attempt: row.attempt, ...(detail === undefined ? {} : { patch: { detail } }) });
    const connector = await this.#options.connectors.find(row.userId, row.connectorId);
    if (!connector.ok) return fail(connector.error.code);
    const tool = await this.findTool(row.userId, connector.value, row.tool);
    if (!tool.ok) {
      const need = tool.error.code === "authorization_required" ? await this.#options.connectors.signInNeed(row.userId, connector.value) : undefined;
      if (need === undefined) return fail(tool.error.code, tool.error.detail);
      const challenged: CallEvent = { type: "challenged", demand: { kind: "scope", scope: need.scope }, refreshable: false };
      return this.#store(call, challenged, { attempt: row.attempt, patch: { resourceMetadata: need.resourceMetadata } });
    }
    if (row.toolDigest !== "" && tool.value.digest !== row.toolDigest) return fail("tool_changed");
    // A call that waited for the server itself meets its tool only now.
    const late = row.toolDigest === "" ? judgeVisibility(row.origin, true, tool.value.visibility) : undefined;
    if (late !== undefined) return fail("tool_not_visible", late);
    const args = this.papers.open("arguments", row.userId, id, row.sealedArguments);
    if (!args.ok || digestJson(args.value) !== row.argumentsDigest) return fail("internal_error", "the stored arguments cannot be read");
    const { fileParams } = tool.value;
    const { connectorId, userId } = row;
    const filled = fileParams.length === 0 ? args : await this.#options.fillFiles({ userId, connectorId, fileParams, arguments: args.value });
    if (!filled.ok) return fail(filled.error.code, filled.error.detail);
    const abort = new AbortController();
    this.#aborts.set(id, abort);
    const outcome = await this.#dispatcher
      .run({
        callId: id,
        userId: row.userId,
        connector: connector.value,
        mode: await this.#options.connectors.modeOf(row.userId, connector.value),
        connection: this.#options.connectors.connection(row.userId, connector.value),
        origin: row.origin,
        tool: tool.value,
        arguments: filled.value,
        meta: toHintMeta(row.hints ?? {}, userId, connector.value.resource),
        token,
        refused: this.#refused.get(id),
        flowId: row.flowId,
        signal: abort.signal,
        record: this.traceOf(id, row.userId, row.trace).record,
      })
      .finally(() => this.#aborts.delete(id));
    return this.#store(call, outcome.event, { attempt: row.attempt, patch: { ...this.#patchOf(call, outcome), toolDigest: tool.value.digest } });
  }

  #patchOf(call: StoredCall, outcome: DispatchOutcome): Partial<CallRow> {
    if (outcome.refused !== undefined) this.#refused.set(call.id, outcome.refused);
    return {
      ...(outcome.detail === undefined ? {} : { detail: outcome.detail }),
      ...(outcome.resourceMetadata === undefined ? {} : { resourceMetadata: outcome.resourceMetadata }),
      ...(outcome.result === undefined ? {} : { sealedResult: this.papers.seal("result", call.value.userId, call.id, outcome.result) }),
    };
  }

  async #authorize(call: StoredCall, scope: ScopeSet): Promise<Step | undefined> {
    const { id, value: row } = call;
    const fail = (refusal: Refusal): Promise<Step | undefined> =>
      this.#store(
        call,
        { type: "flow_ended", end: "flow_failed", code: refusal.code },
        { attempt: row.attempt, ...(refusal.detail === undefined ? {} : { patch: { detail: refusal.detail } }) },
      );
    const { pendingCallsMax } = this.#options.limits;
    const parked = await this.#calls.find("parked", row.userId, this.#options.clock(), { limit: pendingCallsMax });
    if (parked.length >= pendingCallsMax) return fail(refuse("too_many_pending_calls"));
    const connector = await this.#options.connectors.find(row.userId, row.connectorId);
    if (!connector.ok) return fail(connector.error);
    const joined = await this.#options.flows.join({
      userId: row.userId,
      connector: connector.value,
      scope,
      resourceMetadata: row.resourceMetadata,
      record: this.traceOf(id, row.userId, row.trace).record,
      attach: async (flowId) => (await this.#park(id, row.userId, flowId)) !== undefined,
    });
    if (!joined.ok) return fail(joined.error);
    const parkedCall = await this.#read(id);
    if (parkedCall !== undefined) await this.announce(parkedCall);
    return undefined;
  }

  /** Puts a waiting call under a flow, or under none; undefined when it no longer waits. */
  async #park(callId: string, userId: string, flowId: string | undefined): Promise<StoredCall | undefined> {
    for (let attempt = 0; attempt < attemptsMax && !this.#closed; attempt += 1) {
      const call = await this.#read(callId);
      if (call === undefined || call.value.state.phase !== "authorizing") return undefined;
      const row = { ...call.value, flowId, leaseUntil: this.#options.clock() + leaseMs, trace: this.traceOf(callId, userId, call.value.trace).steps };
      const stored = await this.#calls.update(callId, call.version, row, { keys: callKeys(row) });
      if (stored.ok) return stored.value;
    }
    return undefined;
  }

  /** Tells every call that waited for this flow. One whose demand the flow did not ask for gets a flow of its own next. */
  async #flowEnded(flow: StoredFlow): Promise<void> {
    for (let round = 0; round < attemptsMax && !this.#closed; round += 1) {
      const waiting = await this.#calls.find("flow", flow.id, this.#options.clock(), { limit: 1000 });
      for (const call of waiting) await this.#tellOfFlow(call, flow);
      if (waiting.length === 0) return;
    }
  }

  async #tellOfFlow(call: StoredCall, flow: StoredFlow): Promise<void> {
    const state = fromStoredState(call.value.state);
    if (state.phase !== "authorizing") return;
    if (state.demand.kind === "scope" && !coversScope(scopeOf(flow.value), state.demand.scope)) {
      const freed = await this.#park(call.id, call.value.userId, undefined);
      if (freed !== undefined) this.perform(freed, [{ type: "authorize", demand: state.demand }]);
      return;
    }
    await this.advance(call, eventOfFlow(flow), { steps: flow.value.trace });
  }

  /** A call is resumed as it was parked, or not at all. When the server cannot be asked now, the dispatch that follows meets the same and fails typed. */
  async #isUnchanged(call: StoredCall): Promise<boolean> {
    const { userId, connectorId, tool: name, toolDigest } = call.value;
    const connector = await this.#options.connectors.find(userId, connectorId);
    if (!connector.ok) return true;
    const tools = await this.#options.connectors.connection(userId, connector.value).tools(freshToolsMs);
    return !tools.ok || toolDigest === "" || tools.value.get(name)?.digest === toolDigest;
  }

  /** A parked call lives in its row alone. */
  #forget(callId: string): void {
    this.#driven.delete(callId);
    this.#traces.delete(callId);
    this.#refused.delete(callId);
  }

  #read(callId: string): Promise<StoredCall | undefined> {
    return this.#calls.get(callId, this.#options.clock());
  }
}

function eventOfFlow(flow: StoredFlow): CallEvent {
  const { state, code } = flow.value;
  if (state === "granted") return { type: "granted" };
  const end: FlowEnd = state === "denied" || state === "cancelled" || state === "expired" ? state : "flow_failed";
  return { type: "flow_ended", end, ...(code === undefined ? {} : { code }) };
}
