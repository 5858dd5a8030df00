import { advanceCall, type CallEffect, type CallEvent, type CallState } from "@countersign/protocol/auth-flow";
import { refuse, type ErrorCode, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { HostProfile } from "@countersign/protocol/ladder";
import { visibilityUnder } from "@countersign/protocol/profile-call";
import { judgeVisibility } from "@countersign/protocol/security";
import type { Secret } from "@countersign/protocol/secret";
import { member } from "@countersign/protocol/shape";
import type { Records } from "@countersign/storage/records";
import type { ToolDefinition } from "../connections/tool-definition.ts";
import type { Connector } from "../connectors.ts";
import { digestJson } from "../digest.ts";
import type { TraceStep } from "@countersign/protocol/trace-step";
import { Trace } from "../trace.ts";
import type { DriverOptions, Step } from "./driver-options.ts";
import { nextChange } from "./change.ts";
import { Dispatcher, type DispatchOutcome, type Sending } from "./dispatch.ts";
import { toHintMeta } from "./hints.ts";
import { CallPapers } from "./papers.ts";
import { ProgressBoard } from "./progress-board.ts";
import { inTurn, Questions, type Change } from "./questions.ts";
import { QuietTimes } from "./quiet-times.ts";
import { callKeys, callKind, flowOf, fromStoredState, toCallView, toStoredState, type CallRow, type CallView, type StoredCall } from "./record.ts";
import { Waiting } from "./waiting.ts";

/** How long a call's driver is believed to be alive without a write. Longer than any one effect takes. */
export const leaseMs = 120_000;
const freshToolsMs = 1000;
const attemptsMax = 50;

/**
 * Moves stored calls on. The pure reducer `protocol/auth-flow` says what an event means; the new state is stored by compare-and-set before its effects
 * are performed, so that of several processes with the same idea one acts.
 */
export class CallDriver {
  readonly papers: CallPapers;
  readonly quiet: QuietTimes;
  readonly questions: Questions;
  readonly #waiting: Waiting;
  readonly #options: DriverOptions;
  readonly #calls: Records<CallRow>;
  readonly #dispatcher: Dispatcher;
  readonly #traces = new Map<string, Trace>();
  readonly #aborts = new Map<string, AbortController>();
  readonly #refused = new Map<string, Secret>();
  readonly #driven = new Map<string, number>();
  readonly #drivenOf = new Map<string, number>();
  readonly #running = new Set<Promise<void>>();
  readonly #progress: ProgressBoard;
  #closed = false;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.papers = new CallPapers(options.sealer);
    this.#calls = options.database.records(callKind);
    this.#dispatcher = new Dispatcher(options.vault);
    this.#progress = new ProgressBoard((userId, data) => options.events.publish(userId, { type: "progress", data }));
    this.quiet = new QuietTimes(options.database, options.clock);
    this.questions = this.#makeQuestions();
    this.#waiting = new Waiting({
      ...options,
      quiet: this.quiet,
      questions: this.questions,
      calls: this.#calls,
      leaseMs,
      isClosed: () => this.#closed,
      store: (call, event, change) => this.#store(call, event, change),
      advance: (call, event, change) => this.advance(call, event, change),
      perform: (call, effects) => this.perform(call, effects),
      announce: (call) => this.announce(call),
      traceOf: (callId, userId, steps) => this.traceOf(callId, userId, steps),
    });
  }

  /** True while this process drives the call. */
  drives(callId: string): boolean {
    return this.#driven.has(callId);
  }

  /** How many calls of the user this process drives. */
  drivenOf(userId: string): number {
    return this.#drivenOf.get(userId) ?? 0;
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
    const { id, value: row } = call;
    if (!this.drives(id)) this.#drivenOf.set(row.userId, this.drivenOf(row.userId) + 1);
    this.#driven.set(id, (this.#driven.get(id) ?? 0) + 1);
    const task = this.#drive(call, effects)
      .catch((error: unknown) => this.#options.report("call_driver_failed", { callId: id, error }))
      .finally(() => {
        const others = (this.#driven.get(id) ?? 1) - 1;
        if (others > 0) this.#driven.set(id, others);
        else {
          this.#forget(id);
          this.#release(row.userId);
        }
        this.#running.delete(task);
      });
    this.#running.add(task);
  }

  /** What its user may see of a call. */
  async view(call: StoredCall): Promise<CallView> {
    const { id, value: row } = call;
    const flowId = flowOf(row);
    const flow = flowId === undefined ? undefined : await this.#options.flows.view(flowId);
    const completed = row.state.phase === "completed" && row.sealedResult !== undefined;
    const result = completed ? this.papers.open("result", row.userId, id, row.sealedResult) : undefined;
    const progress = this.#progress.of(id);
    return toCallView(call, { flow, asking: this.questions.view(call), progress, result: result?.ok === true ? result.value : undefined });
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
  async findTool(userId: string, connector: Connector, profile: HostProfile, name: string): Promise<Result<ToolDefinition, Refusal>> {
    const connection = this.#options.connectors.connection(userId, connector, profile);
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
    this.#waiting.close();
    for (const abort of this.#aborts.values()) abort.abort();
    await Promise.allSettled(this.#running);
  }

  async #store(call: StoredCall, event: CallEvent, change: Change): Promise<Step | undefined> {
    let current: StoredCall | undefined = call;
    for (let attempt = 0; attempt < attemptsMax && current !== undefined && !this.#closed; attempt += 1) {
      const { value: row } = current;
      if (change.attempt !== undefined && change.attempt !== row.attempt) return undefined;
      if (change.round !== undefined && change.round !== row.asking?.round) return undefined;
      const step = advanceCall(fromStoredState(row.state), event);
      if (!step.ok) return undefined;
      const trace = this.traceOf(current.id, row.userId, row.trace);
      if (attempt === 0) trace.adopt(change.steps ?? []);
      const patch = typeof change.patch === "function" ? change.patch(row, step.value.state) : (change.patch ?? {});
      const next = this.#nextRow(row, step.value.state, step.value.effects, trace, patch);
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
    const waits = state.phase === "authorizing" || state.phase === "asking" ? state.demand.kind : "nothing";
    const parksAnew = waits === "scope" && row.state.phase !== "authorizing";
    if (state.phase === "failed") trace.record("error", "The call ended without a result", { code: state.code });
    return {
      ...row,
      ...patch,
      ...(parksAnew ? { flowId: undefined, quiet: undefined } : {}),
      ...(waits === "url" || waits === "form" ? {} : { asking: undefined, sealedAsking: undefined }),
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
        return effect.demand.kind === "scope" ? this.#waiting.forGrant(call, effect.demand.scope) : this.#waiting.forAnswers(call);
      case "check_tool":
        this.#waiting.left(call.id);
        return this.#store(call, { type: "checked", ...(await this.#changeSince(call)) }, {});
      case "abort_request":
        this.#aborts.get(call.id)?.abort();
        return undefined;
      case "settle":
      case "leave_flow":
        this.#waiting.left(call.id);
        return undefined;
      case "decide":
        throw new Error("a call is decided before it is stored");
    }
  }

  /** From here on the call can be given up, at whatever instance that is decided: what has not been sent by then is not sent. */
  async #dispatch(call: StoredCall, token: "attach" | "omit" | "refresh"): Promise<Step | undefined> {
    const { id, value: row } = call;
    const abort = new AbortController();
    this.#aborts.set(id, abort);
    const unsubscribe = this.#options.events.subscribe(row.userId, ({ type, data }) => {
      if (type === "call" && member(data, "id") === id && member(data, "error") !== undefined) abort.abort();
    });
    const progress = this.#progress.attend(row.userId, id);
    try {
      return await this.#send(call, token, { signal: abort.signal, onProgress: progress.hear });
    } finally {
      progress.stop();
      unsubscribe();
      if (this.#aborts.get(id) === abort) this.#aborts.delete(id);
    }
  }

  async #send(call: StoredCall, token: "attach" | "omit" | "refresh", { signal, onProgress }: Sending): Promise<Step | undefined> {
    const { id, value: row } = call;
    const fail = (code: ErrorCode, detail?: string): Promise<Step | undefined> =>
      this.#store(call, { type: "failed", code }, { attempt: row.attempt, ...(detail === undefined ? {} : { patch: { detail } }) });
    const connector = await this.#options.connectors.find(row.userId, row.connectorId);
    if (!connector.ok) return fail(connector.error.code);
    const tool = await this.findTool(row.userId, connector.value, row.profile, row.tool);
    if (!tool.ok) {
      const need =
        tool.error.code === "authorization_required"
          ? await this.#options.connectors.signInNeed(row.userId, connector.value, row.profile)
          : undefined;
      if (need === undefined) return fail(tool.error.code, tool.error.detail);
      const challenged: CallEvent = { type: "challenged", demand: { kind: "scope", scope: need.scope }, refreshable: false };
      return this.#store(call, challenged, {
        attempt: row.attempt,
        patch: { resourceMetadata: need.resourceMetadata, dpopChallenged: need.dpopChallenged },
      });
    }
    if (row.toolDigest !== "" && tool.value.digest !== row.toolDigest) return fail("tool_changed");
    // A call that waited for the server itself meets its tool only now.
    const late = row.toolDigest === "" ? judgeVisibility(row.origin, true, visibilityUnder(row.profile, tool.value.visibility)) : undefined;
    if (late !== undefined) return fail("tool_not_visible", late);
    const change = row.toolDigest === "" ? await this.#options.connectors.pins.use(row.userId, row.connectorId, tool.value) : undefined;
    if (change !== undefined) return fail("tool_changed");
    const args = this.papers.open("arguments", row.userId, id, row.sealedArguments);
    if (!args.ok || digestJson(args.value) !== row.argumentsDigest) return fail("internal_error", "the stored arguments cannot be read");
    const { fileParams } = tool.value;
    const { connectorId, userId } = row;
    const filled = fileParams.length === 0 ? args : await this.#options.fillFiles({ userId, connectorId, fileParams, arguments: args.value });
    if (!filled.ok) return fail(filled.error.code, filled.error.detail);
    const outcome = await this.#dispatcher.run({
      callId: id,
      userId: row.userId,
      connector: connector.value,
      mode: await this.#options.connectors.modeOf(row.userId, connector.value),
      connection: this.#options.connectors.connection(row.userId, connector.value, row.profile),
      profile: row.profile,
      origin: row.origin,
      tool: tool.value,
      arguments: filled.value,
      meta: toHintMeta(row.hints ?? {}, userId, connector.value.resource),
      token,
      refused: this.#refused.get(id),
      flowId: row.flowId,
      continuation: this.questions.continuation(call),
      asked: row.state.asked,
      retried: row.state.retried,
      onProgress,
      ask: inTurn((question, signal) => this.questions.askLive(id, row.attempt, question, signal)),
      signal,
      record: this.traceOf(id, row.userId, row.trace).record,
    });
    return this.#store(call, outcome.event, { attempt: row.attempt, patch: await this.#patchOf(call, outcome, tool.value.digest) });
  }

  async #patchOf(call: StoredCall, outcome: DispatchOutcome, toolDigest: string): Promise<NonNullable<Change["patch"]>> {
    if (outcome.refused !== undefined) this.#refused.set(call.id, outcome.refused);
    if (outcome.deferred !== undefined) return { toolDigest, ...this.questions.patchDeferred(call, outcome.deferred.requestState) };
    if (outcome.asking !== undefined) {
      const asked = await this.questions.patch(call, outcome.asking);
      return (row, next) => ({ toolDigest, ...asked(row, next) });
    }
    return {
      toolDigest,
      ...(outcome.emptied === undefined ? {} : { emptied: outcome.emptied }),
      ...(outcome.detail === undefined ? {} : { detail: outcome.detail }),
      ...(outcome.resourceMetadata === undefined ? {} : { resourceMetadata: outcome.resourceMetadata }),
      ...(outcome.dpopChallenged === undefined ? {} : { dpopChallenged: outcome.dpopChallenged }),
      ...(outcome.result === undefined ? {} : { sealedResult: this.papers.seal("result", call.value.userId, call.id, outcome.result) }),
    };
  }

  /**
   * A call is resumed as it was parked, or not at all: the same tool, and for a view still there (V20). When the server cannot be asked now, the dispatch that
   * follows meets the same and fails typed.
   */
  async #changeSince(call: StoredCall): Promise<{ readonly problem?: ErrorCode }> {
    const { userId, connectorId, profile, tool: name, toolDigest, widgetId } = call.value;
    if (widgetId !== undefined && (await this.#options.viewOf(userId, widgetId)) === undefined) return { problem: "call_expired" };
    const connector = await this.#options.connectors.find(userId, connectorId);
    if (!connector.ok) return {};
    const tools = await this.#options.connectors.connection(userId, connector.value, profile).tools(freshToolsMs);
    return !tools.ok || toolDigest === "" || tools.value.get(name)?.digest === toolDigest ? {} : { problem: "tool_changed" };
  }

  #makeQuestions(): Questions {
    const { clock, limits, events } = this.#options;
    return new Questions({
      papers: this.papers,
      quiet: this.quiet,
      clock,
      openMs: limits.flowMs,
      leaseMs,
      read: (callId) => this.#read(callId),
      advance: (call, event, change) => this.advance(call, event, change),
      rewrite: async (call, row) => {
        const stored = await this.#calls.update(call.id, call.version, row, { keys: callKeys(row) });
        if (!stored.ok) return undefined;
        await this.announce(stored.value);
        return stored.value;
      },
      changed: async (call, waitMs, signal) => {
        const change = nextChange(events, { userId: call.value.userId, id: call.id }, waitMs, [signal]);
        const now = await this.#read(call.id);
        if (now?.version === call.version) await change.happened;
        change.stop();
      },
    });
  }

  /** A parked call lives in its row alone. */
  #forget(callId: string): void {
    this.#driven.delete(callId);
    this.#traces.delete(callId);
    this.#refused.delete(callId);
  }

  #release(userId: string): void {
    const left = this.drivenOf(userId) - 1;
    if (left > 0) this.#drivenOf.set(userId, left);
    else this.#drivenOf.delete(userId);
  }

  #read(callId: string): Promise<StoredCall | undefined> {
    return this.#calls.get(callId, this.#options.clock());
  }
}
